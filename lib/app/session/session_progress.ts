/** Reports how far a file has come over one session, now and then. */
import type { Clock } from "../../io/system/clock.ts";
import { PROGRESS_INTERVAL_MS } from "../../limits.ts";
import { RateMeter } from "../../protocol/base/rate_meter.ts";
import { TimeLeft } from "../../protocol/base/time_left.ts";
import type { ProgressEvent } from "../events.ts";
import { secondsLeftField } from "../seconds_left.ts";

interface SessionProgressOptions {
  readonly clock: Clock;
  /** As the user called the file. */
  readonly name: string;
  readonly server: string;
  readonly sizeBytes: number;
  readonly emit: (event: ProgressEvent) => void;
}

export class SessionProgress {
  readonly #options: SessionProgressOptions;
  #meter: RateMeter;
  #timeLeft = new TimeLeft();
  #bytes: number | undefined;
  #toldMs = -Infinity;

  constructor(options: SessionProgressOptions) {
    this.#options = options;
    this.#meter = new RateMeter(options.clock.nowMs());
  }

  /** So much of the file has passed; less than before if it had to begin again. */
  at(bytes: number): void {
    const { clock, name, server, sizeBytes: size, emit } = this.#options;
    const nowMs = clock.nowMs();
    if (bytes < (this.#bytes ?? 0)) this.#meter = new RateMeter(nowMs);
    else this.#meter.add(bytes - (this.#bytes ?? 0));
    this.#bytes = bytes;
    this.#timeLeft.note(nowMs, bytes, 0);
    if (nowMs - this.#toldMs < PROGRESS_INTERVAL_MS) return;
    this.#toldMs = nowMs;
    const rate = this.#meter.read(nowMs);
    const time = secondsLeftField(this.#timeLeft.seconds(nowMs, size - bytes, 0));
    emit({ event: "progress", name, bytes, size, rate, ...time, lanes: [{ server, rate, bytes }] });
  }

  /** It continues here: what passed before is not counted in the rate. */
  resumeAt(bytes: number): void {
    this.#meter = new RateMeter(this.#options.clock.nowMs());
    this.#timeLeft = new TimeLeft();
    this.#bytes = bytes;
  }
}
