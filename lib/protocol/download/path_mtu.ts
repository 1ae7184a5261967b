/**
 * How long the segments of a flow may be (docs/PROTOCOL.md, "Datagram size"; after RFC 8899, but from the
 * receiving end, which says in each request how long the segments shall be). A size is known to pass when a
 * segment of that size arrives, and to vanish when none has while requests for it were lost. Longer ones are
 * tried with one request at a time, so that what is lost by that is a probe and no data that others wait for.
 */
import {
  MTU_BYTES_DEFAULT,
  MTU_BYTES_MAX,
  MTU_BYTES_MIN,
  MTU_BYTES_STEPS,
} from "../../wire/limits.ts";
import {
  MTU_LOSSES_MAX,
  MTU_RAISE_MS_MAX,
  MTU_RAISE_MS_MIN,
  MTU_SILENT_MS_MIN,
  MTU_TIMEOUTS_MAX,
} from "./limits.ts";

/**
 * The longest datagram that is tried where nobody says: what the route takes, where that is known to be more than the usual
 * one.
 *
 * @param routeBytes what the route takes, if that is known
 */
export function longestTriedBytes(routeBytes = 0): number {
  return routeBytes > MTU_BYTES_DEFAULT ? Math.min(routeBytes, MTU_BYTES_MAX) : MTU_BYTES_DEFAULT;
}

export class PathMtu {
  /** Lengths of segments, the shortest first. */
  readonly #steps: readonly number[];
  /** The first that was asked for. */
  readonly #firstStep: number;
  #step: number;
  /** Timers and requests that were lost since a segment of the present length last came. */
  #timeouts = 0;
  #losses = 0;
  /** When that was, or when shorter ones were asked for instead. */
  #fullMs: number;
  /** Whether it was shortened since then. */
  #hasFallen = false;
  /** What had passed before they vanished: tried no sooner than then … */
  #vanishedStep = Infinity;
  #retryMs = Infinity;
  /** … and anything longer than the present length no sooner than: */
  #raiseMs = Infinity;
  #raiseIntervalMs = MTU_RAISE_MS_MIN;
  #raisedMs = -Infinity;
  /** Whether a request for longer segments is on its way. */
  #isProbing = false;

  /**
   * @param mtuBytes the longest datagram that is ever asked for; the first is no longer than the default
   * @param overheadBytes what the transport adds to a segment
   */
  constructor(nowMs: number, mtuBytes: number, overheadBytes: number) {
    this.#fullMs = nowMs;
    const shorter = MTU_BYTES_STEPS.filter((bytes) => bytes < mtuBytes);
    this.#steps = [...shorter, Math.max(mtuBytes, MTU_BYTES_MIN)]
      .map((bytes) => bytes - overheadBytes);
    const firstBytes = Math.min(mtuBytes, MTU_BYTES_DEFAULT) - overheadBytes;
    this.#firstStep = Math.max(0, this.#steps.findLastIndex((bytes) => bytes <= firstBytes));
    this.#step = this.#firstStep;
    if (this.#step + 1 < this.#steps.length) this.#raiseMs = nowMs;
  }

  /** How long segments are asked to be. */
  get segmentBytes(): number {
    return this.#steps[this.#step]!;
  }

  /** Whether that is less than it was at first. */
  get isShortened(): boolean {
    return this.#step < this.#firstStep;
  }

  /** Whether none has come that was as long as was asked for since that was shortened. */
  get isUnproved(): boolean {
    return this.#hasFallen;
  }

  /** What may be tried now, with one request; `undefined` if nothing. */
  probeBytes(nowMs: number): number | undefined {
    return nowMs < this.#raiseMs ? undefined : this.#steps[this.#step + 1];
  }

  /** A request for those leaves. */
  onProbe(nowMs: number): void {
    this.#isProbing = true;
    // Unless its end is known before.
    this.#raiseMs = nowMs + MTU_RAISE_MS_MAX;
  }

  /** A segment came that is as long as was asked for. */
  onFull(nowMs: number, segmentBytes: number): void {
    if (segmentBytes < this.segmentBytes) return;
    this.#timeouts = 0;
    this.#losses = 0;
    this.#fullMs = nowMs;
    const isFirst = this.#hasFallen;
    this.#hasFallen = false;
    if (segmentBytes > this.segmentBytes) {
      this.#isProbing = false;
      this.#step = this.#steps.indexOf(segmentBytes);
      this.#raisedMs = nowMs;
    } else if (!isFirst) return;
    // What lies between a length that passes and the one that vanished is tried at once.
    if (this.#step + 1 >= this.#steps.length) this.#raiseMs = Infinity;
    else if (this.#step + 1 === this.#vanishedStep) this.#raiseMs = Math.max(nowMs, this.#retryMs);
    else this.#raiseMs = nowMs;
  }

  /** Nothing has come for as long as anything should take. */
  onTimeout(nowMs: number): void {
    this.#onProbeLost(nowMs);
    if (++this.#timeouts < MTU_TIMEOUTS_MAX || nowMs - this.#fullMs < MTU_SILENT_MS_MIN) return;
    this.#fallBack(nowMs);
  }

  /**
   * Requests for segments of these lengths are each found to lack a whole one. However many they are, that is one
   * finding: a gap in what arrives takes many at once.
   */
  onLost(nowMs: number, segmentBytes: readonly number[]): void {
    const presentBytes = this.segmentBytes;
    if (segmentBytes.some((bytes) => bytes > presentBytes)) this.#onProbeLost(nowMs);
    if (segmentBytes.includes(presentBytes) && ++this.#losses >= MTU_LOSSES_MAX) {
      this.#fallBack(nowMs);
    }
  }

  #onProbeLost(nowMs: number): void {
    if (!this.#isProbing) return;
    this.#isProbing = false;
    this.#raiseIntervalMs = Math.min(2 * this.#raiseIntervalMs, MTU_RAISE_MS_MAX);
    this.#raiseMs = nowMs + this.#raiseIntervalMs;
  }

  #fallBack(nowMs: number): void {
    this.#timeouts = 0;
    this.#losses = 0;
    this.#isProbing = false;
    this.#fullMs = nowMs;
    if (this.#step === 0) return;
    // What passes there at all is found first, and the longest that does afterwards.
    this.#vanishedStep = this.#step;
    this.#step = 0;
    this.#hasFallen = true;
    // It may have been a silence: then the longer ones pass soon again. What passed a probe and vanished is tried rarely.
    const isUnsteady = nowMs - this.#raisedMs < MTU_RAISE_MS_MAX;
    this.#raiseIntervalMs = isUnsteady
      ? Math.min(2 * this.#raiseIntervalMs, MTU_RAISE_MS_MAX)
      : MTU_RAISE_MS_MIN;
    this.#retryMs = nowMs + this.#raiseIntervalMs;
    this.#raiseMs = this.#retryMs;
  }
}
