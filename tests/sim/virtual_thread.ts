/**
 * One thread of a simulated process: it does one thing after another, and what takes it long keeps
 * whatever comes meanwhile waiting. Its clock is the world's.
 */
import type { Clock } from "../../lib/io/system/clock.ts";
import { DiskCut } from "./memory_disk.ts";
import { Alarm, type VirtualClock } from "./virtual_clock.ts";

/** What everything else has the time for when a driver yields. */
const YIELD_MS = 0.05;

export interface ThreadOptions {
  readonly isMain: boolean;
  /** Whether the process is no more. */
  readonly isGone: () => boolean;
  /** Until when the process does nothing; a time that is past where it works. */
  readonly pausedUntilMs: () => number;
  /** It has done something. */
  readonly onTurn?: () => void;
}

export class VirtualThread {
  readonly clock: Clock;
  readonly #world: VirtualClock;
  readonly #options: ThreadOptions;
  readonly #waiting: (() => void)[] = [];
  /** Until when it is at work. */
  #busyMs = 0;
  #isOver = false;

  constructor(world: VirtualClock, options: ThreadOptions) {
    this.#world = world;
    this.#options = options;
    this.clock = this.#ownClock();
  }

  get isMain(): boolean {
    return this.#options.isMain;
  }

  get isOver(): boolean {
    return this.#isOver || this.#options.isGone();
  }

  /** Until when what it does now, or did last, takes. */
  get busyUntilMs(): number {
    return Math.max(this.#world.nowMs, this.#busyMs);
  }

  /** What it does at the moment takes this much longer. */
  takeTime(ms: number): void {
    this.#busyMs = this.busyUntilMs + ms;
  }

  /** Does `work` as soon as it can, in order. */
  run(work: () => void): void {
    if (this.isOver) return;
    const pausedUntilMs = this.#options.pausedUntilMs();
    if (pausedUntilMs > this.#world.nowMs) {
      return this.#world.at(pausedUntilMs, () => this.run(work));
    }
    const isFree = this.#waiting.length === 0 && this.#busyMs <= this.#world.nowMs;
    if (isFree) return this.#turn(work);
    if (this.#waiting.push(work) === 1) this.#world.at(this.#busyMs, () => this.#catchUp());
  }

  end(): void {
    this.#isOver = true;
  }

  #catchUp(): void {
    while (this.#busyMs <= this.#world.nowMs) {
      const work = this.#waiting.shift();
      if (work === undefined) return;
      if (!this.isOver) this.#turn(work);
    }
    if (this.#waiting.length > 0) this.#world.at(this.#busyMs, () => this.#catchUp());
  }

  #turn(work: () => void): void {
    this.#world.settle();
    try {
      work();
    } catch (error) {
      // The process ended in the middle of what it was doing.
      if (!(error instanceof DiskCut)) throw error;
    }
    this.#options.onTurn?.();
  }

  #ownClock(): Clock {
    return {
      nowMs: () => this.busyUntilMs,
      originMs: () => 0,
      timer: (wake) => {
        const alarm = new Alarm(this.#world, () => this.run(wake));
        return { set: (atMs) => alarm.set(atMs), clear: () => alarm.set(Infinity) };
      },
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (signal?.aborted) return resolve();
          signal?.addEventListener("abort", () => resolve(), { once: true });
          this.#world.after(ms, () => this.run(resolve));
        }),
      within: (promise, ms) =>
        new Promise((resolve, reject) => {
          promise.then(resolve, reject);
          this.#world.after(ms, () => this.run(() => resolve(undefined)));
        }),
      yieldToEvents: () =>
        new Promise((resolve) => this.#world.after(YIELD_MS, () => this.run(resolve))),
    };
  }
}
