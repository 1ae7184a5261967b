/**
 * A chunk being received: the buffer that its segments are copied into, which bytes have arrived, and the
 * hashes of the blocks, which are computed a group at a time, as soon as the group is complete. Bytes
 * that are there are never written again: a block that was hashed stays what was hashed.
 */
import type { Bytes, TransferId } from "../../ids.ts";
import { BLOCK_BYTES, HASH_BYTES } from "../../limits.ts";
import { BLOCK_GROUP_BYTES, hashBlocks } from "../merkle/block_hashes.ts";
import { IntervalSet } from "../base/interval_set.ts";
import { chunkHash, rootOfRow, treeHeight } from "../merkle/merkle.ts";
import { unitRootOfBytes } from "../merkle/unit_root.ts";

/** Bytes of a file that have arrived, wherever they lie. */
export interface ByteRun {
  /** Copies `[start, end)` of the file, which the run has, to `target[at]`. */
  copyTo(target: Bytes, at: number, start: number, end: number): void;
}

export class ChunkBuffer {
  readonly transfer: TransferId;
  readonly chunk: number;
  /** Where the chunk starts in its file. */
  readonly offset: number;
  readonly lengthBytes: number;
  readonly buffer: Bytes;
  /** From here on nothing was asked for yet, relative to the chunk. */
  askedBytes = 0;
  /** Whether every segment so far carried a good CRC. */
  hasOnlyCheckedSegments = true;
  /** Set when the chunk is no longer wanted here; its segments are then ignored. */
  isDropped = false;
  readonly #present = new IntervalSet();
  readonly #blockHashes: Bytes;
  readonly #isHashed: Uint8Array;
  /** Groups of blocks that are not complete. */
  #groupsLeft: number;
  /** Bytes of the files in it, where it is a unit of a folder and no part of one file. */
  readonly parts: readonly number[] | undefined;

  constructor(
    transfer: TransferId,
    chunk: number,
    offset: number,
    lengthBytes: number,
    buffer: Bytes,
    parts?: readonly number[],
  ) {
    this.transfer = transfer;
    this.chunk = chunk;
    this.offset = offset;
    this.lengthBytes = lengthBytes;
    this.buffer = buffer;
    this.parts = parts;
    this.#blockHashes = new Uint8Array(Math.ceil(lengthBytes / BLOCK_BYTES) * HASH_BYTES);
    this.#groupsLeft = Math.ceil(lengthBytes / BLOCK_GROUP_BYTES);
    this.#isHashed = new Uint8Array(this.#groupsLeft);
  }

  get isComplete(): boolean {
    return this.#isBundle ? this.#present.covers(0, this.lengthBytes) : this.#groupsLeft === 0;
  }

  /**
   * Copies what is new of `[start, end)`, relative to the chunk, from a run that has it, and hashes
   * the blocks that this completes. Returns how many bytes were new.
   */
  add(run: ByteRun, start: number, end: number): number {
    let added = 0;
    this.#present.gaps(start, end, (low, high) => {
      run.copyTo(this.buffer, low, this.offset + low, this.offset + high);
      added += high - low;
    });
    if (added === 0) return 0;
    this.#present.add(start, end);
    if (this.#isBundle) return added;
    const first = Math.floor(start / BLOCK_GROUP_BYTES);
    for (let group = first; group * BLOCK_GROUP_BYTES < end; group++) this.#hashIfWhole(group);
    return added;
  }

  /** Visits what is missing of `[start, end)`, relative to the chunk; returns how much that is. */
  gaps(start: number, end: number, visit?: (start: number, end: number) => void): number {
    return this.#present.gaps(start, end, visit);
  }

  /** The hash of the complete chunk, to be compared with the layer's, or with the root of the unit that it is. */
  hash(sizeBytes: number): Bytes {
    if (this.parts === undefined) return chunkHash(this.#blockHashes, sizeBytes);
    if (!this.#isBundle) return rootOfRow(this.#blockHashes, 0, treeHeight(sizeBytes));
    return unitRootOfBytes(this.buffer.subarray(0, this.lengthBytes), this.parts);
  }

  /** Its blocks begin where its files do, so they are hashed when all of it is there. */
  get #isBundle(): boolean {
    return this.parts !== undefined && this.parts.length > 1;
  }

  #hashIfWhole(group: number): void {
    const start = group * BLOCK_GROUP_BYTES;
    const end = Math.min(start + BLOCK_GROUP_BYTES, this.lengthBytes);
    if (this.#isHashed[group] === 1 || !this.#present.covers(start, end)) return;
    const hashesAt = start / BLOCK_BYTES * HASH_BYTES;
    hashBlocks(this.buffer.subarray(start, end), this.#blockHashes, hashesAt);
    this.#isHashed[group] = 1;
    this.#groupsLeft -= 1;
  }
}
