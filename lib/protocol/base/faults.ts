/**
 * Simulated errors: what a bad network does to a datagram, decided from a seed. Each datagram is
 * affected with one probability, and is then, with equal chance, dropped, corrupted, duplicated or delayed.
 */
import type { Bytes } from "../../ids.ts";
import { FAULT_BYTES_MAX, FAULT_DELAY_MS_MAX, FAULT_DELAY_MS_MIN } from "./limits.ts";
import { Random } from "./random.ts";

const FAULTS = ["lost", "corrupted", "duplicated", "delayed"] as const;
type Fault = (typeof FAULTS)[number];

/** One datagram that arrives in place of the one that was sent. */
export interface Delivery {
  /** The bytes that were handed in, or a changed copy of them. */
  readonly bytes: Bytes;
  readonly delayMs: number;
}

/** Decides what becomes of each datagram. */
export class FaultInjector {
  readonly #rate: number;
  readonly #random: Random;
  readonly #counts: Record<Fault, number> = { lost: 0, corrupted: 0, duplicated: 0, delayed: 0 };

  /** @param rate probability that a datagram is hit, from 0 to 1 */
  constructor(rate: number, seed: number) {
    this.#rate = rate;
    this.#random = new Random(seed);
  }

  /** How many datagrams each fault has hit so far. */
  get counts(): Readonly<Record<Fault, number>> {
    return this.#counts;
  }

  /** What arrives when `datagram` is sent: nothing, it, two of it, or something else or later. */
  deliveries(datagram: Bytes): readonly Delivery[] {
    const asSent = { bytes: datagram, delayMs: 0 };
    if (!this.#random.chance(this.#rate)) return [asSent];
    const fault = FAULTS[this.#random.below(FAULTS.length)]!;
    this.#counts[fault] += 1;
    switch (fault) {
      case "lost":
        return [];
      case "corrupted":
        return [{ bytes: this.#corrupted(datagram), delayMs: 0 }];
      case "duplicated":
        return [asSent, asSent];
      case "delayed": {
        const delayMs = this.#random.between(FAULT_DELAY_MS_MIN, FAULT_DELAY_MS_MAX);
        return [{ bytes: datagram, delayMs }];
      }
    }
  }

  /** A copy with 1 to {@linkcode FAULT_BYTES_MAX} bytes changed. */
  #corrupted(datagram: Bytes): Bytes {
    const bytes = datagram.slice();
    const hits = 1 + this.#random.below(FAULT_BYTES_MAX);
    for (let hit = 0; hit < hits; hit++) {
      const at = this.#random.below(bytes.length);
      // From the original: two hits at one place don't undo each other.
      bytes[at] = datagram[at]! ^ (1 + this.#random.below(255));
    }
    return bytes;
  }
}
