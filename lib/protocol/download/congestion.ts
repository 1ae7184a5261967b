/**
 * How much may be in flight of one flow (docs/PROTOCOL.md, "Window"). The receiver sends the
 * requests, so it paces: the window is a multiple of what one round trip delivers without a queue.
 *
 * - The delivery rate is measured per request: the bytes that arrived between its sending and its
 *   completion, divided by that time. The largest of the last rounds counts. Random loss makes a sample
 *   smaller, but not the window.
 * - The base round trip is the smallest since the last RTT probe. A probe (BBR's ProbeRTT) is a moment with
 *   a smaller window, in which our own queue empties and the path can be measured without it. All flows
 *   probe when the wall clock passes a multiple of the interval, so that no flow measures the queues of
 *   the others; only flows that never probe count as part of the path.
 * - Until a queue shows or the rate stops growing, a flow is in startup: its window grows faster.
 */
import { BURST_BYTES, REQUEST_BYTES_MAX } from "../../wire/limits.ts";
import { TAIL_TIMER_MS_INITIAL, TAIL_TIMER_MS_MAX } from "../base/limits.ts";
import { Reordering } from "./reordering.ts";
import {
  BASE_RTT_GROWTH_MAX,
  INITIAL_REQUEST_SEGMENTS,
  PROBE_RTT_INTERVAL_MS,
  PROBE_RTT_INTERVAL_RTTS,
  PROBE_RTT_MS_MIN,
  RATE_LIFETIME_MS_MIN,
  RATE_LIFETIME_RTTS,
  REQUEST_MS,
  REQUEST_MS_MAX,
  REQUEST_SEGMENTS_FLOOR,
  REQUEST_SEGMENTS_MIN,
  REQUEST_SEGMENTS_MIN_LAYERED,
  ROUNDING_STEP,
  RTT_FLOOR_MS,
  STARTUP_EXIT_ROUNDS,
  STARTUP_EXIT_RTT_RATIO,
  STARTUP_EXIT_RTTS,
  STARTUP_GROWTH,
  TAIL_TIMER_MS_MIN,
  WINDOW_GAIN,
  WINDOW_GAIN_PROBE_RTT,
  WINDOW_GAIN_STARTUP,
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
  #segmentBytes: number;
  readonly #clockOriginMs: number;
  readonly #reordering: Reordering;
  readonly #requestSegmentsMin: number;
  #deliveredBytes = 0;
  /** The fraction of a request at which the window is rounded next. */
  #rounding = 0.5;
  #smoothedRttMs = 0;
  #rttVarianceMs = 0;
  /** From the sending of requests to the arrival of their bytes, on average. */
  #byteRttMs = 0;
  /** 0 before the first round trip. */
  #baseRttMs = 0;

  /** The best sample of this period and of the one before. */
  #rate = 0;
  #previousRate = 0;
  #periodStartMs = 0;

  #isInStartup = true;
  /** The lateness for which startup was begun last. */
  #startedForMs = 0;
  /** The rate that has to be outgrown in startup, and the rounds in which it was not. */
  #rateToGrow = 0;
  #roundsWithoutGrowth = 0;
  #longRtts = 0;
  /** A request that is sent after as many bytes were delivered belongs to the next round. */
  #roundEndBytes = 0;

  /** On a path that changes the order the window grows by no more than arrives. */
  #grownBytes = 0;

  #isProbingRtt = false;
  /** The probe ends with the answer to a request that was sent from then on. */
  #probedFromMs = 0;
  #probedRttMs = Infinity;
  /** Of what was asked for between its start and then: how much came, and how long that took, added up. */
  #probeStartMs = 0;
  #hasProbed = false;
  #probedBytes = 0;
  #probedByteMs = 0;
  #probedJitterMs = 0;
  #nextProbeMs = 0;

  /**
   * @param rttMs a first idea of the round trip, from probing; 0 if there is none
   * @param clockOriginMs the wall clock when the clock of the calls stood at 0
   * @param reordering what the path is known to do to the order of what it carries
   * @param overheadBytes what the transport adds to a datagram
   */
  constructor(
    segmentBytes: number,
    rttMs: number,
    clockOriginMs: number,
    reordering = new Reordering(),
    overheadBytes = 0,
  ) {
    this.#segmentBytes = segmentBytes;
    this.#clockOriginMs = clockOriginMs;
    this.#reordering = reordering;
    this.#requestSegmentsMin = overheadBytes > 0
      ? REQUEST_SEGMENTS_MIN_LAYERED
      : REQUEST_SEGMENTS_MIN;
    if (rttMs > 0) {
      this.#smoothedRttMs = rttMs;
      this.#rttVarianceMs = rttMs / 2;
      this.#baseRttMs = rttMs;
    }
  }

  /** How long segments are asked to be from now on. */
  set segmentBytes(bytes: number) {
    this.#segmentBytes = bytes;
  }

  get rttMs(): number {
    return this.#smoothedRttMs;
  }

  /** Whether the rate may be far from what the path carries. */
  get isInStartup(): boolean {
    return this.#isInStartup;
  }

  /** Best recent delivery rate; 0 while unknown. */
  get rateBytesPerMs(): number {
    return Math.max(this.#rate, this.#previousRate);
  }

  /** Bytes that one request asks for. */
  get requestBytes(): number {
    const rate = this.rateBytesPerMs;
    if (rate === 0) {
      return Math.min(BURST_BYTES, INITIAL_REQUEST_SEGMENTS * this.#segmentBytes);
    }
    const fewBytes = Math.max(
      Math.min(this.#requestSegmentsMin * this.#segmentBytes, rate * REQUEST_MS_MAX),
      REQUEST_SEGMENTS_FLOOR * this.#segmentBytes,
    );
    const wanted = Math.max(rate * REQUEST_MS, fewBytes);
    if (wanted <= BURST_BYTES) return wanted;
    // Whole sends, few of them: where the rate is high, what a request costs counts.
    const bursts = Math.floor(rate * REQUEST_MS / 2 / BURST_BYTES);
    return Math.min(REQUEST_BYTES_MAX, Math.max(1, bursts) * BURST_BYTES);
  }

  /** Bytes that may be in flight. */
  windowBytes(nowMs: number): number {
    const rate = this.rateBytesPerMs;
    const productBytes = rate * (this.#countedRttMs + this.#jitterMs);
    if (this.#isProbingRtt || this.#isProbeDue(nowMs)) {
      const probeBytes = Math.max(WINDOW_GAIN_PROBE_RTT * productBytes, rate * RTT_FLOOR_MS);
      return Math.max(probeBytes, this.requestBytes);
    }
    const gain = this.#isInStartup ? WINDOW_GAIN_STARTUP : WINDOW_GAIN;
    // The root is what makes shares even: the smaller of two flows gets more of it for its size.
    const rootBytes = Math.sqrt(WINDOW_ROOT_BYTES * productBytes);
    return Math.max(gain * productBytes, rate * WINDOW_MS_MIN, 2 * this.requestBytes) + rootBytes;
  }

  /**
   * Whether one more request may leave. The window is rounded to whole requests, each time at another
   * fraction of one: on average it is met, so that it matters by how little one window is larger than
   * another, even if both are only a few requests.
   */
  hasRoom(nowMs: number, inFlightBytes: number): boolean {
    const windowBytes = this.windowBytes(nowMs);
    if (this.#reordering.windowMs === 0) this.#grownBytes = windowBytes;
    else {
      // A burst would queue, and what queues beside others looks late.
      this.#grownBytes = Math.min(Math.max(this.#grownBytes, 2 * this.requestBytes), windowBytes);
    }
    return inFlightBytes + this.#rounding * this.requestBytes <= this.#grownBytes;
  }

  /** How long nothing may arrive before what is in flight counts as lost. */
  get tailTimerMs(): number {
    if (this.#smoothedRttMs === 0) return TAIL_TIMER_MS_INITIAL;
    const timer = this.#smoothedRttMs + 4 * this.#rttVarianceMs + this.#reordering.windowMs;
    return Math.min(TAIL_TIMER_MS_MAX, Math.max(TAIL_TIMER_MS_MIN, timer));
  }

  /** Takes note that a request leaves now. */
  onSent(nowMs: number, isAppLimited: boolean): SendMark {
    this.#rounding = (this.#rounding + ROUNDING_STEP) % 1;
    if (this.#isProbingRtt && !this.#hasProbed) {
      this.#hasProbed = true;
      // Before, the queue went. What is asked from now on is answered without one.
      if (this.#reordering.windowMs > 0) this.#probedFromMs = nowMs + PROBE_RTT_MS_MIN;
    }
    return { sentMs: nowMs, deliveredBytes: this.#deliveredBytes, isAppLimited };
  }

  /** The path delivered bytes of a request. */
  onDelivered(nowMs: number, mark: SendMark, bytes: number): void {
    this.#deliveredBytes += bytes;
    this.#grownBytes += bytes;
    this.#byteRttMs += (nowMs - mark.sentMs - this.#byteRttMs) / (this.#byteRttMs === 0 ? 1 : 32);
    if (!this.#isProbingRtt) return;
    if (mark.sentMs < this.#probeStartMs || mark.sentMs >= this.#probedFromMs) return;
    this.#probedBytes += bytes;
    this.#probedByteMs += bytes * (nowMs - mark.sentMs);
  }

  /** The first segment of a request arrived. */
  onRtt(nowMs: number, mark: SendMark): void {
    const rttMs = Math.max(nowMs - mark.sentMs, 0.01);
    this.#smooth(rttMs);
    this.#startAgainWhereLate();
    if (this.#isProbingRtt) {
      this.#probedRttMs = Math.min(this.#probedRttMs, rttMs);
      // Where the order changes, the probe is also about what comes last of what was sent in its first part.
      const endMs = this.#probedFromMs + this.#reordering.windowMs;
      if (mark.sentMs >= this.#probedFromMs && nowMs >= endMs) this.#endProbe();
      return;
    }
    if (this.#baseRttMs === 0 || rttMs < this.#baseRttMs) this.#baseRttMs = rttMs;
    if (this.#isInStartup) {
      if (this.#showsQueue(rttMs)) this.#endStart(nowMs);
    } else if (this.#isProbeDue(nowMs)) this.#probeRtt(nowMs);
  }

  /** A request was answered in full: a rate sample ends. */
  onAnswered(nowMs: number, mark: SendMark): void {
    const elapsedMs = nowMs - mark.sentMs;
    if (elapsedMs <= 0) return;
    const rate = (this.#deliveredBytes - mark.deliveredBytes) / elapsedMs;
    if (mark.isAppLimited && rate <= this.rateBytesPerMs) return;
    if (this.#isProbingRtt) return;
    const lifetimeMs = Math.max(RATE_LIFETIME_MS_MIN, RATE_LIFETIME_RTTS * this.#smoothedRttMs);
    if (nowMs - this.#periodStartMs > lifetimeMs) {
      this.#previousRate = this.#rate;
      this.#rate = 0;
      this.#periodStartMs = nowMs;
    }
    this.#rate = Math.max(this.#rate, rate);
    if (this.#isInStartup && mark.deliveredBytes >= this.#roundEndBytes) this.#endRound(nowMs);
  }

  /** The base round trip; below the floor differences are not counted. */
  get #countedRttMs(): number {
    return Math.max(this.#baseRttMs, RTT_FLOOR_MS);
  }

  /** By how much bytes travel longer than the base round trip, on average, where each takes its own time. */
  get #jitterMs(): number {
    // No more than what is late proves: the rest is a queue.
    const jitterMs = this.#isInStartup ? this.#byteRttMs - this.#baseRttMs : this.#probedJitterMs;
    return Math.min(Math.max(0, jitterMs), this.#reordering.windowMs);
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

  // — Startup ——————————————————————————————————————————————————————————————————————————————————

  /**
   * A path on which much is late carries more than the base round trip told, and the few requests that
   * were in flight cannot tell how much: lateness is seen beside others.
   */
  #startAgainWhereLate(): void {
    const { windowMs } = this.#reordering;
    if (windowMs === 0) this.#startedForMs = 0;
    if (windowMs < Math.max(this.#countedRttMs / 2, 2 * this.#startedForMs)) return;
    this.#startedForMs = windowMs;
    this.#isInStartup = true;
    this.#isProbingRtt = false;
    this.#roundsWithoutGrowth = 0;
    this.#longRtts = 0;
  }

  /** One round trip shows a queue on a path that keeps the order, elsewhere several in a row that are all long. */
  #showsQueue(rttMs: number): boolean {
    const { windowMs } = this.#reordering;
    const isLong = rttMs > STARTUP_EXIT_RTT_RATIO * this.#countedRttMs + windowMs / 4;
    this.#longRtts = isLong ? this.#longRtts + 1 : 0;
    return this.#longRtts >= (windowMs === 0 ? 1 : STARTUP_EXIT_RTTS);
  }

  #endRound(nowMs: number): void {
    this.#roundEndBytes = this.#deliveredBytes;
    if (this.#rate > STARTUP_GROWTH * this.#rateToGrow) {
      this.#rateToGrow = this.#rate;
      this.#roundsWithoutGrowth = 0;
    } else if (++this.#roundsWithoutGrowth === STARTUP_EXIT_ROUNDS) this.#endStart(nowMs);
  }

  /** The queue that the start made goes at once, and with it what it hid. */
  #endStart(nowMs: number): void {
    this.#probedJitterMs = this.#jitterMs;
    this.#isInStartup = false;
    this.#probeRtt(nowMs);
  }

  // — Probe RTT ——————————————————————————————————————————————————————————————————————————————————

  #isProbeDue(nowMs: number): boolean {
    return !this.#isInStartup && nowMs >= this.#nextProbeMs;
  }

  #probeRtt(nowMs: number): void {
    this.#isProbingRtt = true;
    this.#probedRttMs = Infinity;
    this.#probedBytes = 0;
    this.#probedByteMs = 0;
    this.#probeStartMs = nowMs;
    this.#hasProbed = false;
    this.#probedFromMs = nowMs + Math.max(this.#baseRttMs, PROBE_RTT_MS_MIN);
    const wallMs = this.#clockOriginMs + nowMs;
    const intervalMs = this.#probeIntervalMs;
    this.#nextProbeMs = nowMs + intervalMs - wallMs % intervalMs;
  }

  /** Those of flows with other round trips are multiples or parts of it, so that they still meet. */
  get #probeIntervalMs(): number {
    let intervalMs = PROBE_RTT_INTERVAL_MS;
    while (intervalMs < PROBE_RTT_INTERVAL_RTTS * this.#baseRttMs) intervalMs *= 2;
    return intervalMs;
  }

  #endProbe(): void {
    this.#isProbingRtt = false;
    // What looks like a longer path may be others who did not probe this time.
    this.#baseRttMs = Math.min(this.#probedRttMs, BASE_RTT_GROWTH_MAX * this.#countedRttMs);
    // Where nothing could be asked for, what was in flight was too much.
    this.#probedJitterMs = this.#probedBytes === 0
      ? this.#probedJitterMs / 2
      : Math.max(0, this.#probedByteMs / this.#probedBytes - this.#baseRttMs);
  }
}
