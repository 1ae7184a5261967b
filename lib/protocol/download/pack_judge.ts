/**
 * Whether packing pays: judged by what it brings. What a flow brought before packs were asked for is what it has to beat, on
 * whatever sets the pace: where that is a processor, packing would only be more work for it. Where it does not pay it rests,
 * and is tried again.
 */
import {
  PACK_BASELINE_COUNT_MIN,
  PACK_BASELINE_MS,
  PACK_GAIN_MIN,
  PACK_JUDGE_COUNT_MIN,
  PACK_JUDGE_MS,
  PACK_RATE_BYTES_PER_S_MAX,
  PACK_REST_DOUBLINGS_MAX,
  PACK_REST_MS,
  PACK_SETTLE_MS,
} from "./limits.ts";

export class PackJudge {
  /** What is brought is counted from then on. */
  #sinceMs: number | undefined;
  #bytes = 0;
  /** How often something was. */
  #count = 0;
  #isPacking = false;
  /** What was brought without packs, in bytes per millisecond. */
  #baseline = 0;
  #restsUntilMs = -Infinity;
  /** How often in a row it did not pay. */
  #failures = 0;

  /** Whether all that packs is to come packed. */
  get isPacking(): boolean {
    return this.#isPacking;
  }

  /**
   * From now on it is; says `false` while it is not known what the flow brings without that, or if that is more than packing
   * can bring.
   */
  begin(nowMs: number): boolean {
    if (this.#isPacking) return true;
    if (!this.#isMeasured(nowMs, PACK_BASELINE_MS, PACK_BASELINE_COUNT_MIN)) return false;
    this.#baseline = this.#bytesPerMs(nowMs);
    if (this.#baseline >= PACK_RATE_BYTES_PER_S_MAX / 1_000) {
      this.#start(nowMs);
      return false;
    }
    this.#isPacking = true;
    this.#start(nowMs + PACK_SETTLE_MS);
    return true;
  }

  isResting(nowMs: number): boolean {
    return nowMs < this.#restsUntilMs;
  }

  /** There is nothing to do for a while: no time that passes counts. */
  pause(): void {
    this.#sinceMs = undefined;
  }

  /** A chunk has come, or the chunks of a pack. */
  onBrought(nowMs: number, plainBytes: number, isPacked: boolean): void {
    // Of what was asked for before.
    if (isPacked && this.isResting(nowMs)) return this.#start(nowMs);
    if (this.#sinceMs === undefined) return this.#start(nowMs);
    if (nowMs < this.#sinceMs) return;
    this.#bytes += plainBytes;
    this.#count += 1;
    const isMeasured = this.#isMeasured(nowMs, PACK_JUDGE_MS, PACK_JUDGE_COUNT_MIN);
    if (!this.#isPacking || !isMeasured) return;
    const isWorthIt = this.#bytesPerMs(nowMs) >= PACK_GAIN_MIN * this.#baseline;
    this.#start(nowMs);
    if (isWorthIt) {
      this.#failures = 0;
      return;
    }
    this.#isPacking = false;
    this.#restsUntilMs = nowMs + PACK_REST_MS * 2 ** this.#failures;
    this.#failures = Math.min(this.#failures + 1, PACK_REST_DOUBLINGS_MAX);
  }

  #start(atMs: number): void {
    this.#sinceMs = atMs;
    this.#bytes = 0;
    this.#count = 0;
  }

  #isMeasured(nowMs: number, forMs: number, countMin: number): boolean {
    return nowMs - (this.#sinceMs ?? nowMs) >= forMs && this.#count >= countMin;
  }

  #bytesPerMs(nowMs: number): number {
    return this.#bytes / (nowMs - this.#sinceMs!);
  }
}
