/**
 * The chunks of one classic file: which have arrived, where they belong, and whether each matches its
 * digest. Holds one bit per chunk and at most one chunk's bytes.
 */
import type { Bytes, HashHex } from "../../ids.ts";
import { toHex } from "../../ids.ts";
import { CLASSIC_CHUNKS_MAX, CLASSIC_FILE_BYTES_MAX } from "./limits.ts";
import type { ClassicAnswer, ClassicChunk } from "../../wire/classic.ts";
import { sha256 } from "../base/sha256.ts";

export type ChunkVerdict = "new" | "duplicate" | "bad" | "too large";

/** Where a chunk's bytes go; they are lent until the call returns. */
type WriteChunk = (offset: number, bytes: Uint8Array) => void;

export class ClassicAssembly {
  readonly sha256: HashHex;
  readonly chunkCount: number;
  /** One bit per chunk; made when the first good chunk shows that the answer was no mere claim. */
  #have: Uint8Array | undefined;
  #haveChunks = 0;
  #receivedBytes = 0;
  /** Size of every chunk but the last, told by the first of them. */
  #chunkBytes: number | undefined;
  #lastChunkBytes: number | undefined;
  /** The last chunk, while its place is not known. */
  #held: Bytes | undefined;

  constructor(answer: ClassicAnswer) {
    this.sha256 = answer.sha256;
    this.chunkCount = answer.chunkCount;
    if (answer.chunkCount === 1) this.#chunkBytes = 0;
  }

  get isComplete(): boolean {
    return this.#haveChunks === this.chunkCount;
  }

  get haveChunks(): number {
    return this.#haveChunks;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Exact once the last chunk is there, a little too large before, 0 while nothing is known. */
  get sizeBytes(): number {
    const chunkBytes = this.#chunkBytes ?? 0;
    if (this.chunkCount === 0) return 0;
    return chunkBytes * (this.chunkCount - 1) + (this.#lastChunkBytes ?? chunkBytes);
  }

  /** Judges a chunk and, if it is new, hands its bytes on as soon as their place is known. */
  take(chunk: ClassicChunk, write: WriteChunk): ChunkVerdict {
    const { number, payload } = chunk;
    const isLast = number === this.chunkCount - 1;
    if (number >= this.chunkCount || !this.#fits(payload.length, isLast)) return "bad";
    if (this.#has(number)) return "duplicate";
    if (toHex(sha256(payload)) !== toHex(chunk.sha256)) return "bad";
    if (!isLast && this.#isTooLarge(payload.length)) return "too large";

    this.#mark(number);
    this.#receivedBytes += payload.length;
    if (isLast) {
      this.#lastChunkBytes = payload.length;
      this.#held = payload.slice() as Bytes;
    } else {
      this.#chunkBytes ??= payload.length;
      write(number * this.#chunkBytes, payload);
    }
    this.#placeHeld(write);
    return "new";
  }

  #fits(lengthBytes: number, isLast: boolean): boolean {
    if (this.#chunkBytes === undefined || this.chunkCount === 1) return true;
    return isLast ? lengthBytes <= this.#chunkBytes : lengthBytes === this.#chunkBytes;
  }

  #isTooLarge(chunkBytes: number): boolean {
    return this.chunkCount > CLASSIC_CHUNKS_MAX ||
      (this.chunkCount - 1) * chunkBytes >= CLASSIC_FILE_BYTES_MAX;
  }

  #placeHeld(write: WriteChunk): void {
    if (this.#held === undefined || this.#chunkBytes === undefined) return;
    write((this.chunkCount - 1) * this.#chunkBytes, this.#held);
    this.#held = undefined;
  }

  #has(number: number): boolean {
    return ((this.#have?.[number >>> 3] ?? 0) & (1 << (number & 7))) !== 0;
  }

  #mark(number: number): void {
    this.#have ??= new Uint8Array(Math.ceil(this.chunkCount / 8));
    this.#have[number >>> 3]! |= 1 << (number & 7);
    this.#haveChunks += 1;
  }
}
