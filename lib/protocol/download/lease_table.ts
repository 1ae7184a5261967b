/**
 * Which chunks of one file are free, leased (to one source, or to two near the end) or verified.
 * Chunks are given out from the front, so that they arrive nearly in order and the hash of the whole
 * can be computed on the way. No chunk is ever forgotten: it is free, or somebody's, or verified.
 */
import type { SourceId } from "../../ids.ts";
import { Bitmap } from "../base/bitmap.ts";

/** What can be seen of the table from outside. */
export type LeaseView = Pick<LeaseTable, "freeCount" | "isComplete" | "isVerified" | "owners">;

export class LeaseTable {
  readonly #chunkCount: number;
  readonly #free: Bitmap;
  readonly #verified: Bitmap;
  readonly #owners = new Map<number, SourceId[]>();
  /** No chunk before this one is free and held by the source: what was looked at once is not looked at again. */
  readonly #cursors = new Map<SourceId, number>();
  #freeCount: number;
  #verifiedCount = 0;
  /** Chunks from this one on are not given out. */
  endChunk = Infinity;

  /** @param isVerified chunks that an earlier run has fetched */
  constructor(chunkCount: number, isVerified: (chunk: number) => boolean) {
    this.#chunkCount = chunkCount;
    this.#free = new Bitmap(chunkCount);
    this.#verified = new Bitmap(chunkCount);
    for (let chunk = 0; chunk < chunkCount; chunk++) {
      if (!isVerified(chunk)) {
        this.#free.set(chunk);
        continue;
      }
      this.#verified.set(chunk);
      this.#verifiedCount += 1;
    }
    this.#freeCount = chunkCount - this.#verifiedCount;
  }

  get freeCount(): number {
    return this.#freeCount;
  }

  /** Chunks that are not verified. */
  get missingCount(): number {
    return this.#chunkCount - this.#verifiedCount;
  }

  get isComplete(): boolean {
    return this.#verifiedCount === this.#chunkCount;
  }

  /** Whether all that may be given out was, and has come. */
  get isHeldBack(): boolean {
    return this.#owners.size === 0 && (this.#free.firstSet(0) ?? Infinity) >= this.endChunk;
  }

  isVerified(chunk: number): boolean {
    return this.#verified.has(chunk);
  }

  /**
   * The first free chunk that `mayTake`, now leased to `source`.
   *
   * @param holds what it can be asked for, if that is not all; of another bitmap than the last time it is told
   *   by {@linkcode lookAgain}
   * @param mayTake refuses few, and may change its mind
   */
  takeFree(
    source: SourceId,
    holds: Bitmap | undefined,
    mayTake: (chunk: number) => boolean,
  ): number | undefined {
    if (this.#freeCount === 0) return undefined;
    let chunk = this.#free.firstSet(this.#cursors.get(source) ?? 0, holds);
    this.#cursors.set(source, chunk ?? this.#chunkCount);
    while (chunk !== undefined && chunk < this.endChunk && !mayTake(chunk)) {
      chunk = this.#free.firstSet(chunk + 1, holds);
    }
    if (chunk === undefined || chunk >= this.endChunk) return undefined;
    this.#take(chunk, source);
    return chunk;
  }

  /** The first free chunk from `from` on, whoever holds it; `undefined` where none may be given out. */
  firstFree(from = 0): number | undefined {
    const chunk = this.#free.firstSet(from);
    return chunk === undefined || chunk >= this.endChunk ? undefined : chunk;
  }

  isFree(chunk: number): boolean {
    return chunk < this.endChunk && this.#free.has(chunk);
  }

  /** `chunk`, which is free, is leased to `source`. */
  take(chunk: number, source: SourceId): void {
    if (!this.#free.has(chunk)) throw new Error(`chunk ${chunk} is not free`);
    this.#take(chunk, source);
  }

  #take(chunk: number, source: SourceId): void {
    this.#free.clear(chunk);
    this.#freeCount -= 1;
    this.#owners.set(chunk, [source]);
  }

  /** `source` holds other chunks than before, or none. */
  lookAgain(source: SourceId): void {
    this.#cursors.delete(source);
  }

  /** Leases `chunk` to a second source. */
  double(chunk: number, source: SourceId): void {
    this.#owners.get(chunk)?.push(source);
  }

  /** The sources that fetch `chunk` now. */
  owners(chunk: number): readonly SourceId[] {
    return this.#owners.get(chunk) ?? [];
  }

  /** `source` no longer fetches `chunk`; without another owner it is free again. */
  giveBack(chunk: number, source: SourceId): void {
    const owners = this.#owners.get(chunk);
    if (owners === undefined || !owners.includes(source)) return;
    const others = owners.filter((owner) => owner !== source);
    if (others.length > 0) this.#owners.set(chunk, others);
    else this.#release(chunk);
  }

  /** `chunk` is verified; returns who else was fetching it. `undefined` if it was verified before. */
  verify(chunk: number, by: SourceId): readonly SourceId[] | undefined {
    if (this.#verified.has(chunk)) return undefined;
    if (this.#free.has(chunk)) this.#freeCount -= 1;
    this.#free.clear(chunk);
    this.#verified.set(chunk);
    this.#verifiedCount += 1;
    const others = this.owners(chunk).filter((owner) => owner !== by);
    this.#owners.delete(chunk);
    return others;
  }

  /** What was taken for verified is not: `chunk` must be fetched. Returns whether it was. */
  unverify(chunk: number): boolean {
    if (!this.#verified.has(chunk)) return false;
    this.#verified.clear(chunk);
    this.#verifiedCount -= 1;
    this.#release(chunk);
    return true;
  }

  #release(chunk: number): void {
    this.#owners.delete(chunk);
    this.#free.set(chunk);
    this.#freeCount += 1;
    for (const [source, cursor] of this.#cursors) {
      if (chunk < cursor) this.#cursors.set(source, chunk);
    }
  }
}
