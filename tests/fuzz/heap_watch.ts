/** Whether memory grows with what is sent: the least that is in use early in a run, and late. */
import { assert } from "@std/assert";

const MIB = 1024 * 1024;
const GROWTH_BYTES_MAX = 24 * MIB;
/** What comes before is warming up: caches fill to their bounds. */
const EARLY = [0.2, 0.5] as const;
const LATE = [0.7, 1] as const;

export class HeapWatch {
  earlyBytes = Infinity;
  lateBytes = Infinity;

  /** @param share of the run that is over */
  look(share: number): void {
    const { heapUsed } = Deno.memoryUsage();
    if (share >= EARLY[0] && share < EARLY[1]) {
      this.earlyBytes = Math.min(this.earlyBytes, heapUsed);
    }
    if (share >= LATE[0] && share <= LATE[1]) this.lateBytes = Math.min(this.lateBytes, heapUsed);
  }

  toString(): string {
    const mib = (bytes: number): string => (bytes / MIB).toFixed(1);
    return `heap ${mib(this.earlyBytes)} → ${mib(this.lateBytes)} MiB`;
  }
}

/** A run that was too short to look at counts as bounded. */
export function assertBounded(watch: HeapWatch): void {
  const { earlyBytes, lateBytes } = watch;
  if (earlyBytes === Infinity || lateBytes === Infinity) return;
  assert(lateBytes - earlyBytes <= GROWTH_BYTES_MAX, `it grows: ${watch}`);
}
