/** The platform's clock and timers: the only ones. */
import { setImmediate } from "node:timers/promises";
import type { Clock, Wakeup } from "./clock.ts";

/** Milliseconds on a clock that never goes back; comparable within this thread. */
export function nowMs(): number {
  return performance.now();
}

/** When this thread's {@linkcode nowMs} was 0, in milliseconds since 1970. */
export function clockOriginMs(): number {
  return performance.timeOrigin;
}

/** Now, as a log of this place writes it: `2023-05-16 14:30:25`. */
export function logTime(): string {
  const now = new Date();
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join("-");
  return `${day} ${[now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(":")}`;
}

/** Lets everything that has happened meanwhile be handled, at a hundredth of a timer's price. */
export async function yieldToEvents(): Promise<void> {
  await setImmediate();
}

export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** What `promise` resolves to; `undefined` if it takes longer than `ms`, which does not end it. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), ms);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * One timer for the next wake-up of a machine. The time is put off at nearly every step, so a timer
 * that runs already is left to fire early and only then set again.
 */
class WakeupTimer implements Wakeup {
  readonly #wake: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #firesMs = Infinity;
  #wantedMs = Infinity;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** Wakes at `atMs` (Infinity: never) instead of whenever was set before. */
  set(atMs: number): void {
    this.#wantedMs = atMs;
    if (atMs >= this.#firesMs || atMs === Infinity) return;
    this.#arm(atMs);
  }

  clear(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#firesMs = Infinity;
    this.#wantedMs = Infinity;
  }

  #arm(atMs: number): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#firesMs = atMs;
    this.#timer = setTimeout(() => this.#fire(), Math.max(0, atMs - nowMs()));
  }

  #fire(): void {
    this.#timer = undefined;
    this.#firesMs = Infinity;
    if (this.#wantedMs === Infinity) return;
    if (nowMs() + 0.5 < this.#wantedMs) return this.#arm(this.#wantedMs);
    this.#wantedMs = Infinity;
    this.#wake();
  }
}

export const denoClock: Clock = {
  nowMs,
  originMs: clockOriginMs,
  timer: (wake) => new WakeupTimer(wake),
  sleep,
  within,
  yieldToEvents,
};
