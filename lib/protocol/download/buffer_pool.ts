/**
 * Chunk buffers within a budget. A buffer counts from the moment it is taken until it comes back,
 * wherever it is meanwhile: this is how a slow disk slows the requests.
 */
import type { Bytes } from "../../ids.ts";

export class BufferPool {
  readonly #free: Bytes[] = [];
  #outBytes = 0;
  #budgetBytes = 0;

  set budgetBytes(bytes: number) {
    this.#budgetBytes = bytes;
  }

  get outBytes(): number {
    return this.#outBytes;
  }

  /** A buffer of exactly `bytes`, or `undefined` when the budget is used up. One always fits. */
  take(bytes: number): Bytes | undefined {
    if (this.#outBytes > 0 && this.#outBytes + bytes > this.#budgetBytes) return undefined;
    this.#outBytes += bytes;
    const i = this.#free.findLastIndex((buffer) => buffer.length === bytes);
    if (i >= 0) return this.#free.splice(i, 1)[0]!;
    // Sizes differ between files: what does not fit the file at hand makes room.
    this.#free.length = 0;
    return new Uint8Array(bytes);
  }

  give(buffer: Bytes): void {
    this.#outBytes -= buffer.length;
    if ((this.#free.length + 1) * buffer.length + this.#outBytes <= this.#budgetBytes) {
      this.#free.push(buffer);
    }
  }
}
