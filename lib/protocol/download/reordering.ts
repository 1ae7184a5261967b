/**
 * How much a path changes the order of datagrams (docs/PROTOCOL.md, "Loss"; the model is RACK, RFC 8985).
 * A segment is late when segments of a later request came before it, by the time since the first of them.
 * A path that is a row of queues has none that are. Where there are some, lateness tells how long to wait before
 * what is missing counts as lost, and by how much round trips differ that no queue makes longer.
 */
import {
  REORDER_LIFETIME_MS,
  REORDER_MS_MAX,
  REORDER_MS_MIN,
  REORDER_WINDOW_GAIN,
} from "./limits.ts";

export class Reordering {
  /** The largest lateness of this period and of the one before. */
  #lateMs = 0;
  #previousLateMs = 0;
  #periodStartMs = 0;
  /** Up to which lateness counts now, and when that may double. */
  #ceilingMs = 0;
  #widensMs = 0;

  /** How late something may be before it is lost; 0 on a path that has lately kept the order. */
  get windowMs(): number {
    return REORDER_WINDOW_GAIN * Math.max(this.#lateMs, this.#previousLateMs);
  }

  /**
   * Something was late, whether or not it had been given up. The window at most doubles in a round trip, so
   * that one datagram that went astray changes little.
   */
  onLate(nowMs: number, lateMs: number, rttMs: number): void {
    this.onTime(nowMs);
    if (nowMs >= this.#widensMs) {
      const known = Math.max(this.#lateMs, this.#previousLateMs);
      this.#ceilingMs = Math.min(Math.max(2 * known, rttMs / 2, REORDER_MS_MIN), REORDER_MS_MAX);
      this.#widensMs = nowMs + rttMs;
    }
    this.#lateMs = Math.max(this.#lateMs, Math.min(lateMs, this.#ceilingMs));
  }

  /** Time passes: a lateness counts for a period and the one after it. */
  onTime(nowMs: number): void {
    if (nowMs - this.#periodStartMs < REORDER_LIFETIME_MS) return;
    const isPrevious = nowMs - this.#periodStartMs < 2 * REORDER_LIFETIME_MS;
    this.#previousLateMs = isPrevious ? this.#lateMs : 0;
    this.#lateMs = 0;
    this.#periodStartMs = nowMs;
  }
}
