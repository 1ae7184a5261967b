/**
 * Bounds-checked big-endian reading and writing over one buffer. A reader never throws: the first
 * read past the end, or the first value that a field refuses, marks it as failed, and everything
 * read afterwards is zero. Its user looks at `problem` once, at the end.
 */
import type { Bytes } from "../ids.ts";

export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at: number;
  #problem: string | undefined;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  /** What was wrong first; `undefined` while everything fits. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get remainingBytes(): number {
    return this.#bytes.length - this.#at;
  }

  fail(problem: string): void {
    this.#problem ??= problem;
  }

  u8(): number {
    return this.#take(1) ? this.#view.getUint8(this.#at - 1) : 0;
  }

  u16(): number {
    return this.#take(2) ? this.#view.getUint16(this.#at - 2) : 0;
  }

  u32(): number {
    return this.#take(4) ? this.#view.getUint32(this.#at - 4) : 0;
  }

  u64(): bigint {
    return this.#take(8) ? this.#view.getBigUint64(this.#at - 8) : 0n;
  }

  /** A copy of the next `count` bytes, so that the datagram's buffer can be reused. */
  bytes(count: number): Bytes {
    if (!this.#take(count)) return new Uint8Array(0);
    return this.#bytes.slice(this.#at - count, this.#at) as Bytes;
  }

  #take(count: number): boolean {
    if (this.#problem !== undefined || this.remainingBytes < count) {
      this.fail("truncated");
      return false;
    }
    this.#at += count;
    return true;
  }
}

/** Writes into a buffer of its own, or into one that is handed in; asserts that everything fits. */
export class Writer {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  #at = 0;

  constructor(target: Bytes) {
    this.#bytes = target;
    this.#view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  }

  get length(): number {
    return this.#at;
  }

  u8(value: number): void {
    this.#range(value, 0xff);
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
  }

  u16(value: number): void {
    this.#range(value, 0xffff);
    this.#view.setUint16(this.#at, value);
    this.#at += 2;
  }

  u32(value: number): void {
    this.#range(value, 0xffff_ffff);
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
  }

  u64(value: bigint): void {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw new RangeError(`${value} is no u64`);
    this.#view.setBigUint64(this.#at, value);
    this.#at += 8;
  }

  bytes(value: Uint8Array): void {
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  zeros(count: number): void {
    this.#bytes.fill(0, this.#at, this.#at + count);
    this.#at += count;
  }

  /** What was written so far, as a view of the target. */
  written(): Bytes {
    return this.#bytes.subarray(0, this.#at);
  }

  #range(value: number, max: number): void {
    if (!Number.isInteger(value) || value < 0 || value > max) {
      throw new RangeError(`${value} is not an integer from 0 to ${max}`);
    }
  }
}
