/** What a source tells the coordinator: counts since the last report, and where things stand. */
import type { SourceId, TransferId } from "../../ids.ts";
import { LEASE_STALL_MS_MIN, REPORT_INTERVAL_MS } from "./limits.ts";

export interface ChunkCount {
  readonly transfer: TransferId;
  readonly chunk: number;
  readonly bytes: number;
  /** Of these, bytes that did not have to travel; none by default. */
  readonly savedBytes?: number;
}

/** A chunk that failed its proof; an integrity failure if every segment of it had a valid CRC. */
interface BadChunk extends ChunkCount {
  readonly isIntegrityFailure: boolean;
}

/** Counts since the last report, and where things stand. */
export interface Report {
  /** What this is about: a report may cross a new assignment on its way. */
  readonly source: SourceId;
  readonly verified: readonly ChunkCount[];
  readonly bad: readonly BadChunk[];
  readonly receivedBytes: number;
  readonly retransmits: number;
  readonly rateBytesPerS: number;
  readonly rttMs: number;
  readonly leasedBytes: number;
  readonly silentMs: number;
}

/** The counts of the next report. */
export class ReportCounts {
  verified: ChunkCount[] = [];
  bad: BadChunk[] = [];
  receivedBytes = 0;
  retransmits = 0;
  #reportedMs = 0;

  get hasNews(): boolean {
    return this.verified.length > 0 || this.bad.length > 0 || this.receivedBytes > 0;
  }

  /** When a report is due, if there is anything to say. */
  get deadlineMs(): number {
    return this.#reportedMs + (this.hasNews ? REPORT_INTERVAL_MS : LEASE_STALL_MS_MIN / 2);
  }

  /** The counts, which begin again at nothing. */
  take(nowMs: number): Pick<Report, "verified" | "bad" | "receivedBytes" | "retransmits"> {
    const { verified, bad, receivedBytes, retransmits } = this;
    this.verified = [];
    this.bad = [];
    this.receivedBytes = 0;
    this.retransmits = 0;
    this.#reportedMs = nowMs;
    return { verified, bad, receivedBytes, retransmits };
  }
}
