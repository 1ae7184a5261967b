/** Recently modified files: each is passed on once it should have settled. */
import { SETTLE_GRAIN_MS, SETTLE_MS } from "./limits.ts";
import type { FileSignature, SafeFileName } from "../../ids.ts";
import type { Clock, Wakeup } from "../../io/system/clock.ts";

export class Settling {
  readonly #clock: Clock;
  readonly #onDue: (name: SafeFileName) => void;
  readonly #dueMs = new Map<SafeFileName, number>();
  readonly #timer: Wakeup;
  #nextMs = Infinity;

  constructor(clock: Clock, onDue: (name: SafeFileName) => void) {
    this.#clock = clock;
    this.#timer = clock.timer(() => this.#wake());
    this.#onDue = onDue;
  }

  /** Hands `name` over in `waitMs`, instead of whenever was said before. */
  add(name: SafeFileName, waitMs: number): void {
    const dueMs = this.#clock.nowMs() + waitMs;
    this.#dueMs.set(name, dueMs);
    this.#wakeAt(Math.min(this.#nextMs, dueMs));
  }

  has(name: SafeFileName): boolean {
    return this.#dueMs.has(name);
  }

  delete(name: SafeFileName): void {
    this.#dueMs.delete(name);
  }

  close(): void {
    this.#dueMs.clear();
    this.#timer.clear();
  }

  #wake(): void {
    const now = this.#clock.nowMs();
    const due = [...this.#dueMs].filter(([, dueMs]) => dueMs <= now).map(([name]) => name);
    for (const name of due) this.#dueMs.delete(name);
    this.#wakeAt([...this.#dueMs.values()].reduce((a, b) => Math.min(a, b), Infinity));
    for (const name of due) this.#onDue(name);
  }

  #wakeAt(ms: number): void {
    this.#nextMs = ms;
    this.#timer.set(Math.max(ms, this.#clock.nowMs() + SETTLE_GRAIN_MS));
  }
}

/**
 * How long a file that is new to us is still to be left alone. One that changes before our eyes is
 * left alone for the whole time, whatever it says: while a file is cut off, its size is seen to
 * change before its time does.
 */
export function settlingMs(clock: Clock, { mtimeMs }: FileSignature): number {
  const nowMs = clock.originMs() + clock.nowMs();
  // A time to come, by somebody else's clock, counts as now.
  return Math.min(mtimeMs, nowMs) + SETTLE_MS - nowMs;
}
