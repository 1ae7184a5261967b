/**
 * Asks classic servers for names that no Shoal server has offered, a few names at a time. Whichever answers
 * first delivers: once a Shoal server has offered a file, it is not fetched from a classic one.
 */
import type { SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { ConcurrencyLimit } from "../../protocol/base/concurrency_limit.ts";
import { ClassicDownload, type ClassicDownloadOptions } from "./classic_download.ts";
import type { DownloadDriver } from "./download_driver.ts";
import { CLASSIC_DOWNLOADS_MAX } from "./limits.ts";

interface ClassicFallbackOptions
  extends Omit<ClassicDownloadOptions, "name" | "startedMs" | "onAnswer"> {
  /** Something that should not happen did. */
  readonly onFailure: (error: ShoalError) => void;
}

export class ClassicFallback {
  readonly #options: () => ClassicFallbackOptions;
  readonly #slots = new ConcurrencyLimit(CLASSIC_DOWNLOADS_MAX);
  readonly #classics: ClassicDownload[] = [];
  #isClosed = false;

  /** @param options as they are when a name is asked for: interfaces come and go */
  constructor(options: () => ClassicFallbackOptions) {
    this.#options = options;
  }

  /** Classic servers know names only: what is asked for by its content is none of theirs. */
  ask(download: DownloadDriver): void {
    const { query } = download;
    if (query.by !== "name") return;
    this.#slots.acquire(() => {
      this.#fetch(download, query.name)
        .catch((error: unknown) => this.#options().onFailure(ShoalError.from(error)))
        .finally(() => this.#slots.release());
    });
  }

  /** Nothing more is begun from now on. */
  stop(): void {
    this.#isClosed = true;
  }

  async close(): Promise<void> {
    this.stop();
    await Promise.all(this.#classics.map((classic) => classic.close()));
  }

  async #fetch(download: DownloadDriver, name: SafeFileName): Promise<void> {
    if (!download.isSearching || this.#isClosed) return;
    const { startedMs } = download;
    const classic = new ClassicDownload({
      ...this.#options(),
      name,
      startedMs,
      onAnswer: () => download.yieldToClassic(),
    });
    this.#classics.push(classic);
    // However the download ends, nobody waits for this any more.
    download.ended.then(() => classic.close());
    const event = await classic.ended;
    // What comes of it counts only if the search has yielded to it.
    if (event !== undefined) download.endElsewhere(event);
  }
}
