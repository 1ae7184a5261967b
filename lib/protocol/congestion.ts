/**
 * How much may be in flight of one flow (docs/PROTOCOL.md, "Window"). The receiver asks, so it is the
 * receiver that paces: the window is a multiple of what one round trip delivers when no queue stands.
 *
 * - The delivery rate is measured a request at a time: bytes that arrived between its sending and its
 *   end, over that time. The largest of the last rounds counts. Random loss takes bytes from a sample
 *   but not the window from the flow.
 * - The base round trip is the smallest of the last ten seconds. When it has not been seen again for
 *   so long, the window shrinks for one round, so that a queue of our own making drains and shows it.
 */
import {
  MTU_BYTES_MIN,
  QUANTUM_BYTES_MAX,
  QUANTUM_MS,
  RTT_FLOOR_MS,
  TAIL_TIMER_MS_INITIAL,
  TAIL_TIMER_MS_MAX,
  TAIL_TIMER_MS_MIN,
  WINDOW_GAIN,
} from "../limits.ts";

/** Segments of the first quantum, before any rate is known. */
const INITIAL_QUANTUM_SEGMENTS = 10;
/** A quantum is never fewer segments, so that the loss of one is found by the others. */
const QUANTUM_SEGMENTS_MIN = 4;
const BASE_RTT_LIFETIME_MS = 10_000;
/** Rounds for which a rate sample counts, and the shortest time that this may be. */
const RATE_LIFETIME_RTTS = 10;
const RATE_LIFETIME_MS_MIN = 50;
/** Share of the bandwidth-delay product that is in flight while the base round trip is looked for. */
const DRAIN_GAIN = 0.5;

/** What was known when a request was sent: the other end of a rate sample. */
export interface SendMark {
  readonly sentMs: number;
  readonly deliveredBytes: number;
  /** Whether more was there to be asked for: otherwise the sample says little about the path. */
  readonly isAppLimited: boolean;
}

export class Congestion {
  readonly #segmentBytes: number;
  #deliveredBytes = 0;
  #smoothedRttMs = 0;
  #rttVarianceMs = 0;
  #baseRttMs = Infinity;
  #baseRttAtMs = 0;
  #drainUntilMs = 0;
  /** The best sample of this period and of the one before. */
  #rate = 0;
  #previousRate = 0;
  #periodStartMs = 0;

  /** @param rttMs a first idea of the round trip, from probing; 0 if there is none */
  constructor(segmentBytes: number, rttMs: number) {
    this.#segmentBytes = Math.max(segmentBytes, MTU_BYTES_MIN);
    if (rttMs > 0) {
      this.#smoothedRttMs = rttMs;
      this.#rttVarianceMs = rttMs / 2;
    }
  }

  get rttMs(): number {
    return this.#smoothedRttMs;
  }

  /** Best recent delivery rate; 0 while unknown. */
  get rateBytesPerMs(): number {
    return Math.max(this.#rate, this.#previousRate);
  }

  /** Bytes that one request asks for. */
  get quantumBytes(): number {
    const rate = this.rateBytesPerMs;
    if (rate === 0) {
      return Math.min(QUANTUM_BYTES_MAX, INITIAL_QUANTUM_SEGMENTS * this.#segmentBytes);
    }
    const wanted = Math.max(rate * QUANTUM_MS, QUANTUM_SEGMENTS_MIN * this.#segmentBytes);
    return Math.min(QUANTUM_BYTES_MAX, wanted);
  }

  /** Bytes that may be in flight. */
  windowBytes(nowMs: number): number {
    const productBytes = this.rateBytesPerMs * Math.max(this.#baseRtt(), RTT_FLOOR_MS);
    const gain = nowMs < this.#drainUntilMs ? DRAIN_GAIN : WINDOW_GAIN;
    return Math.max(gain * productBytes, 2 * this.quantumBytes);
  }

  /**
   * Whether one more quantum may leave. The window is rounded to whole quanta, not cut down to them:
   * otherwise few large quanta would keep the measured rate, and so the window, from growing.
   */
  hasRoom(nowMs: number, inFlightBytes: number): boolean {
    return inFlightBytes + this.quantumBytes / 2 <= this.windowBytes(nowMs);
  }

  /** How long nothing may arrive before what is in flight counts as lost. */
  get tailTimerMs(): number {
    if (this.#smoothedRttMs === 0) return TAIL_TIMER_MS_INITIAL;
    const timer = this.#smoothedRttMs + 4 * this.#rttVarianceMs;
    return Math.min(TAIL_TIMER_MS_MAX, Math.max(TAIL_TIMER_MS_MIN, timer));
  }

  /** Takes note that a request leaves now. */
  onSent(nowMs: number, isAppLimited: boolean): SendMark {
    return { sentMs: nowMs, deliveredBytes: this.#deliveredBytes, isAppLimited };
  }

  /** New payload bytes arrived. */
  onDelivered(bytes: number): void {
    this.#deliveredBytes += bytes;
  }

  /** The first segment of a request arrived. */
  onRtt(nowMs: number, mark: SendMark): void {
    const rttMs = Math.max(nowMs - mark.sentMs, 0.01);
    if (this.#smoothedRttMs === 0) {
      this.#smoothedRttMs = rttMs;
      this.#rttVarianceMs = rttMs / 2;
    } else {
      const error = Math.abs(this.#smoothedRttMs - rttMs);
      this.#rttVarianceMs += (error - this.#rttVarianceMs) / 4;
      this.#smoothedRttMs += (rttMs - this.#smoothedRttMs) / 8;
    }
    if (rttMs <= this.#baseRttMs) {
      this.#baseRttMs = rttMs;
      this.#baseRttAtMs = nowMs;
    } else if (nowMs - this.#baseRttAtMs > BASE_RTT_LIFETIME_MS) {
      // Forget it, and make room for the queue to drain and show it again.
      this.#baseRttMs = rttMs;
      this.#baseRttAtMs = nowMs;
      this.#drainUntilMs = nowMs + 2 * this.#smoothedRttMs;
    }
  }

  /** A request was answered in full: a rate sample ends. */
  onAnswered(nowMs: number, mark: SendMark): void {
    const elapsedMs = nowMs - mark.sentMs;
    if (elapsedMs <= 0) return;
    const rate = (this.#deliveredBytes - mark.deliveredBytes) / elapsedMs;
    if (mark.isAppLimited && rate <= this.rateBytesPerMs) return;
    if (nowMs < this.#drainUntilMs) return;
    const lifetimeMs = Math.max(RATE_LIFETIME_MS_MIN, RATE_LIFETIME_RTTS * this.#smoothedRttMs);
    if (nowMs - this.#periodStartMs > lifetimeMs) {
      this.#previousRate = this.#rate;
      this.#rate = 0;
      this.#periodStartMs = nowMs;
    }
    this.#rate = Math.max(this.#rate, rate);
  }

  #baseRtt(): number {
    return this.#baseRttMs === Infinity ? this.#smoothedRttMs : this.#baseRttMs;
  }
}
