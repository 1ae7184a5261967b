/**
 * In which order chunks are fetched where others fetch the same content at the same time (docs/PROTOCOL.md, "Takers"). What
 * servers give is to be given once before it is given twice: so each taker asks servers for another part of what no
 * taker has, and takers for what fewest of them have, at random among equals. All of it happens in a window behind the
 * first chunk that is missing, so that the hash of the whole can follow.
 */
import type { Bitmap } from "../base/bitmap.ts";
import { Random } from "../base/random.ts";
import { TAKERS_WINDOW_BYTES } from "./limits.ts";
import type { LeaseTable } from "./lease_table.ts";

/** How many fetch it now, and which of them we are. */
export interface Crowd {
  readonly takerCount: number;
  readonly place: number;
}

interface Wanted {
  /** What the source has; `undefined` for all. */
  readonly holds: Bitmap | undefined;
  /** Whether it is a taker itself. */
  readonly isTaker: boolean;
  /** Whether it is asked for what takers have as well, if there is nothing else. */
  readonly mayRepeat: boolean;
  mayTake(chunk: number): boolean;
}

export class ChunkOrder {
  readonly #random: Random;
  readonly #chunkCount: number;
  readonly #windowChunks: number;
  crowd: Crowd = { takerCount: 0, place: 0 };
  /** What each taker has. */
  readonly takers = new Map<string, Bitmap>();

  constructor(chunkCount: number, chunkBytes: number, seed: number) {
    this.#random = new Random(seed);
    this.#chunkCount = chunkCount;
    this.#windowChunks = Math.ceil(TAKERS_WINDOW_BYTES / chunkBytes);
  }

  /** Whether there is anybody beside us; alone, chunks come from the front. */
  get isShared(): boolean {
    return this.takers.size > 0 || this.crowd.takerCount > 1;
  }

  /** The free chunk that should be fetched next from such a source. */
  next(leases: LeaseTable, wanted: Wanted): number | undefined {
    const first = leases.firstFree();
    if (first === undefined) return undefined;
    const end = Math.min(this.#chunkCount, first + this.#windowChunks);
    const chunk = this.#nextIn(first, end, leases, wanted);
    // What is further on is better than nothing: one chunk that does not come holds up nothing else.
    return chunk ??
      (end < this.#chunkCount ? this.#nextIn(end, this.#chunkCount, leases, wanted) : undefined);
  }

  #nextIn(from: number, end: number, leases: LeaseTable, wanted: Wanted): number | undefined {
    const { holds, mayTake } = wanted;
    const mayBe = (chunk: number): boolean =>
      leases.isFree(chunk) && holds?.has(chunk) !== false && mayTake(chunk);
    return wanted.isTaker
      ? this.#rarest(from, end, mayBe)
      : this.#own(from, end, (chunk) => mayBe(chunk) && this.#holders(chunk) === 0) ??
        this.#any(from, end, (chunk) => mayBe(chunk) && this.#holders(chunk) === 0) ??
        (wanted.mayRepeat ? this.#any(from, end, mayBe) : this.#own(from, end, mayBe));
  }

  /** The first of those that are ours to ask servers for. */
  #own(from: number, end: number, mayBe: (chunk: number) => boolean): number | undefined {
    const { takerCount, place } = this.crowd;
    const step = Math.max(1, takerCount);
    const start = from + (place % step - from % step + step) % step;
    for (let chunk = start; chunk < end; chunk += step) if (mayBe(chunk)) return chunk;
    return undefined;
  }

  #any(from: number, end: number, mayBe: (chunk: number) => boolean): number | undefined {
    for (const chunk of this.#around(from, end)) if (mayBe(chunk)) return chunk;
    return undefined;
  }

  #rarest(from: number, end: number, mayBe: (chunk: number) => boolean): number | undefined {
    let rarest: number | undefined;
    let fewest = Infinity;
    for (const chunk of this.#around(from, end)) {
      if (!mayBe(chunk)) continue;
      const holders = this.#holders(chunk);
      if (holders >= fewest) continue;
      rarest = chunk;
      fewest = holders;
      if (holders <= 1) break;
    }
    return rarest;
  }

  /** All of them once, from anywhere on. */
  *#around(from: number, end: number): Generator<number> {
    const count = end - from;
    const offset = this.#random.below(count);
    for (let i = 0; i < count; i++) yield from + (offset + i) % count;
  }

  #holders(chunk: number): number {
    let holders = 0;
    for (const held of this.takers.values()) if (held.has(chunk)) holders += 1;
    return holders;
  }
}
