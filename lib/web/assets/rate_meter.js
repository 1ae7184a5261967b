/** How fast something goes on, over the last seconds: steady enough to be read, quick enough to be true. */

/** Weight of the past falls to a third in this time. */
const MEMORY_MS = 3_000;
const SAMPLE_MS_MIN = 200;

export class RateMeter {
  #bytes = 0;
  #atMs = 0;
  #rate = 0;
  /** How much of the past there is: the first seconds are not thinned by nothing before them. */
  #weight = 0;

  /**
   * Begins, or begins again after a pause.
   * @param {number} nowMs
   * @param {number} bytes Done so far.
   */
  start(nowMs, bytes) {
    [this.#bytes, this.#atMs, this.#rate, this.#weight] = [bytes, nowMs, 0, 0];
  }

  /**
   * @param {number} nowMs
   * @param {number} bytes Done so far.
   */
  sample(nowMs, bytes) {
    const elapsedMs = nowMs - this.#atMs;
    if (elapsedMs < SAMPLE_MS_MIN) return;
    const kept = Math.exp(-elapsedMs / MEMORY_MS);
    const rate = (1_000 * Math.max(0, bytes - this.#bytes)) / elapsedMs;
    this.#rate = this.#rate * kept + rate * (1 - kept);
    this.#weight = this.#weight * kept + (1 - kept);
    [this.#bytes, this.#atMs] = [bytes, nowMs];
  }

  /** Bytes per second. */
  get rate() {
    return this.#weight === 0 ? 0 : this.#rate / this.#weight;
  }

  /**
   * Seconds for the rest at this pace; `undefined` while nothing moves.
   * @param {number} bytesLeft
   */
  secondsFor(bytesLeft) {
    return this.rate > 0 ? bytesLeft / this.rate : undefined;
  }
}
