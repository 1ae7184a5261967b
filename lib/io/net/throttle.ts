/** Limits several connections together to one rate. */
import { THROTTLE_BURST_MS } from "./limits.ts";
import { RateLimit } from "../../protocol/base/rate_limit.ts";
import type { Clock } from "../system/clock.ts";

export class Throttle {
  readonly #clock: Pick<Clock, "nowMs" | "sleep">;
  readonly #limit: RateLimit | undefined;

  /** @param rateBytesPerS 0 for no bound */
  constructor(clock: Pick<Clock, "nowMs" | "sleep">, rateBytesPerS = 0) {
    this.#clock = clock;
    const burstBytes = Math.max(1, rateBytesPerS * THROTTLE_BURST_MS / 1000);
    if (rateBytesPerS > 0) this.#limit = new RateLimit(rateBytesPerS, burstBytes);
  }

  /** Resolves when so much may pass, or as soon as `signal` fires. */
  async pass(lengthBytes: number, signal?: AbortSignal): Promise<void> {
    const limit = this.#limit;
    if (limit === undefined) return;
    const clock = this.#clock;
    for (let now = clock.nowMs(); !limit.take(now, lengthBytes); now = clock.nowMs()) {
      if (signal?.aborted) return;
      await clock.sleep(limit.readyMs(now) - now, signal);
    }
  }
}
