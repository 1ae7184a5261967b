/**
 * The link that everybody shares, on a virtual clock: a rate, one drop-tail queue in front of it, and
 * random loss. It says when a datagram has crossed; how long it travels besides is its flow's affair.
 * Same seed, same losses.
 */
import { Random } from "../../lib/protocol/base/random.ts";

/** What a UDP datagram takes on an Ethernet besides itself: IP, UDP, frame, preamble and gap. */
export const UDP_OVERHEAD_BYTES = 28 + 38;

export interface BottleneckOptions {
  readonly bytesPerMs: number;
  readonly queueBytesMax: number;
  /** Probability for each datagram, in either direction. */
  readonly loss?: number;
  /** Each datagram, in either direction, travels up to so much longer, whatever became of the one before it. */
  readonly jitterMs?: number;
  readonly seed?: number;
}

export class BottleneckLink {
  readonly bytesPerMs: number;
  readonly #queueBytesMax: number;
  readonly #loss: number;
  jitterMs: number;
  readonly #random: Random;
  #freeMs = 0;
  offeredDatagrams = 0;
  /** Datagrams that found the queue full. */
  overflownDatagrams = 0;

  constructor({ bytesPerMs, queueBytesMax, loss = 0, jitterMs = 0, seed = 1 }: BottleneckOptions) {
    this.bytesPerMs = bytesPerMs;
    this.#queueBytesMax = queueBytesMax;
    this.#loss = loss;
    this.jitterMs = jitterMs;
    this.#random = new Random(seed);
  }

  /** How long a datagram that came now would wait. */
  queueMs(nowMs: number): number {
    return Math.max(0, this.#freeMs - nowMs);
  }

  /** When a datagram that comes now, of `wireBytes` with all headers, has crossed, if it does. */
  cross(nowMs: number, wireBytes: number): number | undefined {
    this.offeredDatagrams += 1;
    if (this.queueMs(nowMs) * this.bytesPerMs + wireBytes > this.#queueBytesMax) {
      this.overflownDatagrams += 1;
      return undefined;
    }
    this.#freeMs = Math.max(this.#freeMs, nowMs) + wireBytes / this.bytesPerMs;
    return this.loses() ? undefined : this.#freeMs;
  }

  /** How much longer the next datagram travels than the path takes. */
  delayMs(): number {
    return this.jitterMs === 0 ? 0 : this.#random.between(0, this.jitterMs);
  }

  /** Whether a datagram that takes no room, such as a request on its way back, is lost. */
  loses(): boolean {
    return this.#random.chance(this.#loss);
  }
}

/** Things on their way: the earliest comes first, of those at one time the one that was sent first. */
export class Pipe<Item> {
  #items: { readonly atMs: number; readonly item: Item }[] = [];
  #first = 0;

  get nextMs(): number {
    return this.#items[this.#first]?.atMs ?? Infinity;
  }

  push(atMs: number, item: Item): void {
    let at = this.#items.length;
    while (at > this.#first && this.#items[at - 1]!.atMs > atMs) at -= 1;
    if (at === this.#items.length) this.#items.push({ atMs, item });
    else this.#items.splice(at, 0, { atMs, item });
  }

  take(): Item {
    const { item } = this.#items[this.#first++]!;
    if (this.#first === 1_024) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }
}

/** Somebody who takes part in a run: has something to do at a time, and does it. */
export interface Party {
  nextMs(nowMs: number): number;
  step(nowMs: number): void;
}

/** Lets time pass up to `untilMs`, whoever is next first; returns the time. */
export function runParties(parties: readonly Party[], fromMs: number, untilMs: number): number {
  let nowMs = fromMs;
  for (;;) {
    let first: Party | undefined;
    let firstMs = untilMs;
    for (const party of parties) {
      const partyMs = party.nextMs(nowMs);
      if (partyMs >= firstMs) continue;
      first = party;
      firstMs = partyMs;
    }
    if (first === undefined) return untilMs;
    nowMs = Math.max(nowMs, firstMs);
    first.step(nowMs);
  }
}
