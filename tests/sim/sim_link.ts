/**
 * One direction of a simulated path: a rate, a delay, a bounded queue that drops what comes when it
 * is full, and what networks do to datagrams besides. What becomes of each follows from the world's
 * randomness alone.
 */
import type { Bytes } from "../../lib/ids.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import type { VirtualClock } from "./virtual_clock.ts";

export type Span = readonly [fromMs: number, toMs: number];

/** All of it is plain data, so that a scenario can be kept as JSON. */
export interface LinkSpec {
  readonly bytesPerMs: number;
  readonly delayMs: number;
  readonly queueBytesMax: number;
  /** Datagrams longer than this vanish. */
  readonly mtuBytes: number;
  /** Probabilities, for each datagram. */
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  /** One to three bits change: CRC-32 finds all of those in datagrams of this length. */
  readonly bitFlips: number;
  readonly truncation: number;
  /** Loss in bursts (Gilbert–Elliott): how long each state lasts on average, the loss in the bad one. */
  readonly burst?: { readonly goodMs: number; readonly badMs: number; readonly loss: number };
  /** From when to when nothing passes … */
  readonly downMs: readonly Span[];
  /** … and no streams. */
  readonly streamDownMs?: readonly Span[];
}

const REORDER_MS_MAX = 30;
const BIT_FLIPS_MAX = 3;
/** After this, a stream sends again what did not pass. */
const RESEND_MS = 200;

export class SimLink {
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly spec: LinkSpec;
  #freeMs = 0;
  /** What streams have sent, in order. */
  readonly #arriving: (() => void)[] = [];
  /** The world begins in a good state. */
  #isBursting = true;
  #turnsMs = 0;

  constructor(clock: VirtualClock, random: Random, spec: LinkSpec) {
    this.#clock = clock;
    this.#random = random;
    this.spec = spec;
  }

  isDown(nowMs: number): boolean {
    return isWithin(this.spec.downMs, nowMs);
  }

  send(datagram: Bytes, deliver: (datagram: Bytes) => void): void {
    const { bytesPerMs, delayMs, queueBytesMax, mtuBytes } = this.spec;
    const { nowMs } = this.#clock;
    if (datagram.length > mtuBytes || this.isDown(nowMs)) return;
    const queuedBytes = (this.#freeMs - nowMs) * bytesPerMs;
    if (queuedBytes > 0 && queuedBytes + datagram.length > queueBytesMax) return;
    this.#freeMs = Math.max(nowMs, this.#freeMs) + datagram.length / bytesPerMs;
    if (this.#isLost()) return;
    const random = this.#random;
    const extraMs = random.chance(this.spec.reordering) ? random.between(0, REORDER_MS_MAX) : 0;
    const arriving = this.#spoilt(datagram);
    this.#clock.at(this.#freeMs + delayMs + extraMs, () => deliver(arriving));
    if (!random.chance(this.spec.duplication)) return;
    const againMs = random.between(0, REORDER_MS_MAX);
    this.#clock.at(this.#freeMs + delayMs + againMs, () => deliver(datagram));
  }

  /**
   * What a stream sends: it takes its time on the link beside everything else, and is sent again until it
   * has passed.
   */
  carry(bytes: number, deliver: () => void): void {
    const { bytesPerMs, delayMs } = this.spec;
    this.#freeMs = Math.max(this.#clock.nowMs, this.#freeMs) + bytes / bytesPerMs;
    const arrive = (): void => {
      if (this.isStreamDown(this.#clock.nowMs)) this.#clock.after(RESEND_MS, arrive);
      else if (this.#arriving[0] !== undefined) this.#arriving.shift()!();
    };
    // However long the first of them takes, none overtakes another.
    this.#arriving.push(deliver);
    this.#clock.at(this.#freeMs + delayMs, arrive);
  }

  isStreamDown(nowMs: number): boolean {
    return this.isDown(nowMs) || isWithin(this.spec.streamDownMs ?? [], nowMs);
  }

  #isLost(): boolean {
    const { loss, burst } = this.spec;
    if (burst !== undefined) this.#passTime(burst.goodMs, burst.badMs);
    return this.#random.chance(burst !== undefined && this.#isBursting ? burst.loss : loss);
  }

  /** Whether a burst goes on depends on time alone, however little is sent. */
  #passTime(goodMs: number, badMs: number): void {
    while (this.#turnsMs <= this.#clock.nowMs) {
      this.#isBursting = !this.#isBursting;
      const meanMs = this.#isBursting ? badMs : goodMs;
      this.#turnsMs += -meanMs * Math.log(1 - this.#random.fraction());
    }
  }

  #spoilt(datagram: Bytes): Bytes {
    const random = this.#random;
    if (random.chance(this.spec.truncation)) {
      return datagram.slice(0, random.below(datagram.length));
    }
    if (!random.chance(this.spec.bitFlips)) return datagram;
    const bytes = datagram.slice();
    for (let flips = 1 + random.below(BIT_FLIPS_MAX); flips > 0; flips--) {
      bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    }
    return bytes;
  }
}

export function isWithin(spans: readonly Span[], nowMs: number): boolean {
  return spans.some(([fromMs, toMs]) => nowMs >= fromMs && nowMs < toMs);
}
