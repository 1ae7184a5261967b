/**
 * Randomness from a seed: the machines use this, so that a run can be reproduced. The
 * generator is sfc32 (Chris Doty-Humphrey, PractRand): small, fast, and no source of secrets.
 */
import type { Bytes } from "../../ids.ts";

const TWO_32 = 0x1_0000_0000;
/** Rounds after which sfc32's author calls a fresh state well mixed. */
const WARM_UP_ROUNDS = 12;

export class Random {
  #a: number;
  #b: number;
  #c = 0x9e37_79b9;
  #counter = 1;

  /** @param seed any integer; seeds that differ give unrelated sequences */
  constructor(seed: number) {
    this.#a = Math.floor(seed / TWO_32) >>> 0;
    this.#b = seed >>> 0;
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.u32();
  }

  /** An integer from 0 to 2³² − 1. */
  u32(): number {
    const result = (this.#a + this.#b + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) >>> 0;
    return result;
  }

  /** An integer from 0 to 2⁶⁴ − 1. */
  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** A number from 0 up to but not including 1. */
  fraction(): number {
    return this.u32() / TWO_32;
  }

  /** An integer from 0 to `count - 1`. */
  below(count: number): number {
    return Math.floor(this.fraction() * count);
  }

  /** A number from `low` up to but not including `high`. */
  between(low: number, high: number): number {
    return low + this.fraction() * (high - low);
  }

  /** Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  bytes(count: number): Bytes {
    return Uint8Array.from({ length: count }, () => this.below(256));
  }

  /** Puts `items` in a random order, in place. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [items[i], items[j]] = [items[j]!, items[i]!];
    }
    return items;
  }
}
