/** One address of one server while layer pages are asked of it: requests, round trips, patience. */
import { type Bytes, type Content, type Endpoint, endpointText, type Token } from "../ids.ts";
import {
  LAYER_TIMER_MS_MIN,
  RETRIES_HEEDED_MAX,
  TAIL_TIMER_MS_INITIAL,
  TAIL_TIMER_MS_MAX,
} from "../limits.ts";
import { encodeFrame } from "../wire/frames.ts";
import type { PageRange } from "./layer_pages.ts";
import type { ServerPath } from "./server_path.ts";

interface Request {
  readonly sentMs: number;
  readonly unanswered: Set<number>;
  deadlineMs: number;
}

export class LayerPath {
  readonly endpoint: Endpoint;
  readonly nonce: bigint;
  token: Token;
  /** Whether a good page has come this way. */
  isConfirmed = false;
  /** Requests in a row that were not answered in time. */
  misses = 0;
  #refusals = 0;
  #rttMs = 0;
  #rttVarianceMs = 0;
  #lastNumber = 0;
  readonly #requests = new Map<number, Request>();

  /** @param nonce random, and shown to nobody but this server */
  constructor(path: ServerPath, nonce: bigint) {
    this.endpoint = path.endpoint;
    this.token = path.token;
    this.nonce = nonce;
  }

  /** 0 until the first answer. */
  get rttMs(): number {
    return this.#rttMs;
  }

  get pagesAsked(): number {
    let count = 0;
    for (const { unanswered } of this.#requests.values()) count += unanswered.size;
    return count;
  }

  isAt(endpoint: Endpoint): boolean {
    return endpointText(endpoint) === endpointText(this.endpoint);
  }

  /** The LAYER_WANT that asks for `range`. */
  ask(nowMs: number, content: Content, range: PageRange): Bytes {
    const { sizeBytes, root } = content;
    const number = ++this.#lastNumber;
    const pages = Array.from({ length: range.pageCount }, (_, i) => range.firstPage + i);
    const deadlineMs = nowMs + this.#timeoutMs();
    this.#requests.set(number, { sentMs: nowMs, unanswered: new Set(pages), deadlineMs });
    const { nonce, token } = this;
    return encodeFrame({ kind: "layer_want", nonce, token, number, root, sizeBytes, ...range });
  }

  /** Takes down that a page came; `false` if this request is not waiting for it. */
  answered(nowMs: number, number: number, page: number): boolean {
    const request = this.#requests.get(number);
    if (request === undefined || !request.unanswered.delete(page)) return false;
    this.#sample(nowMs - request.sentMs);
    this.misses = 0;
    this.#refusals = 0;
    request.deadlineMs = nowMs + this.#timeoutMs();
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

  isWaitingFor(number: number): boolean {
    return this.#requests.has(number);
  }

  /** Gives up on requests that took too long; returns their pages. */
  expire(nowMs: number): number[] {
    const lost: number[] = [];
    for (const [number, request] of this.#requests) {
      if (request.deadlineMs > nowMs) continue;
      this.#requests.delete(number);
      lost.push(...request.unanswered);
    }
    if (lost.length > 0) {
      this.misses += 1;
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

  nextDeadlineMs(): number {
    let nextMs = Infinity;
    for (const { deadlineMs } of this.#requests.values()) nextMs = Math.min(nextMs, deadlineMs);
    return nextMs;
  }

  #timeoutMs(): number {
    const expectedMs = this.#rttMs === 0
      ? TAIL_TIMER_MS_INITIAL
      : Math.max(LAYER_TIMER_MS_MIN, this.#rttMs + 4 * this.#rttVarianceMs);
    return Math.min(TAIL_TIMER_MS_MAX, expectedMs * 2 ** this.misses);
  }

  /** As TCP does it (RFC 6298); request numbers leave no doubt what an answer belongs to. */
  #sample(rttMs: number): void {
    if (this.#rttMs === 0) {
      this.#rttMs = rttMs;
      this.#rttVarianceMs = rttMs / 2;
      return;
    }
    this.#rttVarianceMs += (Math.abs(rttMs - this.#rttMs) - this.#rttVarianceMs) / 4;
    this.#rttMs += (rttMs - this.#rttMs) / 8;
  }
}
