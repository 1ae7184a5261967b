/** One file as the coordinator sees it: its leases, who provides what of it, and who gave bad copies. */
import type { Bytes, Content, ServerId, SourceId, TransferId } from "../../ids.ts";
import { Bitmap } from "../base/bitmap.ts";
import { chunkHashesOf, type Lease, type LeasedUnit } from "./fetch_list.ts";
import type { KnownSource } from "./known_source.ts";
import { ChunkOrder, type Crowd } from "./chunk_order.ts";
import { LeaseTable } from "./lease_table.ts";
import { PROGRESS_BYTES, UNPROVED_CHUNKS_MAX } from "./limits.ts";
import { chunkBytesFor, chunkCountFor, chunkLength } from "../merkle/merkle.ts";

export interface TransferStart {
  readonly transfer: TransferId;
  readonly content: Content;
  /** 32 bytes per chunk. */
  readonly layer: Bytes;
  /** One per chunk, where it is a folder that is fetched and no file. */
  readonly units?: readonly LeasedUnit[];
  /** What an earlier run has. */
  readonly isVerified: (chunk: number) => boolean;
  /** Chunks from this one on are not fetched until a `window` says so; by default all may be. */
  readonly endChunk?: number;
}

interface ProvidingSource {
  readonly source: KnownSource;
  /** The chunks that it holds; all of them where it is absent. */
  readonly holds: Bitmap | undefined;
}

export class TransferState {
  readonly id: TransferId;
  readonly content: Content;
  readonly leases: LeaseTable;
  readonly chunkCount: number;
  /** Bytes of a chunk; of a folder, whose chunks differ, the mean. */
  readonly chunkBytes: number;
  /** When something last came, or it was last told that nothing does. */
  #progressMs: number;
  /** How often that was told since a chunk was verified. */
  #stallsInARow = 0;
  /** What has come since then, whatever of. */
  #unprovedBytes = 0;
  readonly #unprovedBytesMax: number;
  readonly #layer: Bytes;
  readonly #units: readonly LeasedUnit[] | undefined;
  readonly #providers = new Map<SourceId, ProvidingSource>();
  readonly #badFrom = new Map<number, Set<ServerId>>();
  readonly #seed: () => number;
  /** Where others fetch it, too. */
  #order: ChunkOrder | undefined;

  /** @param seed of the order in which chunks are fetched where others fetch them, too; drawn then */
  constructor(nowMs: number, start: TransferStart, seed: () => number = () => 0) {
    this.id = start.transfer;
    this.content = start.content;
    const { sizeBytes } = start.content;
    this.#units = start.units;
    this.chunkCount = this.#units?.length ?? chunkCountFor(sizeBytes);
    this.chunkBytes = this.#units === undefined
      ? chunkBytesFor(sizeBytes)
      : Math.ceil(sizeBytes / Math.max(1, this.chunkCount));
    this.leases = new LeaseTable(this.chunkCount, start.isVerified);
    if (start.endChunk !== undefined) this.leases.endChunk = start.endChunk;
    this.#progressMs = nowMs;
    const longestBytes = this.#units?.reduce((most, unit) => Math.max(most, unit.sizeBytes), 0);
    this.#unprovedBytesMax = UNPROVED_CHUNKS_MAX * (longestBytes ?? this.chunkBytes);
    this.#layer = start.layer;
    this.#seed = seed;
  }

  /** So many fetch it now. */
  onCrowd(crowd: Crowd): void {
    this.#shared.crowd = crowd;
  }

  /** Whether others fetch it, too. */
  get isShared(): boolean {
    return this.#order?.isShared === true;
  }

  get #shared(): ChunkOrder {
    return this.#order ??= new ChunkOrder(this.chunkCount, this.chunkBytes, this.#seed());
  }

  lengthOf(chunk: number): number {
    return this.#units?.[chunk]?.sizeBytes ?? chunkLength(this.content.sizeBytes, chunk);
  }

  /** Chunks up to this one may be fetched. Until now it may have been who takes the bytes that was waited for. */
  openWindow(nowMs: number, endChunk: number): void {
    this.leases.endChunk = endChunk;
    this.#progressMs = nowMs;
  }

  /** Chunks that were verified are not. */
  onUnproved(nowMs: number): void {
    this.#progressMs = nowMs;
  }

  /** A chunk was verified. */
  onVerified(nowMs: number): void {
    this.#progressMs = nowMs;
    this.#stallsInARow = 0;
    this.#unprovedBytes = 0;
  }

  /**
   * Bytes have come of a source that it may be waiting for. On a slow path it may take long until a chunk is whole; but what is
   * not proved may be anything, so that it earns no more than bounded patience.
   */
  onBytes(nowMs: number, bytes: number): void {
    const before = this.#unprovedBytes;
    this.#unprovedBytes = Math.min(before + bytes, this.#unprovedBytesMax);
    const steps = (count: number): number => Math.floor(count / PROGRESS_BYTES);
    if (steps(this.#unprovedBytes) > steps(before)) this.#progressMs = nowMs;
  }

  /** When {@linkcode hasStalled} has to be asked at the latest. */
  stallMs(timeoutMs: number): number {
    return this.leases.isComplete ? Infinity : this.#progressMs + timeoutMs;
  }

  /**
   * How often in a row nothing has come for `timeoutMs`, which begin anew, if that is so now; `undefined` otherwise, and if
   * it is no server that is waited for.
   */
  stalled(nowMs: number, timeoutMs: number): number | undefined {
    if (nowMs < this.stallMs(timeoutMs)) return undefined;
    this.#progressMs = nowMs;
    return this.leases.isHeldBack ? undefined : ++this.#stallsInARow;
  }

  /** About how much has not been verified yet. */
  get bytesLeft(): number {
    return this.leases.missingCount * this.chunkBytes;
  }

  /**
   * Whether nobody can bring all of it any more: takers have of a content what came from servers, so that without these there
   * will be no more than what they have.
   */
  get isOrphaned(): boolean {
    for (const { source } of this.#providers.values()) if (!source.isTaker) return false;
    for (let chunk = 0; chunk < this.chunkCount; chunk++) {
      if (!this.leases.isVerified(chunk) && !this.isProvided(chunk)) return true;
    }
    return false;
  }

  isProvider(source: SourceId): boolean {
    return this.#providers.has(source);
  }

  /** Whether `source` may be asked for anything that is missing, whoever fetches that now. */
  isOfUse(source: SourceId): boolean {
    const provider = this.#providers.get(source);
    if (provider === undefined || this.leases.isComplete) return false;
    if (provider.holds === undefined && this.#badFrom.size === 0) return true;
    for (let chunk = 0; chunk < this.chunkCount; chunk++) {
      if (!this.leases.isVerified(chunk) && this.mayFetch(chunk, source)) return true;
    }
    return false;
  }

  /** `source` has these chunks, or all; the same source again with more of them is fine. */
  addProvider(source: KnownSource, holds: Bitmap | undefined): void {
    // What its caller adds to the bitmap later, it has to tell.
    const held = holds && new Bitmap(this.chunkCount, holds.bytes);
    this.#providers.set(source.id, { source, holds: held });
    if (source.isTaker && held !== undefined) this.#shared.takers.set(source.id, held);
    this.leases.lookAgain(source.id);
  }

  /** `source` has `chunk` no more. */
  withdraw(source: SourceId, chunk: number): void {
    const provider = this.#providers.get(source);
    if (provider === undefined) return;
    const holds = provider.holds ?? Bitmap.full(this.chunkCount);
    holds.clear(chunk);
    this.#providers.set(source, { ...provider, holds });
    this.leases.lookAgain(source);
  }

  /** Whether any source has `chunk`. */
  isProvided(chunk: number): boolean {
    for (const { holds } of this.#providers.values()) {
      if (holds === undefined || holds.has(chunk)) return true;
    }
    return false;
  }

  /** Returns whether it was one. */
  removeProvider(source: SourceId): boolean {
    this.leases.lookAgain(source);
    this.#order?.takers.delete(source);
    return this.#providers.delete(source);
  }

  /** `server` gave a copy of `chunk` that proves itself wrong. */
  noteBad(chunk: number, server: ServerId): void {
    const servers = this.#badFrom.get(chunk) ?? new Set();
    this.#badFrom.set(chunk, servers.add(server));
  }

  /**
   * The free chunk that `source` should be asked for next, now leased to it: the first one, unless others fetch the
   * content, too.
   *
   * @param mayRepeat whether a server is asked for what takers have, if they are all that is missing
   */
  takeFree(source: SourceId, mayRepeat: boolean): number | undefined {
    const provider = this.#providers.get(source);
    if (provider === undefined || this.leases.freeCount === 0) return undefined;
    const mayTake = (chunk: number): boolean => this.mayFetch(chunk, source);
    const { holds, source: { isTaker } } = provider;
    if (this.#order === undefined || !this.isShared) {
      return this.leases.takeFree(source, holds, mayTake);
    }
    const chunk = this.#order.next(this.leases, { holds, isTaker, mayRepeat, mayTake });
    if (chunk !== undefined) this.leases.take(chunk, source);
    return chunk;
  }

  /**
   * Whether `id` may be asked for `chunk`: it must have it, and where its server gave a bad copy nobody
   * else who can be asked may have one.
   */
  mayFetch(chunk: number, id: SourceId): boolean {
    const provider = this.#providers.get(id);
    if (provider === undefined || provider.holds?.has(chunk) === false) return false;
    const bad = this.#badFrom.get(chunk);
    if (bad === undefined || !bad.has(provider.source.server.id)) return true;
    for (const { source: { server, mode }, holds } of this.#providers.values()) {
      if (mode === "pull" && !bad.has(server.id) && holds?.has(chunk) !== false) return false;
    }
    return true;
  }

  leaseOf(chunks: readonly number[]): Lease {
    const units = this.#units && { units: chunks.map((chunk) => this.#units![chunk]!) };
    const hashes = chunkHashesOf(this.#layer, chunks);
    return { transfer: this.id, content: this.content, chunks, hashes, ...units };
  }

  /** Every chunk that is not verified. */
  missing(): number[] {
    const missing: number[] = [];
    for (let chunk = 0; chunk < this.chunkCount; chunk++) {
      if (!this.leases.isVerified(chunk)) missing.push(chunk);
    }
    return missing;
  }
}

/** What `pusher` has leased of those that `isMeant`: all that is missing. */
export function pushedBy(
  pusher: SourceId,
  transfers: Iterable<TransferState>,
  isMeant: (transfer: TransferState) => boolean,
): ReadonlyMap<TransferState, readonly number[]> {
  const pushed = new Map<TransferState, readonly number[]>();
  for (const transfer of transfers) {
    if (isMeant(transfer) && transfer.isProvider(pusher)) pushed.set(transfer, transfer.missing());
  }
  return pushed;
}

/** What a source could bring yet, in all of these. */
export function bytesLeftFor(source: SourceId, transfers: Iterable<TransferState>): number {
  let bytes = 0;
  for (const transfer of transfers) if (transfer.isProvider(source)) bytes += transfer.bytesLeft;
  return bytes;
}

/** Whether anything that is missing in any of these may be asked of it. */
export function isOfUseTo(source: SourceId, transfers: readonly TransferState[]): boolean {
  return transfers.some((transfer) => transfer.isOfUse(source));
}
