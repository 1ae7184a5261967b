/** Layer requests to one address of one server: what is in flight, round trips, timeouts. */
import { type Endpoint, isSameEndpoint } from "../../address.ts";
import type { Bytes, Content, Token } from "../../ids.ts";
import { PageParts } from "../merkle/layer_parts.ts";
import type { LayerPage } from "../merkle/merkle.ts";
import { RETRIES_HEEDED_MAX } from "../base/limits.ts";
import { REORDER_SEGMENTS } from "./limits.ts";
import { encodeFrame, type FrameOf } from "../../wire/frames.ts";
import type { PathAnswer } from "./answered_paths.ts";
import type { PageRange } from "./layer_pages.ts";
import { RequestTimer } from "../base/request_timer.ts";
import type { ServerPath } from "../base/server_path.ts";

interface Request {
  readonly sentMs: number;
  readonly unanswered: Set<number>;
  readonly isBrief: boolean;
  /** Pages of which some has come, where it is brief. */
  readonly parts: Map<number, PageParts>;
  deadlineMs: number;
}

export class LayerPath {
  readonly endpoint: Endpoint;
  readonly nonce: bigint;
  token: Token;
  /** Whether a good page has come this way, of this content or lately of another. */
  isConfirmed: boolean;
  #refusals = 0;
  readonly #timer = new RequestTimer();
  #lastNumber = 0;
  #busyUntilMs = -Infinity;
  /** How pages last came after they had not come in time. */
  #isBrief: boolean;
  readonly #requests = new Map<number, Request>();

  /**
   * @param nonce random, and shown to nobody but this server
   * @param known where the path has answered lately
   */
  constructor(path: ServerPath, nonce: bigint, known: PathAnswer | undefined) {
    this.endpoint = path.endpoint;
    this.token = path.token;
    this.nonce = nonce;
    this.isConfirmed = known !== undefined;
    this.#isBrief = known?.isBrief ?? false;
    if (known !== undefined) this.#timer.answered(known.rttMs);
  }

  /** 0 until the first answer. */
  get rttMs(): number {
    return this.#timer.rttMs;
  }

  /** Requests in a row that were not answered in time. */
  get misses(): number {
    return this.#timer.misses;
  }

  /** Whether pages come in parts alone, as far as is known. */
  get isBrief(): boolean {
    return this.#isBrief;
  }

  get pagesAsked(): number {
    let count = 0;
    for (const { unanswered } of this.#requests.values()) count += unanswered.size;
    return count;
  }

  isAt(endpoint: Endpoint): boolean {
    return isSameEndpoint(endpoint, this.endpoint);
  }

  /** The LAYER_WANT that asks for `range`; what did not come may have been too long, so then it is the other way around. */
  ask(nowMs: number, content: Content, range: PageRange): Bytes {
    const { sizeBytes, root } = content;
    const number = ++this.#lastNumber;
    const pages = Array.from({ length: range.pageCount }, (_, i) => range.firstPage + i);
    const deadlineMs = nowMs + this.#timer.timeoutMs;
    const unanswered = new Set(pages);
    const isBrief = this.#isBrief !== (this.misses % 2 === 1);
    this.#requests.set(number, {
      ...{ sentMs: nowMs, unanswered, isBrief, parts: new Map(), deadlineMs },
    });
    const { nonce, token } = this;
    const head = { kind: "layer_want", nonce, token, number, root, sizeBytes } as const;
    return encodeFrame({ ...head, ...range, ...(isBrief && { isBrief }) });
  }

  /** Takes a part of a page; the page, once it is whole. */
  join(
    sizeBytes: number,
    { number, page, part, hashes }: FrameOf<"layer_part">,
  ): LayerPage | undefined {
    const request = this.#requests.get(number);
    if (request === undefined || !request.isBrief || !request.unanswered.has(page)) {
      return undefined;
    }
    const parts = request.parts.get(page) ?? new PageParts(page, sizeBytes);
    request.parts.set(page, parts);
    return parts.take(part, hashes);
  }

  /** Takes down that a page came; `false` if this request is not waiting for it. */
  answered(nowMs: number, number: number, page: number): boolean {
    const request = this.#requests.get(number);
    if (request === undefined || !request.unanswered.delete(page)) return false;
    request.parts.delete(page);
    if (this.misses > 0) this.#isBrief = request.isBrief;
    this.#timer.answered(nowMs - request.sentMs);
    this.#refusals = 0;
    request.deadlineMs = nowMs + this.#timer.timeoutMs;
    if (request.unanswered.size === 0) this.#requests.delete(number);
    return true;
  }

  /** The server wants another token: the pages to be asked for again, unless it does so all the time. */
  refused(number: number): Iterable<number> | undefined {
    const request = this.#requests.get(number);
    if (request === undefined || this.#refusals >= RETRIES_HEEDED_MAX) return undefined;
    this.#refusals += 1;
    this.#requests.delete(number);
    return request.unanswered;
  }

  /**
   * The server is busy: nothing is asked of it before `untilMs`. Returns the pages that it will not send, for which
   * others need not wait as long.
   */
  postpone(number: number, untilMs: number): Iterable<number> {
    const request = this.#requests.get(number);
    if (request === undefined) return [];
    this.#requests.delete(number);
    this.#busyUntilMs = Math.max(this.#busyUntilMs, untilMs);
    return request.unanswered;
  }

  /** Whether it has said that it will not answer now. */
  isBusy(nowMs: number): boolean {
    return nowMs < this.#busyUntilMs;
  }

  isWaitingFor(number: number): boolean {
    return this.#requests.has(number);
  }

  /**
   * `page` of the request `number` has come, so what was to come well before it is lost: answers
   * leave in the order of what they answer. Returns the pages to be asked for again.
   */
  overtaken(number: number, page: number): number[] {
    const lost: number[] = [];
    for (const [earlier, { unanswered }] of this.#requests) {
      if (earlier > number) break;
      for (const awaited of unanswered) {
        if (earlier === number && awaited + REORDER_SEGMENTS > page) continue;
        unanswered.delete(awaited);
        lost.push(awaited);
      }
      if (unanswered.size === 0) this.#requests.delete(earlier);
    }
    return lost;
  }

  /** Gives up on requests that took too long; returns their pages. */
  expire(nowMs: number): number[] {
    const lost: number[] = [];
    let isMiss = false;
    for (const [number, request] of this.#requests) {
      if (request.deadlineMs > nowMs) continue;
      this.#requests.delete(number);
      lost.push(...request.unanswered);
      isMiss = true;
    }
    if (isMiss) {
      this.#timer.misses += 1;
      this.#refusals = 0;
    }
    return lost;
  }

  /** Gives up on everything. */
  drop(): number[] {
    const lost = [...this.#requests.values()].flatMap(({ unanswered }) => [...unanswered]);
    this.#requests.clear();
    return lost;
  }

  nextDeadlineMs(nowMs: number): number {
    let nextMs = this.isBusy(nowMs) ? this.#busyUntilMs : Infinity;
    for (const { deadlineMs } of this.#requests.values()) nextMs = Math.min(nextMs, deadlineMs);
    return nextMs;
  }
}
