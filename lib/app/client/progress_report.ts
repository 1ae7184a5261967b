/** Reports the progress of each download and the rate of each server, at regular intervals. */
import type { ServerId } from "../../ids.ts";
import type { Clock } from "../../io/system/clock.ts";
import { PROGRESS_INTERVAL_MS } from "../../limits.ts";
import { RateMeter } from "../../protocol/base/rate_meter.ts";
import type { ProgressEvent } from "../events.ts";

interface Progressing {
  readonly name: string;
  /** `undefined` while nothing is being fetched. */
  readonly progress: { readonly bytes: number; readonly sizeBytes: number } | undefined;
}

interface Metered {
  readonly meter: RateMeter;
  bytes: number;
}

interface ProgressReportOptions {
  readonly clock: Clock;
  /** The servers that are at work now. */
  readonly active: () => readonly { readonly server: ServerId }[];
  /** Where a server's bytes come from, for people. */
  readonly addresses: ReadonlyMap<ServerId, string>;
  readonly emit: (event: ProgressEvent) => void;
}

export class ProgressReport {
  readonly #options: ProgressReportOptions;
  readonly #servers = new Map<ServerId, Metered>();
  readonly #downloads = new Map<Progressing, Metered>();

  constructor(options: ProgressReportOptions) {
    this.#options = options;
  }

  /** New payload bytes from a server. */
  onBytes(server: ServerId, bytes: number): void {
    let metered = this.#servers.get(server);
    if (metered === undefined) {
      metered = { meter: new RateMeter(this.#options.clock.nowMs()), bytes: 0 };
      this.#servers.set(server, metered);
    }
    metered.meter.add(bytes);
    metered.bytes += bytes;
  }

  /** Until `signal` is aborted. */
  async run(downloads: readonly Progressing[], signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#options.clock.sleep(PROGRESS_INTERVAL_MS, signal);
      if (signal.aborted) return;
      this.#report(this.#options.clock.nowMs(), downloads);
    }
  }

  #report(now: number, downloads: readonly Progressing[]): void {
    const { active, addresses, emit } = this.#options;
    const lanes = active().map(({ server }) => {
      const metered = this.#servers.get(server);
      return {
        server: addresses.get(server) ?? server,
        rate: metered?.meter.read(now) ?? 0,
        bytes: metered?.bytes ?? 0,
      };
    });
    for (const download of downloads) {
      const { name, progress } = download;
      if (progress === undefined) continue;
      const { bytes, sizeBytes: size } = progress;
      emit({ event: "progress", name, bytes, size, rate: this.#rate(now, download, bytes), lanes });
    }
  }

  #rate(now: number, download: Progressing, bytes: number): number {
    let metered = this.#downloads.get(download);
    if (metered === undefined) {
      metered = { meter: new RateMeter(now - PROGRESS_INTERVAL_MS), bytes };
      this.#downloads.set(download, metered);
    }
    metered.meter.add(Math.max(0, bytes - metered.bytes));
    metered.bytes = bytes;
    return metered.meter.read(now);
  }
}
