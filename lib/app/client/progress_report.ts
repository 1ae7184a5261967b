/** Reports how far each name and the whole run are, and the rate of each server, at regular intervals. */
import type { ServerId } from "../../ids.ts";
import type { Clock } from "../../io/system/clock.ts";
import { PROGRESS_INTERVAL_MS } from "../../limits.ts";
import { RateMeter } from "../../protocol/base/rate_meter.ts";
import { TimeLeft } from "../../protocol/base/time_left.ts";
import type { DoneEvent, FailedEvent, ProgressEvent, TotalEvent } from "../events.ts";
import { secondsLeftField } from "../seconds_left.ts";
import type { Progress, Progressing, RunTotals } from "./run_totals.ts";

interface Metered {
  readonly meter: RateMeter;
  bytes: number;
}

interface ProgressReportOptions {
  readonly clock: Clock;
  /** The servers that are at work now. */
  readonly active: () => readonly { readonly server: ServerId; readonly isTaker: boolean }[];
  /** What was given to others so far. */
  readonly givenBytes: () => number;
  /** Where a server's bytes come from, for people. */
  readonly addresses: ReadonlyMap<ServerId, string>;
  readonly totals: RunTotals;
  readonly emit: (event: ProgressEvent | TotalEvent) => void;
}

export class ProgressReport {
  readonly #options: ProgressReportOptions;
  readonly #servers = new Map<ServerId, Metered>();
  readonly #names = new Map<Progressing, Pace>();
  #total: Pace | undefined;

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

  /** A name is done with. */
  onEnded(ended: Progressing, events: readonly (DoneEvent | FailedEvent)[]): void {
    this.#names.delete(ended);
    this.#options.totals.onEnded(events);
  }

  /**
   * Until `signal` is aborted.
   *
   * @param unended the names that are not done with
   */
  async run(unended: () => readonly Progressing[], signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#options.clock.sleep(PROGRESS_INTERVAL_MS, signal);
      if (signal.aborted) return;
      this.#report(this.#options.clock.nowMs(), unended());
    }
  }

  #report(nowMs: number, unended: readonly Progressing[]): void {
    const { emit } = this.#options;
    const lanes = this.#lanes(nowMs);
    for (const each of unended) {
      const { name, progress } = each;
      if (progress === undefined) continue;
      let pace = this.#names.get(each);
      if (pace === undefined) this.#names.set(each, pace = new Pace(nowMs));
      const givenBytes = this.#options.givenBytes();
      const event = progressEvent(nowMs, name, progress, pace, lanes);
      emit({ ...event, ...(givenBytes > 0 && { givenBytes }) });
    }
    this.#reportTotal(nowMs, unended);
  }

  /** One for each server that is at work, whatever ways it is asked by. */
  #lanes(nowMs: number): ProgressEvent["lanes"] {
    const { active, addresses } = this.#options;
    const lanes = new Map<string, ProgressEvent["lanes"][number]>();
    for (const { server: id, isTaker } of active()) {
      const metered = this.#servers.get(id);
      const server = addresses.get(id) ?? id;
      const other = lanes.get(server);
      const rate = (metered?.meter.read(nowMs) ?? 0) + (other?.rate ?? 0);
      const bytes = (metered?.bytes ?? 0) + (other?.bytes ?? 0);
      lanes.set(server, { server, rate, bytes, ...(isTaker && { taker: true }) });
    }
    return [...lanes.values()];
  }

  /** Where there is more than one name. */
  #reportTotal(nowMs: number, unended: readonly Progressing[]): void {
    const { totals, emit } = this.#options;
    const { fetchedFiles, fetchedBytes, ...counts } = totals.read(unended);
    if (unended.length === 0 || counts.files < 2) return;
    if (unended.length === 1 && unended[0]!.progress?.folder?.files === counts.files) return;
    const { files, filesDone, filesFailed, bytes, size } = counts;
    const pace = this.#total ??= new Pace(nowMs);
    pace.note(nowMs, fetchedBytes, fetchedFiles);
    const filesLeft = files - filesDone - filesFailed;
    const bytesLeft = size === undefined ? 0 : size - bytes;
    emit({
      event: "total",
      ...{ files, filesDone, filesFailed, bytes },
      ...(size !== undefined && { size }),
      ...{ rate: pace.rate, fileRate: pace.fileRate },
      ...secondsLeftField(pace.secondsLeft(nowMs, bytesLeft, filesLeft)),
    });
  }
}

function progressEvent(
  nowMs: number,
  name: string,
  { bytes, sizeBytes: size, folder }: Progress,
  pace: Pace,
  lanes: ProgressEvent["lanes"],
): ProgressEvent {
  const filesFetched = folder === undefined ? 0 : folder.filesDone - folder.filesPresent;
  pace.note(nowMs, bytes, filesFetched);
  const filesLeft = folder === undefined ? 0 : folder.files - folder.filesDone;
  return {
    event: "progress",
    ...{ name, bytes, size, rate: pace.rate },
    ...secondsLeftField(pace.secondsLeft(nowMs, size - bytes, filesLeft)),
    ...(folder !== undefined && {
      folder: {
        files: folder.files,
        filesDone: folder.filesDone,
        fileRate: pace.fileRate,
        ...(folder.current !== undefined && { current: folder.current }),
      },
    }),
    lanes,
  };
}

/** How fast something comes, and how long the rest of it will take. */
class Pace {
  readonly #bytesMeter: RateMeter;
  readonly #filesMeter: RateMeter;
  readonly #timeLeft = new TimeLeft();
  #before: { readonly bytes: number; readonly files: number } | undefined;
  rate = 0;
  fileRate = 0;

  constructor(nowMs: number) {
    this.#bytesMeter = new RateMeter(nowMs - PROGRESS_INTERVAL_MS);
    this.#filesMeter = new RateMeter(nowMs - PROGRESS_INTERVAL_MS);
  }

  /** What has come by now, all together. */
  note(nowMs: number, bytes: number, files: number): void {
    const before = this.#before ?? { bytes, files };
    this.#before = { bytes, files };
    this.#bytesMeter.add(Math.max(0, bytes - before.bytes));
    this.#filesMeter.add(Math.max(0, files - before.files));
    this.#timeLeft.note(nowMs, bytes, files);
    this.rate = this.#bytesMeter.read(nowMs);
    this.fileRate = this.#filesMeter.read(nowMs);
  }

  secondsLeft(nowMs: number, bytesLeft: number, filesLeft: number): number | undefined {
    return this.#timeLeft.seconds(nowMs, bytesLeft, filesLeft);
  }
}
