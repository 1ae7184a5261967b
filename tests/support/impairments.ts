/**
 * What networks do to datagrams, in one direction of a path: the same table and the same machine for the simulation
 * (`tests/sim/sim_link.ts`, in virtual time) and for the wire between hosts (`wire_bridge.ts`, in real time). What
 * becomes of each datagram follows from the seed, and from when it comes.
 */
import type { Bytes } from "../../lib/ids.ts";
import type { Random } from "../../lib/protocol/base/random.ts";

export type Span = readonly [fromMs: number, toMs: number];

/** All of it is plain data, so that it can be kept, and sent, as JSON. What is left out does nothing. */
export interface Impairments {
  readonly bytesPerMs?: number;
  readonly delayMs?: number;
  /** What comes when so much waits for its turn is dropped. */
  readonly queueBytesMax?: number;
  /** Each datagram travels up to so much longer, whatever became of the one before it … */
  readonly jitterMs?: number;
  /** … or, where the order is kept, no less long than that one. */
  readonly keepsOrder?: boolean;
  /** Datagrams longer than this vanish … */
  readonly mtuBytes?: number;
  /** … and for some time those longer than `bytes`. */
  readonly blackHoles?: readonly { readonly bytes: number; readonly duringMs: Span }[];
  /** Probabilities, for each datagram. */
  readonly loss?: number;
  readonly duplication?: number;
  /** The chance to come up to {@linkcode REORDER_MS_MAX} later. */
  readonly reordering?: number;
  /** One to three bits change: CRC-32 finds all of those in datagrams of this length. */
  readonly bitFlips?: number;
  readonly truncation?: number;
  /** Loss in bursts (Gilbert–Elliott): how long each state lasts on average, the loss in the bad one. */
  readonly burst?: { readonly goodMs: number; readonly badMs: number; readonly loss: number };
  /** From when to when nothing passes. */
  readonly downMs?: readonly Span[];
}

export const REORDER_MS_MAX = 30;
const BIT_FLIPS_MAX = 3;

/** One copy of a datagram, and when it comes out. */
export interface Arrival {
  readonly atMs: number;
  readonly datagram: Bytes;
}

const NOTHING: readonly Arrival[] = [];

export class ImpairedPath {
  readonly #random: Random;
  #impairments: Impairments;
  readonly #headerBytes: number;
  /** Moments of the impairments count from here. */
  #startMs = 0;
  #freeMs = 0;
  #lastMs = 0;
  /** A path begins in a good state. */
  #isBursting = true;
  #turnsMs = 0;
  /** Datagrams that found the queue full. */
  overflown = 0;

  /** @param headerBytes of what is sent, how much is no part of the datagram: it takes time, and bits of it stay */
  constructor(random: Random, impairments: Impairments, headerBytes = 0) {
    this.#random = random;
    this.#impairments = impairments;
    this.#headerBytes = headerBytes;
  }

  /** From now on it does this; what is on its way comes as it would have. */
  change(nowMs: number, impairments: Impairments): void {
    this.#impairments = impairments;
    this.#startMs = nowMs;
  }

  /** Whether nothing passes now. */
  isDown(nowMs: number): boolean {
    return isWithin(this.#impairments.downMs, nowMs - this.#startMs);
  }

  /** When so many bytes have left, if they wait for their turn however long that takes. */
  occupy(nowMs: number, bytes: number): number {
    const { bytesPerMs = Infinity } = this.#impairments;
    return this.#freeMs = Math.max(nowMs, this.#freeMs) + bytes / bytesPerMs;
  }

  /** What comes of a datagram that is sent now. */
  send(nowMs: number, datagram: Bytes): readonly Arrival[] {
    const { bytesPerMs = Infinity, delayMs = 0, queueBytesMax = Infinity } = this.#impairments;
    if (this.#isTooLong(nowMs, datagram.length - this.#headerBytes) || this.isDown(nowMs)) {
      return NOTHING;
    }
    const queuedMs = this.#freeMs - nowMs;
    if (queuedMs > 0 && queuedMs * bytesPerMs + datagram.length > queueBytesMax) {
      this.overflown += 1;
      return NOTHING;
    }
    const leavesMs = this.occupy(nowMs, datagram.length);
    if (this.#isLost(nowMs)) return NOTHING;
    const random = this.#random;
    const { reordering = 0, duplication = 0 } = this.#impairments;
    const lateMs = random.chance(reordering) ? random.between(0, REORDER_MS_MAX) : 0;
    const arriving = this.#spoilt(datagram);
    const arrival = {
      atMs: this.#inOrder(leavesMs + delayMs + lateMs + this.#jitter()),
      datagram: arriving,
    };
    if (!random.chance(duplication)) return [arrival];
    const againMs = random.between(0, REORDER_MS_MAX);
    return [arrival, { atMs: leavesMs + delayMs + againMs, datagram }];
  }

  #isTooLong(nowMs: number, bytes: number): boolean {
    const { mtuBytes = Infinity, blackHoles = [] } = this.#impairments;
    return bytes > mtuBytes ||
      blackHoles.some((hole) =>
        bytes > hole.bytes && isWithin([hole.duringMs], nowMs - this.#startMs)
      );
  }

  /** Draws nothing where there is no jitter, so that what follows from an older seed stays what it was. */
  #jitter(): number {
    const { jitterMs = 0 } = this.#impairments;
    return jitterMs === 0 ? 0 : this.#random.between(0, jitterMs);
  }

  #inOrder(atMs: number): number {
    if (this.#impairments.keepsOrder !== true) return atMs;
    return this.#lastMs = Math.max(this.#lastMs, atMs);
  }

  #isLost(nowMs: number): boolean {
    const { loss = 0, burst } = this.#impairments;
    if (burst !== undefined) this.#passTime(nowMs, burst.goodMs, burst.badMs);
    return this.#random.chance(burst !== undefined && this.#isBursting ? burst.loss : loss);
  }

  /** Whether a burst goes on depends on time alone, however little is sent. */
  #passTime(nowMs: number, goodMs: number, badMs: number): void {
    while (this.#turnsMs <= nowMs) {
      this.#isBursting = !this.#isBursting;
      const meanMs = this.#isBursting ? badMs : goodMs;
      this.#turnsMs += -meanMs * Math.log(1 - this.#random.fraction());
    }
  }

  #spoilt(datagram: Bytes): Bytes {
    const random = this.#random;
    const { truncation = 0, bitFlips = 0 } = this.#impairments;
    const headerBytes = this.#headerBytes;
    const ownBytes = datagram.length - headerBytes;
    if (random.chance(truncation)) return datagram.slice(0, headerBytes + random.below(ownBytes));
    if (!random.chance(bitFlips)) return datagram;
    const bytes = datagram.slice();
    for (let flips = 1 + random.below(BIT_FLIPS_MAX); flips > 0; flips--) {
      bytes[headerBytes + random.below(ownBytes)]! ^= 1 << random.below(8);
    }
    return bytes;
  }
}

export function isWithin(spans: readonly Span[] = [], nowMs: number): boolean {
  return spans.some(([fromMs, toMs]) => nowMs >= fromMs && nowMs < toMs);
}
