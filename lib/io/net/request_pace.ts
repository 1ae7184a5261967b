/** How fast the requests of one peer are read and answered: what is too much waits, and nothing is refused. */
import type { RateLimit } from "../../protocol/base/rate_limit.ts";
import type { Clock } from "../system/clock.ts";

export class RequestPace {
  readonly #clock: Clock;
  readonly #requests: readonly RateLimit[];
  readonly #work: RateLimit;

  /**
   * @param requests of this connection, and of all of its address
   * @param work what all connections of the address may cause together
   */
  constructor(clock: Clock, requests: readonly RateLimit[], work: RateLimit) {
    this.#clock = clock;
    this.#requests = requests;
    this.#work = work;
  }

  /** Resolves when the next request may be read. */
  async request(): Promise<void> {
    for (const rate of this.#requests) await this.#passed(rate, 1);
  }

  /** Resolves when so much work may be done: docs/PROTOCOL.md, "Fair shares", says what costs how much. */
  async work(units: number): Promise<void> {
    await this.#passed(this.#work, units);
  }

  async #passed(rate: RateLimit, amount: number): Promise<void> {
    for (let now = this.#clock.nowMs(); !rate.take(now, amount); now = this.#clock.nowMs()) {
      await this.#clock.sleep(rate.readyMs(now) - now);
    }
  }
}
