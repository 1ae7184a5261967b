/**
 * Which chunks of one file are free, leased (to one source, or to two near the end) or verified.
 * Chunks are given out from the front, so that they arrive nearly in order and the hash of the whole
 * can be computed on the way. No chunk is ever forgotten: it is free, or somebody's, or verified.
 */
import type { SourceId } from "../../ids.ts";

const FREE = 0;
const LEASED = 1;
const VERIFIED = 2;

/** What can be seen of the table from outside. */
export type LeaseView = Pick<LeaseTable, "freeCount" | "isComplete" | "isVerified" | "owners">;

export class LeaseTable {
  readonly #state: Uint8Array;
  readonly #owners = new Map<number, SourceId[]>();
  /** No chunk before this one is free. */
  #firstFree = 0;
  #freeCount: number;
  #verifiedCount = 0;

  /** @param isVerified chunks that an earlier run has fetched */
  constructor(chunkCount: number, isVerified: (chunk: number) => boolean) {
    this.#state = new Uint8Array(chunkCount);
    for (let chunk = 0; chunk < chunkCount; chunk++) {
      if (!isVerified(chunk)) continue;
      this.#state[chunk] = VERIFIED;
      this.#verifiedCount += 1;
    }
    this.#freeCount = chunkCount - this.#verifiedCount;
  }

  get freeCount(): number {
    return this.#freeCount;
  }

  get isComplete(): boolean {
    return this.#verifiedCount === this.#state.length;
  }

  isVerified(chunk: number): boolean {
    return this.#state[chunk] === VERIFIED;
  }

  /** The first free chunk that `mayTake`, now leased to `source`. */
  takeFree(source: SourceId, mayTake: (chunk: number) => boolean): number | undefined {
    if (this.#freeCount === 0) return undefined;
    let isFirst = true;
    for (let chunk = this.#firstFree; chunk < this.#state.length; chunk++) {
      if (this.#state[chunk] !== FREE) continue;
      if (isFirst) this.#firstFree = chunk;
      isFirst = false;
      if (!mayTake(chunk)) continue;
      this.#state[chunk] = LEASED;
      this.#freeCount -= 1;
      this.#owners.set(chunk, [source]);
      return chunk;
    }
    return undefined;
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
    else this.#free(chunk);
  }

  /** `chunk` is verified; returns who else was fetching it. `undefined` if it was verified before. */
  verify(chunk: number, by: SourceId): readonly SourceId[] | undefined {
    if (this.#state[chunk] === VERIFIED) return undefined;
    if (this.#state[chunk] === FREE) this.#freeCount -= 1;
    this.#state[chunk] = VERIFIED;
    this.#verifiedCount += 1;
    const others = this.owners(chunk).filter((owner) => owner !== by);
    this.#owners.delete(chunk);
    return others;
  }

  /** What was taken for verified is not: `chunk` must be fetched. Returns whether it was. */
  unverify(chunk: number): boolean {
    if (this.#state[chunk] !== VERIFIED) return false;
    this.#verifiedCount -= 1;
    this.#free(chunk);
    return true;
  }

  #free(chunk: number): void {
    this.#owners.delete(chunk);
    this.#state[chunk] = FREE;
    this.#freeCount += 1;
    this.#firstFree = Math.min(this.#firstFree, chunk);
  }
}
