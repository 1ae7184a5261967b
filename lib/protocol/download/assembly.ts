/**
 * The state of one file that is being assembled: which chunks are on disk, and how far the hash of
 * the whole has come. The hash goes through the file once, in order: over chunks as they arrive while
 * they are next, over what lies on disk when they came early. Chunks of an earlier run are proved
 * again in that same pass, because a mark in a journal is only a claim.
 */
import { type Bytes, toHex } from "../../ids.ts";
import { BLOCK_BYTES, HASH_BYTES } from "../../limits.ts";
import { Bitmap } from "../base/bitmap.ts";
import { hashBlocks } from "../merkle/block_hashes.ts";
import { chunkCountFor, chunkHash, chunkLength, layerHash } from "../merkle/merkle.ts";
import { StreamingHash } from "../base/sha256.ts";

export class Assembly {
  readonly sizeBytes: number;
  readonly chunkCount: number;
  /** What is on disk. */
  readonly written: Bitmap;
  /** What an earlier run has written, as far as the pass has not come to it. */
  readonly #claimed: Bitmap;
  readonly #hash = new StreamingHash();
  #layer: Bytes | undefined;
  /** What is written and proved, for others. */
  #shared: Uint8Array | undefined;
  #next = 0;

  /** @param claimed what an earlier run's journal says is on disk */
  constructor(sizeBytes: number, claimed?: Bitmap) {
    this.sizeBytes = sizeBytes;
    this.chunkCount = chunkCountFor(sizeBytes);
    this.written = new Bitmap(this.chunkCount, claimed?.bytes);
    this.#claimed = new Bitmap(this.chunkCount, claimed?.bytes);
  }

  set layer(layer: Bytes) {
    this.#layer = layer;
  }

  /** Has a bit set for each chunk that is written and proved, now and later. */
  set shared(held: Uint8Array) {
    this.#shared = held;
    for (let chunk = 0; chunk < this.chunkCount; chunk++) {
      if (this.written.has(chunk) && !this.#claimed.has(chunk)) this.#share(chunk);
    }
  }

  #share(chunk: number): void {
    if (this.#shared !== undefined) this.#shared[chunk >> 3]! |= 1 << (chunk & 7);
  }

  /** Bytes on disk. */
  get writtenBytes(): number {
    let bytes = 0;
    for (let chunk = 0; chunk < this.chunkCount; chunk++) {
      if (this.written.has(chunk)) bytes += chunkLength(this.sizeBytes, chunk);
    }
    return bytes;
  }

  /** Whether a chunk that arrives is still to be written. */
  isWanted(chunk: number): boolean {
    return chunk >= 0 && chunk < this.chunkCount && !this.written.has(chunk);
  }

  /** A proved chunk has been written; `bytes` are hashed at once if it is next. */
  onWritten(chunk: number, bytes: Uint8Array): void {
    this.written.set(chunk);
    this.#share(chunk);
    if (chunk !== this.#next) return;
    this.#hash.update(bytes);
    this.#next += 1;
  }

  /** The chunk that the pass needs read from disk now, if it is there. */
  get chunkToRead(): number | undefined {
    if (this.isPassed || !this.written.has(this.#next)) return undefined;
    if (this.#claimed.has(this.#next) && this.#layer === undefined) return undefined;
    return this.#next;
  }

  /**
   * `bytes` are what the disk holds of {@linkcode chunkToRead}. `false`: an earlier run's claim is
   * wrong, and the chunk must be fetched.
   */
  onRead(bytes: Uint8Array): boolean {
    const chunk = this.#next;
    if (this.#claimed.has(chunk)) {
      this.#claimed.clear(chunk);
      if (!this.#isProved(chunk, bytes)) {
        this.written.clear(chunk);
        return false;
      }
      this.#share(chunk);
    }
    this.#hash.update(bytes);
    this.#next += 1;
    return true;
  }

  /** Whether the pass has come to the end of the file. */
  get isPassed(): boolean {
    return this.#next === this.chunkCount;
  }

  /** SHA-256 of the whole, once the pass is over. Ends the assembly. */
  digestHex(): string {
    return this.#hash.digestHex();
  }

  #isProved(chunk: number, bytes: Uint8Array): boolean {
    const blocks = Math.ceil(bytes.length / BLOCK_BYTES);
    const hashes = new Uint8Array(blocks * HASH_BYTES);
    hashBlocks(bytes, hashes, 0);
    const expected = layerHash(this.#layer!, chunk);
    return toHex(chunkHash(hashes, this.sizeBytes)) === toHex(expected);
  }
}
