/** How many bytes per second came lately: a moving average with a time constant of about a second. */
import { RATE_TIME_CONSTANT_MS } from "./limits.ts";

export class RateMeter {
  #bytesPerMs = 0;
  #pendingBytes = 0;
  #sinceMs: number;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  add(bytes: number): void {
    this.#pendingBytes += bytes;
  }

  /** Bytes per second, as of now. Reading makes it forget, so read at even intervals. */
  read(nowMs: number): number {
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs > 0) {
      const weight = 1 - Math.exp(-elapsedMs / RATE_TIME_CONSTANT_MS);
      const isFirst = this.#bytesPerMs === 0;
      const latest = this.#pendingBytes / elapsedMs;
      this.#bytesPerMs = isFirst ? latest : this.#bytesPerMs + weight * (latest - this.#bytesPerMs);
      this.#pendingBytes = 0;
      this.#sinceMs = nowMs;
    }
    return this.#bytesPerMs * 1000;
  }
}
