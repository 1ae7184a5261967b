/** Limits several connections together to one rate. */
import { THROTTLE_BURST_MS } from "./limits.ts";
import { RateLimit } from "../../protocol/base/rate_limit.ts";
import { nowMs, sleep } from "../system/clock.ts";

export class Throttle {
  readonly #limit: RateLimit | undefined;

  /** @param rateBytesPerS 0 for no bound */
  constructor(rateBytesPerS = 0) {
    const burstBytes = Math.max(1, rateBytesPerS * THROTTLE_BURST_MS / 1000);
    if (rateBytesPerS > 0) this.#limit = new RateLimit(rateBytesPerS, burstBytes);
  }

  /** Resolves when so much may pass. */
  async pass(lengthBytes: number): Promise<void> {
    const limit = this.#limit;
    if (limit === undefined) return;
    for (let now = nowMs(); !limit.take(now, lengthBytes); now = nowMs()) {
      await sleep(limit.readyMs(now) - now);
    }
  }
}
