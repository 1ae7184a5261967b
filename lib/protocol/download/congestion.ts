/**
 * How much may be in flight of one flow (docs/PROTOCOL.md, "Window"). The receiver asks, so it is the
 * receiver that paces: the window is a multiple of what one round trip delivers when no queue stands.
 *
 * - The delivery rate is measured a request at a time: bytes that arrived between its sending and its
 *   end, over that time. The largest of the last rounds counts. Random loss takes bytes from a sample
 *   but not the window from the flow.
 * - The base round trip is the smallest that was seen since the last drain. A drain is a moment of a
 *   smaller window, in which a queue of our own making goes and the path shows what it is without it.
 *   All flows drain when the wall clock passes a multiple of the interval: what each of them measures
 *   is then free of the others' queues, too, and only those who never drain count as part of the path.
 * - Until a queue shows or the rate stops growing, a flow is starting: its window grows faster.
 */
import { BURST_BYTES, MTU_BYTES_MIN, QUANTUM_BYTES_MAX } from "../../wire/limits.ts";
import { TAIL_TIMER_MS_INITIAL, TAIL_TIMER_MS_MAX } from "../base/limits.ts";
import {
  BASE_RTT_GROWTH_MAX,
  DRAIN_INTERVAL_MS,
  DRAIN_MS_MIN,
  INITIAL_QUANTUM_SEGMENTS,
  QUANTUM_MS,
  QUANTUM_SEGMENTS_MIN,
  RATE_LIFETIME_MS_MIN,
  RATE_LIFETIME_RTTS,
  ROUNDING_STEP,
  RTT_FLOOR_MS,
  STARTUP_EXIT_ROUNDS,
  STARTUP_EXIT_RTT_RATIO,
  STARTUP_GROWTH,
  TAIL_TIMER_MS_MIN,
  WINDOW_GAIN,
  WINDOW_GAIN_DRAINING,
  WINDOW_GAIN_STARTING,
  WINDOW_MS_MIN,
  WINDOW_ROOT_BYTES,
} from "./limits.ts";

/** What was known when a request was sent: the other end of a rate sample. */
export interface SendMark {
  readonly sentMs: number;
  readonly deliveredBytes: number;
  /** Whether more was there to be asked for: otherwise the sample says little about the path. */
  readonly isAppLimited: boolean;
}

export class Congestion {
  readonly #segmentBytes: number;
  readonly #clockOriginMs: number;
  #deliveredBytes = 0;
  /** The fraction of a quantum at which the window is rounded next. */
  #rounding = 0.5;
  #smoothedRttMs = 0;
  #rttVarianceMs = 0;
  /** 0 before the first round trip. */
  #baseRttMs = 0;

  /** The best sample of this period and of the one before. */
  #rate = 0;
  #previousRate = 0;
  #periodStartMs = 0;

  #isStarting = true;
  /** The rate that has to be outgrown while starting, and the rounds in which it was not. */
  #rateToGrow = 0;
  #roundsWithoutGrowth = 0;
  /** A request that is sent after as many bytes were delivered belongs to the next round. */
  #roundEndBytes = 0;

  #isDraining = false;
  /** The drain ends with the answer to a request that was sent from then on. */
  #drainedFromMs = 0;
  #drainedRttMs = Infinity;
  #nextDrainMs = 0;

  /**
   * @param rttMs a first idea of the round trip, from probing; 0 if there is none
   * @param clockOriginMs the wall clock when the clock of the calls stood at 0
   */
  constructor(segmentBytes: number, rttMs: number, clockOriginMs: number) {
    this.#segmentBytes = Math.max(segmentBytes, MTU_BYTES_MIN);
    this.#clockOriginMs = clockOriginMs;
    if (rttMs > 0) {
      this.#smoothedRttMs = rttMs;
      this.#rttVarianceMs = rttMs / 2;
      this.#baseRttMs = rttMs;
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
      return Math.min(BURST_BYTES, INITIAL_QUANTUM_SEGMENTS * this.#segmentBytes);
    }
    const wanted = Math.max(rate * QUANTUM_MS, QUANTUM_SEGMENTS_MIN * this.#segmentBytes);
    if (wanted <= BURST_BYTES) return wanted;
    // Whole sends, few of them: where the rate is high, what a request costs counts.
    const bursts = Math.floor(rate * QUANTUM_MS / 2 / BURST_BYTES);
    return Math.min(QUANTUM_BYTES_MAX, Math.max(1, bursts) * BURST_BYTES);
  }

  /** Bytes that may be in flight. */
  windowBytes(nowMs: number): number {
    const rate = this.rateBytesPerMs;
    const productBytes = rate * this.#countedRttMs;
    if (this.#isDraining || this.#isDrainDue(nowMs)) {
      const drainedBytes = Math.max(WINDOW_GAIN_DRAINING * productBytes, rate * RTT_FLOOR_MS);
      return Math.max(drainedBytes, this.quantumBytes);
    }
    const gain = this.#isStarting ? WINDOW_GAIN_STARTING : WINDOW_GAIN;
    // The root is what makes shares even: the smaller of two flows gets more of it for its size.
    const rootBytes = Math.sqrt(WINDOW_ROOT_BYTES * productBytes);
    return Math.max(gain * productBytes, rate * WINDOW_MS_MIN, 2 * this.quantumBytes) + rootBytes;
  }

  /**
   * Whether one more quantum may leave. The window is rounded to whole quanta, each time at another
   * fraction of one: on average it is met, so that it matters by how little one window is larger than
   * another, even where both are few quanta.
   */
  hasRoom(nowMs: number, inFlightBytes: number): boolean {
    return inFlightBytes + this.#rounding * this.quantumBytes <= this.windowBytes(nowMs);
  }

  /** How long nothing may arrive before what is in flight counts as lost. */
  get tailTimerMs(): number {
    if (this.#smoothedRttMs === 0) return TAIL_TIMER_MS_INITIAL;
    const timer = this.#smoothedRttMs + 4 * this.#rttVarianceMs;
    return Math.min(TAIL_TIMER_MS_MAX, Math.max(TAIL_TIMER_MS_MIN, timer));
  }

  /** Takes note that a request leaves now. */
  onSent(nowMs: number, isAppLimited: boolean): SendMark {
    this.#rounding = (this.#rounding + ROUNDING_STEP) % 1;
    return { sentMs: nowMs, deliveredBytes: this.#deliveredBytes, isAppLimited };
  }

  /** New payload bytes arrived. */
  onDelivered(bytes: number): void {
    this.#deliveredBytes += bytes;
  }

  /** The first segment of a request arrived. */
  onRtt(nowMs: number, mark: SendMark): void {
    const rttMs = Math.max(nowMs - mark.sentMs, 0.01);
    this.#smooth(rttMs);
    if (this.#isDraining) {
      this.#drainedRttMs = Math.min(this.#drainedRttMs, rttMs);
      if (mark.sentMs >= this.#drainedFromMs) this.#endDrain();
      return;
    }
    if (this.#baseRttMs === 0 || rttMs < this.#baseRttMs) this.#baseRttMs = rttMs;
    if (this.#isStarting) {
      if (rttMs > STARTUP_EXIT_RTT_RATIO * this.#countedRttMs) this.#endStart(nowMs);
    } else if (this.#isDrainDue(nowMs)) this.#drain(nowMs);
  }

  /** A request was answered in full: a rate sample ends. */
  onAnswered(nowMs: number, mark: SendMark): void {
    const elapsedMs = nowMs - mark.sentMs;
    if (elapsedMs <= 0) return;
    const rate = (this.#deliveredBytes - mark.deliveredBytes) / elapsedMs;
    if (mark.isAppLimited && rate <= this.rateBytesPerMs) return;
    if (this.#isDraining) return;
    const lifetimeMs = Math.max(RATE_LIFETIME_MS_MIN, RATE_LIFETIME_RTTS * this.#smoothedRttMs);
    if (nowMs - this.#periodStartMs > lifetimeMs) {
      this.#previousRate = this.#rate;
      this.#rate = 0;
      this.#periodStartMs = nowMs;
    }
    this.#rate = Math.max(this.#rate, rate);
    if (this.#isStarting && mark.deliveredBytes >= this.#roundEndBytes) this.#endRound(nowMs);
  }

  /** The base round trip; below the floor differences are not counted. */
  get #countedRttMs(): number {
    return Math.max(this.#baseRttMs, RTT_FLOOR_MS);
  }

  #smooth(rttMs: number): void {
    if (this.#smoothedRttMs === 0) {
      this.#smoothedRttMs = rttMs;
      this.#rttVarianceMs = rttMs / 2;
      return;
    }
    const error = Math.abs(this.#smoothedRttMs - rttMs);
    this.#rttVarianceMs += (error - this.#rttVarianceMs) / 4;
    this.#smoothedRttMs += (rttMs - this.#smoothedRttMs) / 8;
  }

  // — Starting ——————————————————————————————————————————————————————————————————————————————————

  #endRound(nowMs: number): void {
    this.#roundEndBytes = this.#deliveredBytes;
    if (this.#rate > STARTUP_GROWTH * this.#rateToGrow) {
      this.#rateToGrow = this.#rate;
      this.#roundsWithoutGrowth = 0;
    } else if (++this.#roundsWithoutGrowth === STARTUP_EXIT_ROUNDS) this.#endStart(nowMs);
  }

  /** The queue that the start made goes at once, and with it what it hid. */
  #endStart(nowMs: number): void {
    this.#isStarting = false;
    this.#drain(nowMs);
  }

  // — Draining ——————————————————————————————————————————————————————————————————————————————————

  #isDrainDue(nowMs: number): boolean {
    return !this.#isStarting && nowMs >= this.#nextDrainMs;
  }

  #drain(nowMs: number): void {
    this.#isDraining = true;
    this.#drainedRttMs = Infinity;
    this.#drainedFromMs = nowMs + Math.max(this.#baseRttMs, DRAIN_MS_MIN);
    const wallMs = this.#clockOriginMs + nowMs;
    this.#nextDrainMs = nowMs + DRAIN_INTERVAL_MS - wallMs % DRAIN_INTERVAL_MS;
  }

  #endDrain(): void {
    this.#isDraining = false;
    // What looks like a longer path may be others who did not drain this time.
    this.#baseRttMs = Math.min(this.#drainedRttMs, BASE_RTT_GROWTH_MAX * this.#countedRttMs);
  }
}
