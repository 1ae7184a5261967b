/**
 * One direction of a simulated path, for datagrams and streams. What becomes of each datagram follows from the
 * world's randomness alone.
 */
import type { Bytes } from "../../lib/ids.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import { ImpairedPath, type Impairments, isWithin, type Span } from "../support/impairments.ts";
import type { VirtualClock } from "./virtual_clock.ts";

/** What every link of a world says of itself. */
export interface LinkSpec extends Impairments {
  readonly bytesPerMs: number;
  readonly delayMs: number;
  readonly queueBytesMax: number;
  readonly mtuBytes: number;
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  readonly bitFlips: number;
  readonly truncation: number;
  readonly downMs: readonly Span[];
  /** From when to when no streams pass, beside that. */
  readonly streamDownMs?: readonly Span[];
}

/** After this, a stream sends again what did not pass. */
const RESEND_MS = 200;

export class SimLink {
  readonly #clock: VirtualClock;
  readonly #path: ImpairedPath;
  readonly spec: LinkSpec;
  /** What streams have sent, in order. */
  readonly #arriving: (() => void)[] = [];

  constructor(clock: VirtualClock, random: Random, spec: LinkSpec) {
    this.#clock = clock;
    this.#path = new ImpairedPath(random, spec);
    this.spec = spec;
  }

  isDown(nowMs: number): boolean {
    return this.#path.isDown(nowMs);
  }

  send(datagram: Bytes, deliver: (datagram: Bytes) => void): void {
    for (const { atMs, datagram: arriving } of this.#path.send(this.#clock.nowMs, datagram)) {
      this.#clock.at(atMs, () => deliver(arriving));
    }
  }

  /**
   * What a stream sends: it takes its time on the link beside everything else, and is sent again until it
   * has passed.
   */
  carry(bytes: number, deliver: () => void): void {
    const leavesMs = this.#path.occupy(this.#clock.nowMs, bytes);
    const arrive = (): void => {
      if (this.isStreamDown(this.#clock.nowMs)) this.#clock.after(RESEND_MS, arrive);
      else if (this.#arriving[0] !== undefined) this.#arriving.shift()!();
    };
    // However long the first of them takes, none overtakes another.
    this.#arriving.push(deliver);
    this.#clock.at(leavesMs + this.spec.delayMs, arrive);
  }

  isStreamDown(nowMs: number): boolean {
    return this.isDown(nowMs) || isWithin(this.spec.streamDownMs, nowMs);
  }
}
