/**
 * How often files are looked at because somebody asks for them. A look costs microseconds on a local disk and may
 * cost much on a network's, so it is the time that is bounded: beyond that, questions are answered by what the last scan
 * has seen.
 */
import type { Clock } from "../../io/system/clock.ts";
import { RateLimit } from "../../protocol/base/rate_limit.ts";
import { LOOK_BURST_MS, LOOK_TIME_SHARE } from "./limits.ts";

export class LookBudget {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #limit = new RateLimit(1_000 * LOOK_TIME_SHARE, LOOK_BURST_MS);

  constructor(clock: Pick<Clock, "nowMs">) {
    this.#clock = clock;
  }

  /** Looks, if there is time for that. */
  spend(look: () => void): void {
    const startMs = this.#clock.nowMs();
    if (this.#limit.readyMs(startMs) > startMs) return;
    look();
    const endMs = this.#clock.nowMs();
    this.#limit.take(endMs, endMs - startMs);
  }
}
