/**
 * What a question meets before anything is done for it (docs/PROTOCOL.md, "Fair shares"), the cheapest look first: is
 * it as long as whoever has no token must make it, is its token good, may its asker cause that much work? What is
 * refused is answered by a frame that costs little, or by silence.
 */
import type { Endpoint } from "../../address.ts";
import type { Bytes, ServerId } from "../../ids.ts";
import { RateLimit } from "../base/rate_limit.ts";
import type { Tokens, TokenVerdict } from "../base/tokens.ts";
import { Askers, hasProved } from "./askers.ts";
import { FIND_RETRIES_PER_S, FIND_UNVALIDATED_BYTES_MIN, PROBE_RETRIES_PER_S } from "./limits.ts";
import { workOf } from "./question_work.ts";
import type { QuestionFrame } from "./questions.ts";
import { busyFor, retryFor } from "./retry.ts";

type Passage =
  /** `isProved`: by a token of now. `hasProved`: by one of now or earlier, so that it counts with its address. */
  | {
    readonly isAdmitted: true;
    readonly isProved: boolean;
    readonly hasProved: boolean;
    readonly work: number;
  }
  | { readonly isAdmitted: false; readonly answer?: Bytes };

interface QuestionGateOptions {
  readonly server: ServerId;
  readonly tokens: Tokens;
  /** Add to this machine's time to get the one that tokens are issued by; 0 by default. */
  readonly tokenClockOffsetMs?: number;
}

export class QuestionGate {
  readonly #server: ServerId;
  readonly #tokens: Tokens;
  readonly #tokenClockOffsetMs: number;
  readonly #askers = new Askers();
  /** Whose address these are sent to cannot be told, so nobody's share is: each is paid for by a datagram's bytes. */
  readonly #findRetries = new RateLimit(FIND_RETRIES_PER_S, FIND_RETRIES_PER_S);
  readonly #probeRetries = new RateLimit(PROBE_RETRIES_PER_S, PROBE_RETRIES_PER_S);

  constructor({ server, tokens, tokenClockOffsetMs = 0 }: QuestionGateOptions) {
    this.#server = server;
    this.#tokens = tokens;
    this.#tokenClockOffsetMs = tokenClockOffsetMs;
  }

  /** @param frameBytes how long `frame` was */
  pass(nowMs: number, from: Endpoint, frame: QuestionFrame, frameBytes: number): Passage {
    const isShort = frame.kind === "find" && frameBytes < FIND_UNVALIDATED_BYTES_MIN;
    const verdict = this.#tokens.judge(nowMs + this.#tokenClockOffsetMs, from.address, frame.token);
    const isProved = verdict === "valid";
    if (isShort && !isProved) return this.#refuse(nowMs, from, frame, frameBytes, verdict);
    const work = workOf(frame, isProved);
    const admission = this.#askers.admit(nowMs, from.address, verdict, work);
    if (admission.isAdmitted) {
      return { isAdmitted: true, isProved, hasProved: hasProved(verdict), work };
    }
    const { waitMs } = admission;
    if (waitMs !== undefined) return { isAdmitted: false, answer: busyFor(frame, waitMs) };
    return this.#refuse(nowMs, from, frame, frameBytes, verdict);
  }

  /** Whether a question with a good token came from `address`, as far as is remembered. */
  isKnown(nowMs: number, address: string): boolean {
    return this.#askers.isKnown(nowMs, address);
  }

  /**
   * Who has no good token gets one, with which it is heard whatever else is sent in its name; but not for a short
   * FIND without any, which no client sends.
   */
  #refuse(
    nowMs: number,
    from: Endpoint,
    frame: QuestionFrame,
    frameBytes: number,
    verdict: TokenVerdict,
  ): Passage {
    if (frame.kind !== "find" || verdict === "valid" || frame.queries.length === 0) {
      return { isAdmitted: false };
    }
    const isShort = frameBytes < FIND_UNVALIDATED_BYTES_MIN;
    const retries = isShort ? this.#probeRetries : this.#findRetries;
    if ((isShort && verdict === "none") || !retries.take(nowMs, 1)) return { isAdmitted: false };
    const token = this.#tokens.issue(nowMs + this.#tokenClockOffsetMs, from.address);
    const answer = retryFor(frame, frameBytes, this.#server, token);
    return { isAdmitted: false, ...(answer !== undefined && { answer }) };
  }
}
