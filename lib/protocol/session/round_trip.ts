/**
 * The client's state of a round trip in the JSON dialect: which chunks of its own file have come back
 * as they were. The dialect proves the whole only, but the sender of a file can check each chunk.
 */
import { type Bytes, fromHex } from "../../ids.ts";
import type { JsonObject } from "../../wire/session_json.ts";

export class RoundTrip {
  readonly #file: Bytes;
  #chunkCount = 0;
  /** Chunks as they came, by number. */
  readonly #chunks = new Map<number, Bytes>();

  /** @param file what was uploaded */
  constructor(file: Bytes) {
    this.#file = file;
  }

  get chunkCount(): number {
    return this.#chunkCount;
  }

  /** The server is ready to send so many chunks; `false` if no file has so many. */
  begin(chunkCount: unknown): boolean {
    const isCount = typeof chunkCount === "number" && Number.isInteger(chunkCount);
    if (!isCount || chunkCount < 0 || chunkCount > this.#file.length) return false;
    // Chunks of another size are of no use beside these.
    if (chunkCount !== this.#chunkCount) this.#chunks.clear();
    this.#chunkCount = chunkCount;
    return true;
  }

  /** Takes a `chunk` message; nonsense is as good as lost. */
  take({ sequence, data }: JsonObject): void {
    const isNumber = typeof sequence === "number" && Number.isInteger(sequence);
    if (!isNumber || sequence < 0 || sequence >= this.#chunkCount) return;
    const bytes = typeof data === "string" ? fromHex(data.toLowerCase()) : undefined;
    if (bytes !== undefined) this.#chunks.set(sequence, bytes);
  }

  /** Chunks that have not come. */
  get missing(): number[] {
    return this.#numbers().filter((number) => !this.#chunks.has(number));
  }

  /** Forgets the chunks that came back other than they were sent; returns their numbers. */
  dropSpoilt(): number[] {
    const spoilt = this.#numbers().filter((number) => this.#isSpoilt(number));
    for (const number of spoilt) this.#chunks.delete(number);
    return spoilt;
  }

  /** What came back, in order; whole when nothing is missing. */
  assemble(): Bytes {
    const chunks = this.#numbers().map((number) => this.#chunks.get(number) ?? new Uint8Array(0));
    const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  }

  #numbers(): number[] {
    return Array.from({ length: this.#chunkCount }, (_, number) => number);
  }

  #isSpoilt(number: number): boolean {
    const chunk = this.#chunks.get(number);
    if (chunk === undefined) return false;
    const start = number * this.#chunkBytes;
    const sent = this.#file.subarray(start, start + this.#chunkBytes);
    return chunk.length !== sent.length || chunk.some((byte, i) => byte !== sent[i]);
  }

  /** Nobody says how long chunks are: all but the last are equally long, and it is no longer. */
  get #chunkBytes(): number {
    let longest = 0;
    for (const chunk of this.#chunks.values()) longest = Math.max(longest, chunk.length);
    return longest;
  }
}
