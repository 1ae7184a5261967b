/** The only clock and the only timers. */

/** Milliseconds on a clock that never goes back; comparable within this thread. */
export function nowMs(): number {
  return performance.now();
}

/** When this thread's {@linkcode nowMs} was 0, in milliseconds since 1970. */
export function clockOriginMs(): number {
  return performance.timeOrigin;
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

/** One timer that is set again and again: the next wake-up of a machine. */
export class WakeupTimer {
  readonly #wake: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #atMs = Infinity;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** Wakes at `atMs` (Infinity: never) instead of whenever was set before. */
  set(atMs: number): void {
    if (atMs === this.#atMs) return;
    this.clear();
    if (atMs === Infinity) return;
    this.#atMs = atMs;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#atMs = Infinity;
      this.#wake();
    }, Math.max(0, atMs - nowMs()));
  }

  clear(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#atMs = Infinity;
  }
}
