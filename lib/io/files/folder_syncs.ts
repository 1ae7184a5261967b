/**
 * Makes new names in folders survive a power cut. A sync costs the same for one name as for a
 * thousand, so syncs run in rounds that are a moment apart: callers that ask before a round begins share it.
 */
import type { Clock } from "../system/clock.ts";
import type { Disk } from "./disk.ts";
import { FOLDER_SYNC_INTERVAL_MS } from "./limits.ts";

export class FolderSyncs {
  readonly #clock: Clock;
  readonly #disk: Disk;
  /** What the next round syncs, and whoever waits for that. */
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();
  #isRunning = false;
  #startedMs = -Infinity;

  constructor(clock: Clock, disk: Disk) {
    this.#clock = clock;
    this.#disk = disk;
  }

  /** Resolves when `folder` has been synced by a sync that began after this call. Never rejects. */
  sync(folder: string): Promise<void> {
    let waiting = this.#waiting.get(folder);
    if (waiting === undefined) {
      waiting = Promise.withResolvers<void>();
      this.#waiting.set(folder, waiting);
      void this.#run();
    }
    return waiting.promise;
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (this.#waiting.size > 0) {
      const pauseMs = this.#startedMs + FOLDER_SYNC_INTERVAL_MS - this.#clock.nowMs();
      await (pauseMs > 0 ? this.#clock.sleep(pauseMs) : this.#clock.yieldToEvents());
      this.#startedMs = this.#clock.nowMs();
      const round = [...this.#waiting];
      this.#waiting.clear();
      await Promise.all(
        round.map(([folder, { resolve }]) => this.#disk.syncFolder(folder).then(resolve)),
      );
    }
    this.#isRunning = false;
  }
}
