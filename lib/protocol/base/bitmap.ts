/** One bit per chunk, least significant first. */
import type { Bytes } from "../../ids.ts";

export class Bitmap {
  readonly bytes: Bytes;
  readonly length: number;
  /** The same memory in larger steps; which bit of a word is which is the processor's business. */
  readonly #words: Uint32Array;

  /** @param bytes what to start from; copied, and padding bits are cleared */
  constructor(length: number, bytes?: Uint8Array) {
    this.length = length;
    this.#words = new Uint32Array(Math.ceil(length / WORD_BITS));
    this.bytes = new Uint8Array(this.#words.buffer as ArrayBuffer, 0, Math.ceil(length / 8));
    if (bytes === undefined) return;
    this.bytes.set(bytes.subarray(0, this.bytes.length));
    for (let i = length; i < 8 * this.bytes.length; i++) this.clear(i);
  }

  /** With every bit set. */
  static full(length: number): Bitmap {
    return new Bitmap(length, new Uint8Array(Math.ceil(length / 8)).fill(0xff));
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

  /** The first bit from `from` on that is set here, and in `other` if that is given. Goes by words. */
  firstSet(from: number, other?: Bitmap): number | undefined {
    const wordCount = this.#words.length;
    let index = from;
    while (index < this.length) {
      let word = Math.floor(index / WORD_BITS);
      if (index % WORD_BITS === 0) {
        while (word < wordCount && !this.#isCommon(word, other)) word += 1;
        index = word * WORD_BITS;
      }
      const end = Math.min((word + 1) * WORD_BITS, this.length);
      for (; index < end; index++) {
        if (this.has(index) && (other === undefined || other.has(index))) return index;
      }
    }
    return undefined;
  }

  #isCommon(word: number, other: Bitmap | undefined): boolean {
    const own = this.#words[word]!;
    return (other === undefined ? own : own & (other.#words[word] ?? 0)) !== 0;
  }
}

const WORD_BITS = 32;
