/** How far a run is with all that it is to fetch, counted over names of which some are done, some run and some wait. */
import type { DoneEvent, FailedEvent } from "../events.ts";

/** What of a name under way counts here. */
export interface Progressing {
  readonly name: string;
  /** `undefined` while nothing is being fetched. */
  readonly progress: Progress | undefined;
}

/** How far one name is. */
export interface Progress {
  readonly bytes: number;
  readonly sizeBytes: number;
  readonly folder?: FolderProgress;
}

/** How far it is with its files, of a folder. */
interface FolderProgress {
  readonly files: number;
  readonly filesDone: number;
  /** How many of these were there before. */
  readonly filesPresent: number;
  /** A file that is at work. */
  readonly current: string | undefined;
}

/** What is known of a run before it begins. */
export interface RunOutset {
  /** Sizes in bytes, by the name as it is asked for, as servers list them. */
  readonly sizes: ReadonlyMap<string, number>;
  /** What was wanted and is done with: it was there already, or cannot be had. */
  readonly ended: readonly (DoneEvent | FailedEvent)[];
}

export const NO_OUTSET: RunOutset = { sizes: new Map(), ended: [] };

interface Totals {
  readonly files: number;
  readonly filesDone: number;
  readonly filesFailed: number;
  readonly bytes: number;
  /** `undefined` while the size of something is not known. */
  readonly size: number | undefined;
  /** What of these came in this run. */
  readonly fetchedFiles: number;
  readonly fetchedBytes: number;
}

export class RunTotals {
  readonly #sizes: ReadonlyMap<string, number>;
  #done = 0;
  #failed = 0;
  #doneBytes = 0;
  #fetchedFiles = 0;
  #fetchedBytes = 0;

  constructor({ sizes, ended }: RunOutset) {
    this.#sizes = sizes;
    this.onEnded(ended);
  }

  /** These are here, or will not come. */
  onEnded(events: readonly (DoneEvent | FailedEvent)[]): void {
    for (const event of events) {
      if (event.event === "failed") {
        this.#failed += 1;
        continue;
      }
      this.#done += 1;
      this.#doneBytes += event.size;
      if (event.present) continue;
      this.#fetchedFiles += 1;
      this.#fetchedBytes += event.size - event.resumedBytes;
    }
  }

  /** @param unended the names that are not done with */
  read(unended: readonly Progressing[]): Totals {
    let [files, filesDone] = [this.#done + this.#failed, this.#done];
    let [bytes, sizeBytes, isKnown] = [this.#doneBytes, this.#doneBytes, true];
    let [fetchedFiles, fetchedBytes] = [this.#fetchedFiles, this.#fetchedBytes];
    for (const { name, progress } of unended) {
      const size = progress?.sizeBytes ?? this.#sizes.get(name);
      if (size === undefined) isKnown = false;
      else sizeBytes += size;
      bytes += progress?.bytes ?? 0;
      fetchedBytes += progress?.bytes ?? 0;
      const folder = progress?.folder;
      files += folder?.files ?? 1;
      filesDone += folder?.filesDone ?? 0;
      fetchedFiles += folder === undefined ? 0 : folder.filesDone - folder.filesPresent;
    }
    const size = isKnown ? sizeBytes : undefined;
    const filesFailed = this.#failed;
    return { files, filesDone, filesFailed, bytes, size, fetchedFiles, fetchedBytes };
  }
}
