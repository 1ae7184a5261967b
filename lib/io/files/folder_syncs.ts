/**
 * Makes new names in folders survive a power cut. A sync costs the same for one name as for a
 * thousand: callers that ask while one is running share the next.
 */
import type { Clock } from "../system/clock.ts";
import type { Disk } from "./disk.ts";

export class FolderSyncs {
  readonly #clock: Clock;
  readonly #disk: Disk;
  readonly #running = new Map<string, Promise<void>>();
  /** Syncs that have not begun, so that they still cover whatever is asked for now. */
  readonly #waiting = new Map<string, Promise<void>>();

  constructor(clock: Clock, disk: Disk) {
    this.#clock = clock;
    this.#disk = disk;
  }

  /** Resolves when `folder` has been synced by a sync that began after this call. Never rejects. */
  sync(folder: string): Promise<void> {
    let waiting = this.#waiting.get(folder);
    if (waiting === undefined) {
      waiting = this.#run(folder);
      this.#waiting.set(folder, waiting);
    }
    return waiting;
  }

  async #run(folder: string): Promise<void> {
    await Promise.all([this.#running.get(folder), this.#clock.yieldToEvents()]);
    this.#waiting.delete(folder);
    const running = this.#disk.syncFolder(folder);
    this.#running.set(folder, running);
    await running;
    if (this.#running.get(folder) === running) this.#running.delete(folder);
  }
}
