/** How long to wait for an answer: from measured round trips, as TCP does it (RFC 6298). */
import { REQUEST_TIMER_MS_MIN, TAIL_TIMER_MS_INITIAL, TAIL_TIMER_MS_MAX } from "./limits.ts";

export class RequestTimer {
  /** Requests in a row that were not answered in time: each doubles the wait. */
  misses = 0;
  #rttMs = 0;
  #rttVarianceMs = 0;

  /** 0 until the first sample. */
  get rttMs(): number {
    return this.#rttMs;
  }

  get timeoutMs(): number {
    const expectedMs = this.#rttMs === 0
      ? TAIL_TIMER_MS_INITIAL
      : Math.max(REQUEST_TIMER_MS_MIN, this.#rttMs + 4 * this.#rttVarianceMs);
    return Math.min(TAIL_TIMER_MS_MAX, expectedMs * 2 ** this.misses);
  }

  /** An answer came, this long after its request. Request numbers leave no doubt which it was. */
  answered(rttMs: number): void {
    this.misses = 0;
    if (this.#rttMs === 0) {
      this.#rttMs = rttMs;
      this.#rttVarianceMs = rttMs / 2;
      return;
    }
    this.#rttVarianceMs += (Math.abs(rttMs - this.#rttMs) - this.#rttVarianceMs) / 4;
    this.#rttMs += (rttMs - this.#rttMs) / 8;
  }
}
