/**
 * A chunk on its way in: the buffer that its segments are copied into, which bytes are there, and the
 * hashes of the blocks that are complete. Bytes that are there are never written again: a block that
 * was hashed stays what was hashed.
 */
import type { Bytes, TransferId } from "../ids.ts";
import { BLOCK_BYTES, HASH_BYTES } from "../limits.ts";
import type { SegmentRuns } from "../wire/segment_runs.ts";
import { IntervalSet } from "./interval_set.ts";
import { chunkHash } from "./merkle.ts";
import { sha256Into } from "./sha256.ts";

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
  #blocksLeft: number;

  constructor(
    transfer: TransferId,
    chunk: number,
    offset: number,
    lengthBytes: number,
    buffer: Bytes,
  ) {
    this.transfer = transfer;
    this.chunk = chunk;
    this.offset = offset;
    this.lengthBytes = lengthBytes;
    this.buffer = buffer;
    this.#blocksLeft = Math.ceil(lengthBytes / BLOCK_BYTES);
    this.#blockHashes = new Uint8Array(this.#blocksLeft * HASH_BYTES);
    this.#isHashed = new Uint8Array(this.#blocksLeft);
  }

  get isComplete(): boolean {
    return this.#blocksLeft === 0;
  }

  /**
   * Copies what is new of `[start, end)`, relative to the chunk, from a run that has it, and hashes
   * the blocks that this completes. Returns how many bytes were new.
   */
  add(run: SegmentRuns, start: number, end: number): number {
    let added = 0;
    this.#present.gaps(start, end, (low, high) => {
      run.copyTo(this.buffer, low, this.offset + low, this.offset + high);
      added += high - low;
    });
    if (added === 0) return 0;
    this.#present.add(start, end);
    for (let block = Math.floor(start / BLOCK_BYTES); block * BLOCK_BYTES < end; block++) {
      this.#hashIfWhole(block);
    }
    return added;
  }

  /** Visits what is missing of `[start, end)`, relative to the chunk; returns how much that is. */
  gaps(start: number, end: number, visit?: (start: number, end: number) => void): number {
    return this.#present.gaps(start, end, visit);
  }

  /** The hash of the complete chunk, to be compared with the layer's. */
  hash(sizeBytes: number): Bytes {
    return chunkHash(this.#blockHashes, sizeBytes);
  }

  #hashIfWhole(block: number): void {
    const start = block * BLOCK_BYTES;
    const end = Math.min(start + BLOCK_BYTES, this.lengthBytes);
    if (this.#isHashed[block] === 1 || !this.#present.covers(start, end)) return;
    sha256Into(this.buffer.subarray(start, end), this.#blockHashes, block * HASH_BYTES);
    this.#isHashed[block] = 1;
    this.#blocksLeft -= 1;
  }
}
