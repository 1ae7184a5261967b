/**
 * Views of the slots of a burst, kept from one burst to the next as long as memory and lengths are the same: making a view costs
 * as much as encrypting what is in it.
 */
import type { Bytes } from "../../ids.ts";

export class SlotViews<View> {
  readonly #make: (bytes: Bytes, at: number, sizeBytes: number) => View;
  #buffer: ArrayBuffer | undefined;
  #startAt = 0;
  #sizeBytes = 0;
  #views: (View | undefined)[] = [];

  /** @param make a view of a slot that begins at `at` of `bytes` */
  constructor(make: (bytes: Bytes, at: number, sizeBytes: number) => View) {
    this.#make = make;
  }

  /** How long slots are, and how far apart. */
  get stepBytes(): number {
    return this.#sizeBytes;
  }

  /** Slots of `sizeBytes` from now on, the first at the start of `bytes`. */
  over(bytes: Bytes, sizeBytes: number): void {
    const isSame = bytes.buffer === this.#buffer && bytes.byteOffset === this.#startAt &&
      sizeBytes === this.#sizeBytes;
    if (isSame) return;
    this.#buffer = bytes.buffer;
    this.#startAt = bytes.byteOffset;
    this.#sizeBytes = sizeBytes;
    this.#views = [];
  }

  /** The slot of this number, which lies in `bytes` whole. */
  at(bytes: Bytes, slot: number): View {
    return this.#views[slot] ??= this.#make(bytes, slot * this.#sizeBytes, this.#sizeBytes);
  }
}
