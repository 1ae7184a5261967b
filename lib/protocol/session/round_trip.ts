/**
 * The client's state of a round trip in the JSON dialect: which chunks of its own file have come back
 * as they were. The dialect proves the whole only, but the sender of a file can check each chunk. What has come
 * back once stays, whatever comes later.
 */
import { type Bytes, fromHex } from "../../ids.ts";
import type { JsonObject } from "../../wire/session_json.ts";

export class RoundTrip {
  readonly #file: Bytes;
  /** What has come back, each byte in its place. */
  readonly #back: Bytes;
  /**
   * The numbers of the chunks that have come back, by the length of a chunk. Nobody says how long chunks are:
   * each that comes back tells, and whoever sends others counts for itself.
   */
  readonly #held = new Map<number, Set<number>>();
  #chunkCount = 0;
  /** Chunks of this round that came, and not as they were sent. */
  readonly #spoilt = new Set<number>();

  /** @param file what was uploaded */
  constructor(file: Bytes) {
    this.#file = file;
    this.#back = new Uint8Array(file.length);
  }

  get chunkCount(): number {
    return this.#chunkCount;
  }

  /** A round begins: the server will send so many chunks; `false` if no file has so many. */
  begin(chunkCount: unknown): boolean {
    const isCount = typeof chunkCount === "number" && Number.isInteger(chunkCount);
    if (!isCount || chunkCount < 0 || chunkCount > this.#file.length) return false;
    if (chunkCount === 0 && this.#file.length > 0) return false;
    this.#chunkCount = chunkCount;
    this.#spoilt.clear();
    return true;
  }

  /** Takes a `chunk` message; nonsense is as good as lost. Returns whether it brought something. */
  take({ sequence, data }: JsonObject): boolean {
    const isNumber = typeof sequence === "number" && Number.isInteger(sequence);
    if (!isNumber || sequence < 0 || sequence >= this.#chunkCount) return false;
    const bytes = typeof data === "string" ? fromHex(data.toLowerCase()) : undefined;
    const chunkBytes = bytes && this.#chunkBytes(sequence, bytes);
    if (bytes === undefined || chunkBytes === undefined) {
      this.#spoilt.add(sequence);
      return false;
    }
    let held = this.#held.get(chunkBytes);
    if (held === undefined) this.#held.set(chunkBytes, held = new Set());
    if (held.has(sequence)) return false;
    held.add(sequence);
    this.#back.set(bytes, sequence * chunkBytes);
    return true;
  }

  /** Chunks that have not come back as they were, of those that have come furthest. */
  get missing(): number[] {
    const held = this.#furthest();
    return Array.from({ length: this.#chunkCount }, (_, number) => number)
      .filter((number) => !held.has(number));
  }

  /** Those of the missing that came in this round, and were spoilt. */
  get spoilt(): number[] {
    return this.missing.filter((number) => this.#spoilt.has(number));
  }

  /** What came back; `undefined` while something is missing. */
  assemble(): Bytes | undefined {
    return this.#furthest().size === this.#chunkCount ? this.#back : undefined;
  }

  #furthest(): ReadonlySet<number> {
    let furthest: ReadonlySet<number> = new Set();
    for (const [chunkBytes, held] of this.#held) {
      if (this.#countFor(chunkBytes) !== this.#chunkCount) continue;
      if (held.size > furthest.size) furthest = held;
    }
    return furthest;
  }

  #countFor(chunkBytes: number): number {
    return Math.ceil(this.#file.length / chunkBytes);
  }

  /** The length of the chunks that this is one of; `undefined` if it is not as it was sent. */
  #chunkBytes(sequence: number, bytes: Bytes): number | undefined {
    const isLast = sequence === this.#chunkCount - 1;
    // The last is what is left, and the others are equally long.
    const chunkBytes = isLast && sequence > 0
      ? (this.#file.length - bytes.length) / sequence
      : bytes.length;
    const isPossible = Number.isInteger(chunkBytes) && chunkBytes > 0 &&
      this.#countFor(chunkBytes) === this.#chunkCount;
    if (!isPossible) return undefined;
    const start = sequence * chunkBytes;
    const sent = this.#file.subarray(start, start + chunkBytes);
    const isWhole = bytes.length === sent.length && bytes.every((byte, i) => byte === sent[i]);
    return isWhole ? chunkBytes : undefined;
  }
}
