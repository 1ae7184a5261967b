/**
 * One server's listing, page by page (docs/PROTOCOL.md, "Listing"). A LIST asks for the pages after a
 * name; losses are noticed by a gap or a timer, and requested again after the last name before the
 * gap. What does not fit the first page is left to TCP, if the server has a reachable port for it.
 * Nothing is kept here: entries are reported as they arrive.
 */
import { type Endpoint, isSameEndpoint } from "../../address.ts";
import type { Bytes, SafeFileName, ServerId } from "../../ids.ts";
import { CATALOGUE_ENTRIES_MAX } from "../../limits.ts";
import { LISTING_PAGES_PER_LIST_MAX } from "../../wire/limits.ts";
import { PATHS_PER_SERVER_MAX, RETRIES_HEEDED_MAX } from "../base/limits.ts";
import { LIST_FRUITLESS_MAX, LIST_REORDER_MS_MIN, LIST_TRIES_MAX } from "./limits.ts";
import { encodeFrame, type Frame, type FrameOf, type ListingEntry } from "../../wire/frames.ts";
import { RequestTimer } from "../base/request_timer.ts";
import type { ServerPath } from "../base/server_path.ts";

type ListAnswer = FrameOf<"listing" | "retry" | "busy">;

export type ListFetchEvent =
  /** Another way to the server, or another token for a known one. */
  | { readonly kind: "path"; readonly path: ServerPath }
  | { readonly kind: "frame"; readonly from: Endpoint; readonly frame: ListAnswer }
  /** How the attempt of `rest` ended; `after` is the last name that came, if any did. */
  | { readonly kind: "restRead"; readonly isComplete: boolean; readonly after?: SafeFileName }
  | { readonly kind: "wakeup" };

export type ListFetchAction =
  | { readonly kind: "send"; readonly to: Endpoint; readonly datagram: Bytes }
  /** @param tcpPort where sessions bring the same; 0 for nowhere */
  | {
    readonly kind: "entries";
    readonly entries: readonly ListingEntry[];
    readonly tcpPort: number;
  }
  /** At most once: read what follows `after` over TCP from `from`, and tell `restRead`. */
  | { readonly kind: "rest"; readonly from: Endpoint; readonly after: SafeFileName }
  /** The last action: everything was told, or the server has fallen silent. */
  | { readonly kind: "ended"; readonly isComplete: boolean };

export class ListFetch {
  readonly #server: ServerId;
  readonly #queryId: bigint;
  #paths: ServerPath[] = [];
  /** Which path is asked; another one after each miss. */
  #pathIndex = 0;
  readonly #timer = new RequestTimer();
  #refusals = 0;
  /** Whether the server said that it will not answer the current LIST. */
  #isPostponed = false;
  /** LISTs in a row that brought nothing to tell. */
  #fruitless = 0;
  #number = 0;
  #sentMs = 0;
  #deadlineMs = Infinity;
  /** Page of the current LIST that comes next without a gap. */
  #nextPage = 0;
  /** Pages of the current LIST that came before the ones before them. */
  readonly #early = new Map<number, FrameOf<"listing">>();
  /** Of the current LIST: one, until it is known whether TCP takes the others. */
  #pagesMax = 1;
  /** Whether the current LIST is answered in short pages, and whether the first that was after a miss was. */
  #isBrief = false;
  #wasBrief = false;
  #after: SafeFileName | undefined;
  #entryCount = 0;
  #hasEnded = false;
  #actions: ListFetchAction[] = [];

  /** @param queryId random */
  constructor(server: ServerId, queryId: bigint) {
    this.#server = server;
    this.#queryId = queryId;
  }

  owns(queryId: bigint): boolean {
    return queryId === this.#queryId;
  }

  accepts(frame: Frame): frame is ListAnswer {
    return ["listing", "retry", "busy"].includes(frame.kind);
  }

  /** Whether `ended` was told. */
  get isDone(): boolean {
    return this.#hasEnded;
  }

  /** The first path starts the fetch. */
  handle(nowMs: number, event: ListFetchEvent): readonly ListFetchAction[] {
    this.#actions = [];
    if (this.#hasEnded) return this.#actions;
    switch (event.kind) {
      case "path":
        this.#addPath(event.path);
        if (this.#number === 0) this.#ask(nowMs);
        break;
      case "frame":
        this.#onFrame(nowMs, event.from, event.frame);
        break;
      case "restRead":
        this.#onRestRead(nowMs, event.isComplete, event.after);
        break;
      case "wakeup":
        break;
      default:
        event satisfies never;
    }
    if (nowMs >= this.#deadlineMs) this.#miss(nowMs);
    return this.#actions;
  }

  nextWakeupMs(): number {
    return this.#deadlineMs;
  }

  #addPath(path: ServerPath): void {
    const at = this.#paths.findIndex((each) => isSameEndpoint(each.endpoint, path.endpoint));
    if (at >= 0) this.#paths[at] = path;
    else if (this.#paths.length < PATHS_PER_SERVER_MAX) this.#paths.push(path);
  }

  #onFrame(nowMs: number, from: Endpoint, frame: ListAnswer): void {
    if (frame.number !== this.#number) return;
    if (frame.kind !== "busy" && frame.server !== this.#server) return;
    const path = this.#paths.find(({ endpoint }) => isSameEndpoint(endpoint, from));
    if (path === undefined) return;
    if (frame.kind === "listing") return this.#onListing(nowMs, frame, path.endpoint);
    if (frame.kind === "busy") {
      this.#isPostponed = true;
      this.#deadlineMs = nowMs + frame.waitMs;
      return;
    }
    if (this.#refusals >= RETRIES_HEEDED_MAX) return;
    this.#refusals += 1;
    this.#addPath({ endpoint: path.endpoint, token: frame.token });
    this.#ask(nowMs);
  }

  #onListing(nowMs: number, frame: FrameOf<"listing">, from: Endpoint): void {
    if (frame.page < this.#nextPage || frame.page >= this.#pagesMax) return;
    if (frame.entries.length === 0 && frame.isLast === 0) return;
    if (this.#timer.misses > 0) this.#wasBrief = this.#isBrief;
    this.#timer.answered(nowMs - this.#sentMs);
    this.#refusals = 0;
    this.#deadlineMs = nowMs + this.#timer.timeoutMs;
    this.#early.set(frame.page, frame);
    for (;;) {
      const next = this.#early.get(this.#nextPage);
      if (next === undefined) break;
      this.#early.delete(this.#nextPage);
      this.#tell(next);
      if (next.isLast !== 0 || this.#entryCount >= CATALOGUE_ENTRIES_MAX) return this.#end(true);
      if (this.#nextPage === this.#pagesMax) return this.#goOn(nowMs, from, next.tcpPort);
    }
    if (this.#early.size === 0) return;
    // Pages beyond a gap: what is in it may have been overtaken, or it is lost.
    const patienceMs = Math.max(LIST_REORDER_MS_MIN, this.#timer.rttMs / 4);
    this.#deadlineMs = Math.min(this.#deadlineMs, nowMs + patienceMs);
  }

  #tell(frame: FrameOf<"listing">): void {
    this.#nextPage += 1;
    this.#fruitless = 0;
    this.#after = frame.entries.at(-1)?.name ?? this.#after;
    this.#entryCount += frame.entries.length;
    const { entries, tcpPort } = frame;
    if (entries.length > 0) this.#actions.push({ kind: "entries", entries, tcpPort });
  }

  /** All pages of a LIST are here, and the listing is longer. */
  #goOn(nowMs: number, { address }: Endpoint, tcpPort: number): void {
    const isFirst = this.#pagesMax === 1;
    this.#pagesMax = LISTING_PAGES_PER_LIST_MAX;
    if (!isFirst || tcpPort === 0 || this.#after === undefined) return this.#ask(nowMs);
    this.#deadlineMs = Infinity;
    this.#actions.push({ kind: "rest", from: { address, port: tcpPort }, after: this.#after });
  }

  #onRestRead(nowMs: number, isComplete: boolean, after: SafeFileName | undefined): void {
    this.#after = after ?? this.#after;
    if (isComplete) this.#end(true);
    else this.#ask(nowMs);
  }

  /** What was asked for did not come, or not all of it. */
  #miss(nowMs: number): void {
    if (this.#nextPage === 0) this.#fruitless += 1;
    if (this.#nextPage === 0 && this.#early.size === 0 && !this.#isPostponed) {
      this.#timer.misses += 1;
      this.#refusals = 0;
      this.#pathIndex += 1;
    }
    const isHopeless = this.#timer.misses >= LIST_TRIES_MAX ||
      this.#fruitless >= LIST_FRUITLESS_MAX;
    if (isHopeless) this.#end(false);
    else this.#ask(nowMs);
  }

  #end(isComplete: boolean): void {
    this.#hasEnded = true;
    this.#deadlineMs = Infinity;
    this.#actions.push({ kind: "ended", isComplete });
  }

  get #path(): ServerPath | undefined {
    return this.#paths[this.#pathIndex % Math.max(1, this.#paths.length)];
  }

  #ask(nowMs: number): void {
    const path = this.#path;
    if (path === undefined) return;
    this.#number += 1;
    this.#isPostponed = false;
    this.#nextPage = 0;
    this.#early.clear();
    this.#sentMs = nowMs;
    this.#deadlineMs = nowMs + this.#timer.timeoutMs;
    // What did not come may have been too long for the path.
    this.#isBrief = this.#wasBrief !== (this.#timer.misses % 2 === 1);
    const datagram = encodeFrame({
      kind: "list",
      queryId: this.#queryId,
      token: path.token,
      number: this.#number,
      pagesMax: this.#pagesMax,
      after: this.#after,
      ...(this.#isBrief && { isBrief: true }),
    });
    this.#actions.push({ kind: "send", to: path.endpoint, datagram });
  }
}
