/** A server that chunks come from, by one source or several: what it gave us, and whether it is trusted. */
import type { ServerId, TransferId } from "../../ids.ts";
import { INTEGRITY_FAILURES_MAX } from "./limits.ts";

/** What a server has given to one transfer. */
export interface ServerTally {
  bytes: number;
  chunks: number;
  badChunks: number;
  retransmits: number;
  /** Of the bytes, those that did not have to travel. */
  savedBytes: number;
}

/** Who may call himself by many ids: an address, and what was given from there. */
export interface KnownParty {
  readonly name: string;
  integrityFailures: number;
  /** When a source of his was last put to work; 0 before that. */
  triedMs: number;
}

export class KnownServer {
  readonly id: ServerId;
  readonly party: KnownParty;
  readonly tallies = new Map<TransferId, ServerTally>();
  #isDropped = false;

  constructor(id: ServerId, party: KnownParty) {
    this.id = id;
    this.party = party;
  }

  /**
   * Whether it gave too many chunks that prove themselves wrong, by whatever source. What its neighbours at the
   * same address have used up is not there for it to use.
   */
  get isDropped(): boolean {
    return this.#isDropped;
  }

  onVerified(id: TransferId, bytes: number, savedBytes: number): void {
    const tally = this.tallyOf(id);
    tally.bytes += bytes;
    tally.savedBytes += savedBytes;
    tally.chunks += 1;
  }

  onBad(id: TransferId, isIntegrityFailure: boolean): void {
    this.tallyOf(id).badChunks += 1;
    if (!isIntegrityFailure) return;
    this.party.integrityFailures += 1;
    if (this.party.integrityFailures >= INTEGRITY_FAILURES_MAX) this.#isDropped = true;
  }

  tallyOf(id: TransferId): ServerTally {
    let tally = this.tallies.get(id);
    if (tally === undefined) {
      tally = { bytes: 0, chunks: 0, badChunks: 0, retransmits: 0, savedBytes: 0 };
      this.tallies.set(id, tally);
    }
    return tally;
  }
}

/** All servers that have answered, and the parties that they belong to. */
export class KnownServers {
  readonly #servers = new Map<ServerId, KnownServer>();
  readonly #parties = new Map<string, KnownParty>();

  /** @param party the address that it is known by; what was said first of a server stays */
  of(id: ServerId, party: string): KnownServer {
    let server = this.#servers.get(id);
    if (server === undefined) {
      this.#servers.set(id, server = new KnownServer(id, this.#partyOf(party)));
    }
    return server;
  }

  /** What each of them has given to one transfer. */
  tallies(transfer: TransferId): ReadonlyMap<ServerId, ServerTally> {
    const tallies = new Map<ServerId, ServerTally>();
    for (const server of this.#servers.values()) {
      const tally = server.tallies.get(transfer);
      if (tally !== undefined) tallies.set(server.id, tally);
    }
    return tallies;
  }

  forget(transfer: TransferId): void {
    for (const server of this.#servers.values()) server.tallies.delete(transfer);
  }

  #partyOf(name: string): KnownParty {
    let party = this.#parties.get(name);
    if (party === undefined) {
      this.#parties.set(name, party = { name, integrityFailures: 0, triedMs: 0 });
    }
    return party;
  }
}
