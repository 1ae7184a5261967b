/**
 * A TCP sender with CUBIC (RFC 9438) and endless data, over a shared {@linkcode BottleneckLink}:
 * clocked by its acknowledgements, of which there is one a segment, and with selective ones, so that
 * a segment is lost when three later ones were acknowledged. Timeouts are there for the case that
 * nothing else helps.
 */
import { type BottleneckLink, type Party, Pipe } from "../support/bottleneck_link.ts";

export const TCP_PAYLOAD_BYTES = 1_448;
/** With TCP and its timestamps, IP, and what an Ethernet adds. */
export const TCP_WIRE_BYTES = TCP_PAYLOAD_BYTES + 52 + 38;

/** The constants of RFC 9438, sections 4.1 and 4.6; times are in seconds there. */
const CUBIC_C = 0.4;
const BETA = 0.7;
const FRIENDLY_ALPHA = 3 * (1 - BETA) / (1 + BETA);
const INITIAL_WINDOW_SEGMENTS = 10;
const DUPLICATES_THAT_PROVE_LOSS = 3;
const TIMEOUT_MS_MIN = 200;

interface Sent {
  /** Numbers count transmissions: a repeated segment gets a new one. */
  readonly number: number;
  readonly sentMs: number;
}

export class CubicFlow implements Party {
  readonly #link: BottleneckLink;
  readonly #baseRttMs: number;
  readonly #startMs: number;
  readonly #arrivals = new Pipe<Sent>();
  readonly #acknowledgements = new Pipe<Sent>();
  /** In the order of sending. */
  readonly #inFlight = new Map<number, Sent>();
  #nextNumber = 1;
  #hasStarted = false;

  // Windows are in segments.
  #window = INITIAL_WINDOW_SEGMENTS;
  #threshold = Infinity;
  #windowMax = 0;
  #friendlyWindow = 0;
  #epochStartMs: number | undefined;
  #epochK = 0;
  /** What was sent up to here belongs to the loss that was answered last. */
  #recoveryNumber = 0;
  #smoothedRttMs = 0;
  #aliveMs = 0;
  arrivedBytes = 0;

  constructor(
    link: BottleneckLink,
    { baseRttMs, startMs = 0 }: { readonly baseRttMs: number; readonly startMs?: number },
  ) {
    this.#link = link;
    this.#baseRttMs = baseRttMs;
    this.#startMs = startMs;
  }

  nextMs(): number {
    if (!this.#hasStarted) return this.#startMs;
    return Math.min(this.#arrivals.nextMs, this.#acknowledgements.nextMs, this.#timeoutMs());
  }

  step(nowMs: number): void {
    if (!this.#hasStarted) {
      this.#hasStarted = true;
      this.#aliveMs = nowMs;
    } else if (this.#arrivals.nextMs <= nowMs) {
      const sent = this.#arrivals.take();
      this.arrivedBytes += TCP_PAYLOAD_BYTES;
      if (!this.#link.loses()) this.#acknowledgements.push(nowMs + this.#baseRttMs / 2, sent);
    } else if (this.#acknowledgements.nextMs <= nowMs) {
      this.#onAcknowledged(nowMs, this.#acknowledgements.take());
    } else this.#onTimeout(nowMs);
    while (this.#inFlight.size < Math.floor(this.#window)) this.#send(nowMs);
  }

  #timeoutMs(): number {
    return this.#aliveMs + Math.max(TIMEOUT_MS_MIN, 2 * this.#smoothedRttMs);
  }

  #send(nowMs: number): void {
    const sent = { number: this.#nextNumber++, sentMs: nowMs };
    this.#inFlight.set(sent.number, sent);
    const crossedMs = this.#link.cross(nowMs, TCP_WIRE_BYTES);
    if (crossedMs !== undefined) this.#arrivals.push(crossedMs + this.#baseRttMs / 2, sent);
  }

  #onAcknowledged(nowMs: number, { number, sentMs }: Sent): void {
    this.#aliveMs = nowMs;
    const rttMs = nowMs - sentMs;
    this.#smoothedRttMs += (rttMs - this.#smoothedRttMs) / (this.#smoothedRttMs === 0 ? 1 : 8);
    if (!this.#inFlight.delete(number)) return;
    const wasLimited = this.#inFlight.size + 2 > this.#window;
    for (const earlier of this.#inFlight.keys()) {
      if (earlier + DUPLICATES_THAT_PROVE_LOSS > number) break;
      this.#inFlight.delete(earlier);
      this.#onLost(earlier);
    }
    const isRecovering = number <= this.#recoveryNumber;
    if (wasLimited && !isRecovering) this.#grow(nowMs);
  }

  #onLost(number: number): void {
    if (number <= this.#recoveryNumber) return;
    this.#recoveryNumber = this.#nextNumber - 1;
    this.#decrease();
    this.#window = this.#threshold;
  }

  #onTimeout(nowMs: number): void {
    this.#aliveMs = nowMs;
    this.#inFlight.clear();
    this.#recoveryNumber = this.#nextNumber - 1;
    this.#decrease();
    this.#window = 1;
  }

  #decrease(): void {
    // Who comes back to less than before leaves room to others (section 4.7).
    const isShrinking = this.#window < this.#windowMax;
    this.#windowMax = isShrinking ? this.#window * (1 + BETA) / 2 : this.#window;
    this.#threshold = Math.max(2, this.#window * BETA);
    this.#epochStartMs = undefined;
  }

  #grow(nowMs: number): void {
    if (this.#window < this.#threshold) {
      this.#window += 1;
      return;
    }
    if (this.#epochStartMs === undefined) {
      this.#epochStartMs = nowMs;
      this.#windowMax = Math.max(this.#windowMax, this.#window);
      this.#epochK = Math.cbrt((this.#windowMax - this.#window) / CUBIC_C);
      this.#friendlyWindow = this.#window;
    }
    const aheadS = (nowMs - this.#epochStartMs + this.#smoothedRttMs) / 1_000;
    const cubic = CUBIC_C * (aheadS - this.#epochK) ** 3 + this.#windowMax;
    const target = Math.min(Math.max(cubic, this.#window), 1.5 * this.#window);
    const alpha = this.#friendlyWindow < this.#windowMax ? FRIENDLY_ALPHA : 1;
    this.#friendlyWindow += alpha / this.#window;
    this.#window += (target - this.#window) / this.#window;
    this.#window = Math.max(this.#window, this.#friendlyWindow);
  }
}
