/** Reads what is offered out of memory. It cannot change: whoever put it there has given it away. */
import type { Bytes } from "../../ids.ts";
import type { ContentReader } from "./content_reader.ts";

export class MemoryReader implements ContentReader {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  readAt(target: Bytes, targetOffset: number, lengthBytes: number, position: number): number {
    const found = this.#bytes.subarray(position, position + lengthBytes);
    target.set(found, targetOffset);
    return found.length;
  }

  holds(): boolean {
    return true;
  }

  isUnchanged(): boolean {
    return true;
  }

  close(): void {}
}
