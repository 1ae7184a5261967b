/**
 * When the folder is scanned again: at intervals, sooner after a hint, and never so often that
 * scanning takes most of the server's time.
 */
import type { Clock, Wakeup } from "../../io/system/clock.ts";
import { RESCAN_INTERVAL_MS, RESCAN_STRETCH, WATCH_QUIET_MS } from "./limits.ts";

export class ScanSchedule {
  readonly #clock: Clock;
  readonly #scan: () => Promise<void>;
  readonly #timer: Wakeup;
  #running: Promise<void> | undefined;
  #isClosed = false;
  #isHinted = false;
  /** The next scan is no earlier and no later than this. */
  #earliestMs = 0;
  #latestMs = 0;

  /** @param scan does not reject */
  constructor(clock: Clock, scan: () => Promise<void>) {
    this.#clock = clock;
    this.#timer = clock.timer(() => void this.scanNow());
    this.#scan = scan;
  }

  /** Scans, or waits for the current scan. */
  scanNow(): Promise<void> {
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Something may have changed. */
  hint(): void {
    if (this.#isClosed) return;
    if (this.#running !== undefined) {
      this.#isHinted = true;
      return;
    }
    const quietMs = Math.max(this.#clock.nowMs() + WATCH_QUIET_MS, this.#earliestMs);
    this.#timer.set(Math.min(quietMs, this.#latestMs));
  }

  /** Resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer.clear();
    await this.#running;
  }

  async #run(): Promise<void> {
    const startMs = this.#clock.nowMs();
    this.#isHinted = false;
    await this.#scan();
    const endMs = this.#clock.nowMs();
    this.#running = undefined;
    if (this.#isClosed) return;
    this.#earliestMs = endMs + RESCAN_STRETCH * (endMs - startMs);
    this.#latestMs = Math.max(this.#earliestMs, endMs + RESCAN_INTERVAL_MS);
    this.#timer.set(this.#latestMs);
    if (this.#isHinted) this.hint();
  }
}
