/** Questions to one endpoint for what it has of a content: what is under way, when the next is due, what was answered. */
import { type Endpoint, isSameEndpoint } from "../../address.ts";
import type { Bytes, Content, ServerId, Token } from "../../ids.ts";
import { encodeFrame, type FrameOf } from "../../wire/frames.ts";
import { Bitmap } from "../base/bitmap.ts";
import { RETRIES_HEEDED_MAX } from "../base/limits.ts";
import { RequestTimer } from "../base/request_timer.ts";
import {
  TAKER_ANSWER_MS_MIN,
  TAKER_ASK_MS_MAX,
  TAKER_ASK_MS_MIN,
  TAKER_ASK_MS_PLENTY,
  TAKER_PAUSE_MS,
  TAKER_PLENTY,
  TAKER_VAIN_MAX,
} from "./limits.ts";

interface Asked {
  readonly number: number;
  readonly sentMs: number;
  readonly deadlineMs: number;
}

export class TakerPath {
  readonly endpoint: Endpoint;
  readonly nonce: bigint;
  /** A chance that decides whether it is among the few that are asked. */
  readonly lot: number;
  /** "server": it is known to have all, and is asked who else is there. */
  readonly role: "server" | "taker";
  /** What it calls itself; `undefined` until it has said so. */
  id: ServerId | undefined;
  token: Token;
  /** What it has, as far as it said. */
  readonly holds: Bitmap;
  /** Whether it has answered with the nonce, which was sent there alone. */
  isProved = false;
  /** Whether it was told of as somebody who has something. */
  isConfirmed = false;
  /** When it is asked next, unless it is being asked. */
  dueMs: number;
  readonly #timer = new RequestTimer();
  #asked: Asked | undefined;
  #lastNumber = 0;
  #refusals = 0;
  #intervalMs = TAKER_ASK_MS_MIN;

  constructor(
    nowMs: number,
    role: "server" | "taker",
    endpoint: Endpoint,
    { nonce, lot, token, chunkCount }: {
      readonly nonce: bigint;
      readonly lot: number;
      readonly token: Token;
      readonly chunkCount: number;
    },
  ) {
    this.role = role;
    this.endpoint = endpoint;
    this.nonce = nonce;
    this.lot = lot;
    this.token = token;
    this.dueMs = nowMs;
    this.holds = new Bitmap(role === "server" ? 0 : chunkCount);
  }

  get rttMs(): number {
    return this.#timer.rttMs;
  }

  /** Whether so many questions in a row were in vain that there is nothing to be had. */
  get isVain(): boolean {
    return this.#timer.misses >= TAKER_VAIN_MAX;
  }

  isAt(endpoint: Endpoint): boolean {
    return isSameEndpoint(endpoint, this.endpoint);
  }

  isAskable(nowMs: number): boolean {
    return this.#asked === undefined && nowMs >= this.dueMs;
  }

  /** @param port where we give; 0 for nowhere */
  ask(nowMs: number, { root, sizeBytes }: Content, port: number, firstChunk: number): Bytes {
    const number = ++this.#lastNumber;
    const waitMs = Math.max(TAKER_ANSWER_MS_MIN, this.#timer.timeoutMs);
    this.#asked = { number, sentMs: nowMs, deadlineMs: nowMs + waitMs };
    const { nonce, token } = this;
    return encodeFrame(
      { kind: "have_want", nonce, token, number, root, sizeBytes, port, firstChunk },
    );
  }

  /** Whether this is the answer to what was asked last: then nothing is under way. */
  takes(nowMs: number, number: number): boolean {
    const asked = this.#asked;
    if (asked?.number !== number) return false;
    this.#asked = undefined;
    this.isProved = true;
    this.#timer.answered(nowMs - asked.sentMs);
    return true;
  }

  /** It wants another token, and is asked again at once, unless it does so all the time. */
  refused(nowMs: number, token: Token): void {
    this.#refusals += 1;
    this.token = token;
    this.dueMs = this.#refusals > RETRIES_HEEDED_MAX ? nowMs + TAKER_ASK_MS_MAX : nowMs;
  }

  postpone(nowMs: number, waitMs: number): void {
    this.dueMs = nowMs + waitMs;
  }

  /**
   * Takes down what it says that it has; says whether that is news.
   *
   * @param lacks how many of these are missing here, up to `TAKER_PLENTY`
   */
  answered(
    nowMs: number,
    { hasAll, firstChunk, held }: FrameOf<"have">,
    lacks: (holds: Bitmap) => number,
  ): boolean {
    this.#refusals = 0;
    const isNews = this.role === "taker" && this.#take(hasAll === 1, firstChunk, held);
    this.#intervalMs = !isNews
      ? Math.min(TAKER_ASK_MS_MAX, 2 * this.#intervalMs)
      : lacks(this.holds) < TAKER_PLENTY
      ? TAKER_ASK_MS_MIN
      : TAKER_ASK_MS_PLENTY;
    this.dueMs = nowMs + this.#intervalMs;
    return isNews;
  }

  /** It is asked sooner: there is something to tell. */
  hasten(nowMs: number): void {
    this.#intervalMs = TAKER_ASK_MS_MIN;
    this.dueMs = Math.min(this.dueMs, nowMs);
  }

  /** Gives up on a question that took too long. */
  expire(nowMs: number): void {
    if (this.#asked === undefined || nowMs < this.#asked.deadlineMs) return;
    this.#asked = undefined;
    this.#timer.misses += 1;
    // Whoever has never answered may be nobody's doing.
    this.dueMs = this.isProved ? nowMs : nowMs + TAKER_PAUSE_MS * 2 ** (this.#timer.misses - 1);
  }

  nextMs(): number {
    return this.#asked?.deadlineMs ?? this.dueMs;
  }

  #take(hasAll: boolean, firstChunk: number, held: Uint8Array): boolean {
    let isNews = false;
    const { length } = this.holds;
    const end = hasAll ? length : Math.min(length, firstChunk + 8 * held.length);
    const has = (chunk: number): boolean => {
      const bit = chunk - firstChunk;
      return hasAll || (held[bit >> 3]! & (1 << (bit & 7))) !== 0;
    };
    for (let chunk = hasAll ? 0 : firstChunk; chunk < end; chunk++) {
      if (has(chunk) === this.holds.has(chunk)) continue;
      isNews = true;
      if (has(chunk)) this.holds.set(chunk);
      else this.holds.clear(chunk);
    }
    return isNews;
  }
}
