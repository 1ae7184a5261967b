/**
 * A token bucket: a rate per second, and a reserve for bursts. One request may overdraw it,
 * which is paid back before the next; so a request larger than the bucket still passes.
 */
import { RATE_ROUNDING_MS } from "./limits.ts";
export class RateLimit {
  readonly #perMs: number;
  readonly #burst: number;
  #level: number;
  #atMs = 0;

  constructor(perS: number, burst: number) {
    this.#perMs = perS / 1000;
    this.#burst = burst;
    this.#level = burst;
  }

  /** Takes `amount` if anything is there. */
  take(nowMs: number, amount: number): boolean {
    this.#refill(nowMs);
    if (this.#level <= 0) return false;
    this.#level -= amount;
    return true;
  }

  /** When something will be there. */
  readyMs(nowMs: number): number {
    this.#refill(nowMs);
    return this.#level > 0 ? nowMs : nowMs - this.#level / this.#perMs + RATE_ROUNDING_MS;
  }

  #refill(nowMs: number): void {
    const grown = this.#level + (nowMs - this.#atMs) * this.#perMs;
    this.#level = Math.min(this.#burst, grown);
    this.#atMs = nowMs;
  }
}
