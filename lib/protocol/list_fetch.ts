/**
 * One server's listing, page by page (docs/PROTOCOL.md, "Listing"). A LIST asks for the pages after a
 * name; what is lost is found by the gap or by a timer, and asked for again after the last name that
 * came without one. Nothing is kept here: entries are told as they come.
 */
import {
  type Bytes,
  type Endpoint,
  endpointText,
  type SafeFileName,
  type ServerId,
} from "../ids.ts";
import {
  CATALOGUE_ENTRIES_MAX,
  LIST_TRIES_MAX,
  LISTING_PAGES_PER_LIST_MAX,
  PATHS_PER_SERVER_MAX,
  RETRIES_HEEDED_MAX,
} from "../limits.ts";
import { encodeFrame, type Frame, type FrameOf, type ListingEntry } from "../wire/frames.ts";
import { RequestTimer } from "./request_timer.ts";
import { isSameEndpoint, type ServerPath } from "./server_path.ts";

export type ListAnswer = FrameOf<"listing" | "retry">;

export type ListFetchEvent =
  /** Another way to the server, or another token for a known one. */
  | { readonly kind: "path"; readonly path: ServerPath }
  | { readonly kind: "frame"; readonly from: Endpoint; readonly frame: ListAnswer }
  | { readonly kind: "wakeup" };

export type ListFetchAction =
  | { readonly kind: "send"; readonly to: Endpoint; readonly datagram: Bytes }
  | { readonly kind: "entries"; readonly entries: readonly ListingEntry[] }
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
  #number = 0;
  #sentMs = 0;
  #deadlineMs = Infinity;
  /** Page of the current LIST that comes next without a gap. */
  #nextPage = 0;
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
    return ["listing", "retry"].includes(frame.kind);
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
    const at = this.#paths.findIndex((each) => isSameEndpoint(each, path));
    if (at >= 0) this.#paths[at] = path;
    else if (this.#paths.length < PATHS_PER_SERVER_MAX) this.#paths.push(path);
  }

  #onFrame(nowMs: number, from: Endpoint, frame: ListAnswer): void {
    if (frame.server !== this.#server || frame.number !== this.#number) return;
    const path = this.#paths.find(({ endpoint }) => endpointText(endpoint) === endpointText(from));
    if (path === undefined) return;
    if (frame.kind === "listing") return this.#onListing(nowMs, frame);
    if (this.#refusals >= RETRIES_HEEDED_MAX) return;
    this.#refusals += 1;
    this.#addPath({ endpoint: path.endpoint, token: frame.token });
    this.#ask(nowMs);
  }

  #onListing(nowMs: number, frame: FrameOf<"listing">): void {
    const isWindowEnd = frame.isLast !== 0 || frame.page === LISTING_PAGES_PER_LIST_MAX - 1;
    if (frame.page !== this.#nextPage) {
      // What comes after a gap will come again; its end shows that the gap is a loss.
      if (frame.page > this.#nextPage && isWindowEnd) this.#ask(nowMs);
      return;
    }
    const last = frame.entries.at(-1);
    if (last === undefined && frame.isLast === 0) return;
    this.#timer.answered(nowMs - this.#sentMs);
    this.#refusals = 0;
    this.#nextPage += 1;
    this.#after = last?.name;
    this.#entryCount += frame.entries.length;
    this.#deadlineMs = nowMs + this.#timer.timeoutMs;
    if (frame.entries.length > 0) {
      this.#actions.push({ kind: "entries", entries: frame.entries });
    }
    if (frame.isLast !== 0 || this.#entryCount >= CATALOGUE_ENTRIES_MAX) this.#end(true);
    else if (isWindowEnd) this.#ask(nowMs);
  }

  #miss(nowMs: number): void {
    this.#timer.misses += 1;
    this.#refusals = 0;
    this.#pathIndex += 1;
    if (this.#timer.misses >= LIST_TRIES_MAX) this.#end(false);
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
    this.#nextPage = 0;
    this.#sentMs = nowMs;
    this.#deadlineMs = nowMs + this.#timer.timeoutMs;
    const datagram = encodeFrame({
      kind: "list",
      queryId: this.#queryId,
      token: path.token,
      number: this.#number,
      pagesMax: LISTING_PAGES_PER_LIST_MAX,
      after: this.#after,
    });
    this.#actions.push({ kind: "send", to: path.endpoint, datagram });
  }
}
