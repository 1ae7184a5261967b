/** One file as the coordinator sees it: its leases, who holds it, and who gave bad copies of what. */
import type { Bytes, HashHex, ServerId, TransferId } from "../../ids.ts";
import { hashesOf, type Lease } from "./fetch_list.ts";
import { LeaseTable } from "./lease_table.ts";
import { chunkCountFor } from "../merkle/merkle.ts";

export interface TransferStart {
  readonly transfer: TransferId;
  readonly root: HashHex;
  readonly sizeBytes: number;
  readonly layer: Bytes;
  /** What an earlier run has. */
  readonly isVerified: (chunk: number) => boolean;
}

export class TransferState {
  readonly id: TransferId;
  readonly sizeBytes: number;
  readonly leases: LeaseTable;
  readonly holders = new Set<ServerId>();
  /** When a chunk was last verified. */
  progressMs: number;
  readonly #root: HashHex;
  readonly #layer: Bytes;
  readonly #badFrom = new Map<number, Set<ServerId>>();

  constructor(nowMs: number, start: TransferStart) {
    this.id = start.transfer;
    this.sizeBytes = start.sizeBytes;
    this.leases = new LeaseTable(chunkCountFor(start.sizeBytes), start.isVerified);
    this.progressMs = nowMs;
    this.#root = start.root;
    this.#layer = start.layer;
  }

  /** `server` gave a copy of `chunk` that proves itself wrong. */
  noteBad(chunk: number, server: ServerId): void {
    const servers = this.#badFrom.get(chunk) ?? new Set();
    this.#badFrom.set(chunk, servers.add(server));
  }

  /** Whether `server` may be asked for `chunk`: not while it gave a bad copy and others have one. */
  mayFetch(chunk: number, server: ServerId): boolean {
    const bad = this.#badFrom.get(chunk);
    if (bad === undefined || !bad.has(server)) return true;
    for (const holder of this.holders) if (!bad.has(holder)) return false;
    return true;
  }

  leaseOf(chunks: readonly number[]): Lease {
    return {
      transfer: this.id,
      root: this.#root,
      sizeBytes: this.sizeBytes,
      chunks,
      hashes: hashesOf(this.#layer, chunks),
    };
  }
}
