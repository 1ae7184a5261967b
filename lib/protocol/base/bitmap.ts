/** One bit per chunk, least significant first. */
import type { Bytes } from "../../ids.ts";

export class Bitmap {
  readonly bytes: Bytes;
  readonly length: number;

  /** @param bytes what to start from; copied, and padding bits are cleared */
  constructor(length: number, bytes?: Uint8Array) {
    this.length = length;
    this.bytes = new Uint8Array(Math.ceil(length / 8));
    if (bytes === undefined) return;
    this.bytes.set(bytes.subarray(0, this.bytes.length));
    for (let i = length; i < 8 * this.bytes.length; i++) this.clear(i);
  }

  has(index: number): boolean {
    return ((this.bytes[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
  }

  set(index: number): void {
    this.bytes[index >> 3]! |= 1 << (index & 7);
  }

  clear(index: number): void {
    this.bytes[index >> 3]! &= ~(1 << (index & 7));
  }
}
