/**
 * A random order of `0 … count-1` that takes no memory: a Feistel network over the smallest even
 * number of bits that holds `count`, walked until it lands inside. A shuffled array would grow with
 * the file that it orders.
 */
import type { Random } from "./random.ts";

const ROUNDS = 4;

export class Permutation {
  readonly #count: number;
  readonly #halfBits: number;
  readonly #keys: readonly number[];

  /** @param count from 1 to 2³⁰ */
  constructor(count: number, random: Random) {
    const bits = 32 - Math.clz32(count - 1);
    this.#count = count;
    this.#halfBits = Math.max(1, Math.ceil(bits / 2));
    this.#keys = Array.from({ length: ROUNDS }, () => random.u32());
  }

  /** Which number comes at `position`. */
  at(position: number): number {
    let value = position;
    do value = this.#encrypt(value); while (value >= this.#count);
    return value;
  }

  #encrypt(value: number): number {
    const mask = (1 << this.#halfBits) - 1;
    let left = value >>> this.#halfBits;
    let right = value & mask;
    for (const key of this.#keys) [left, right] = [right, left ^ (mixed(right ^ key) & mask)];
    return ((left << this.#halfBits) | right) >>> 0;
  }
}

/** The finaliser of MurmurHash3: every input bit reaches every output bit. */
function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
