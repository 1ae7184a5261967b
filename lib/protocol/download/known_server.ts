/** A server that chunks come from, by one source or several: what it gave us, and whether it is trusted. */
import type { ServerId, TransferId } from "../../ids.ts";
import { INTEGRITY_FAILURES_MAX } from "./limits.ts";

/** What a server has given to one transfer. */
export interface ServerTally {
  bytes: number;
  chunks: number;
  badChunks: number;
  retransmits: number;
}

export class KnownServer {
  readonly id: ServerId;
  readonly tallies = new Map<TransferId, ServerTally>();
  #integrityFailures = 0;

  constructor(id: ServerId) {
    this.id = id;
  }

  /** Whether it gave too many chunks that prove themselves wrong; by whatever source. */
  get isDropped(): boolean {
    return this.#integrityFailures >= INTEGRITY_FAILURES_MAX;
  }

  onVerified(id: TransferId, bytes: number): void {
    const tally = this.tallyOf(id);
    tally.bytes += bytes;
    tally.chunks += 1;
  }

  onBad(id: TransferId, isIntegrityFailure: boolean): void {
    this.tallyOf(id).badChunks += 1;
    if (isIntegrityFailure) this.#integrityFailures += 1;
  }

  tallyOf(id: TransferId): ServerTally {
    let tally = this.tallies.get(id);
    if (tally === undefined) {
      tally = { bytes: 0, chunks: 0, badChunks: 0, retransmits: 0 };
      this.tallies.set(id, tally);
    }
    return tally;
  }
}
