/** Time, as everything is handed it; the platform's is in `deno_clock.ts`. */

/** Time, as drivers and use cases are handed it. */
export interface Clock {
  /** Milliseconds on a clock that never goes back; comparable within this thread. */
  nowMs(): number;
  /** When {@linkcode Clock.nowMs} was 0, in milliseconds since 1970. */
  originMs(): number;
  /** A timer for the next wake-up of a machine; not set yet. */
  timer(wake: () => void): Wakeup;
  /** Resolves after `ms`, or as soon as `signal` fires. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** What `promise` resolves to; `undefined` if it takes longer than `ms`, which does not end it. */
  within<T>(promise: Promise<T>, ms: number): Promise<T | undefined>;
  /** Lets everything that has happened meanwhile be handled. */
  yieldToEvents(): Promise<void>;
}

/** One timer, which is set again and again. */
export interface Wakeup {
  /** Wakes at `atMs` (Infinity: never) instead of whenever was set before. */
  set(atMs: number): void;
  clear(): void;
}

/** Milliseconds since 1970: for comparing with a file's times, and with what others stored. */
export function wallMs(clock: Pick<Clock, "nowMs" | "originMs">): number {
  return clock.originMs() + clock.nowMs();
}

/** Lets everything that has happened be handled, and what follows from it, so many times over. */
export async function yieldTurns(
  clock: Pick<Clock, "yieldToEvents">,
  count: number,
): Promise<void> {
  for (let turn = 0; turn < count; turn++) await clock.yieldToEvents();
}
