/** Tells the main thread now and then what the session worker has sent whom. */
import type { Endpoint } from "../../address.ts";
import type { ContentRef } from "../../protocol/base/served_file.ts";
import { type SentShare, SentTally } from "../../protocol/serve/sent_tally.ts";
import type { ByteRange } from "../../wire/frames.ts";
import type { Clock, Wakeup } from "../system/clock.ts";

/** A client has several connections, and begins anew with another one after each loss: they do not tell its fetches apart. */
const ANY_CONNECTION = "";

export class SentNews {
  readonly #clock: Clock;
  readonly #tell: (shares: readonly SentShare[]) => void;
  readonly #tally = new SentTally();
  readonly #timer: Wakeup;

  constructor(clock: Clock, tell: (shares: readonly SentShare[]) => void) {
    this.#clock = clock;
    this.#tell = tell;
    this.#timer = clock.timer(() => this.#wake());
  }

  onSent(to: Endpoint, content: ContentRef, range: ByteRange): void {
    this.#tally.onSent(this.#clock.nowMs(), to, ANY_CONNECTION, content, [range]);
    this.#wake();
  }

  close(): void {
    this.#timer.clear();
    const shares = this.#tally.take(this.#clock.nowMs());
    if (shares.length > 0) this.#tell(shares);
  }

  #wake(): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs >= this.#tally.nextWakeupMs) this.#tell(this.#tally.take(nowMs));
    this.#timer.set(this.#tally.nextWakeupMs);
  }
}
