/** Which counters have come: each is taken once, in any order, unless it is much older than the newest (RFC 4303, 3.4.3). */
import { SEAL_WINDOW_DATAGRAMS } from "./limits.ts";

export class ReplayWindow {
  /** A bit for each of the last counters, at its place modulo the window. */
  readonly #bits = new Uint32Array(SEAL_WINDOW_DATAGRAMS / 32);
  /** One more than the highest that was taken. */
  #end = 0;

  isFresh(counter: number): boolean {
    if (counter >= this.#end) return true;
    if (counter < this.#end - SEAL_WINDOW_DATAGRAMS) return false;
    return (this.#word(counter) >>> counter % 32 & 1) === 0;
  }

  /** It was fresh, and what came with it proved good. */
  take(counter: number): void {
    if (counter >= this.#end) this.#moveTo(counter + 1);
    this.#bits[wordOf(counter)] = this.#word(counter) | 1 << counter % 32;
  }

  #word(counter: number): number {
    return this.#bits[wordOf(counter)]!;
  }

  #moveTo(end: number): void {
    if (end - this.#end >= SEAL_WINDOW_DATAGRAMS) this.#bits.fill(0);
    else {
      for (let counter = this.#end; counter < end; counter++) {
        this.#bits[wordOf(counter)] = this.#word(counter) & ~(1 << counter % 32);
      }
    }
    this.#end = end;
  }
}

function wordOf(counter: number): number {
  return Math.floor(counter / 32) % (SEAL_WINDOW_DATAGRAMS / 32);
}
