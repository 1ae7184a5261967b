/**
 * When chunks that clients found bad are read again: one at a time, each address in its turn, and with pauses
 * that keep all of it within a share of the time. Until the disk has shown that a chunk differs, nothing changes
 * for the file that it is of.
 */
import { CHECK_TIME_SHARE, CHECKS_PER_ADDRESS_MAX, CHECKS_WAITING_MAX } from "./limits.ts";
import { type ContentRef, keyOf } from "../base/served_file.ts";

/** A chunk to be compared with the piece layer. */
export interface ChunkCheck {
  readonly content: ContentRef;
  readonly chunk: number;
}

export class ChunkChecks {
  /** By the address that a strike came from, in the order of their turns. */
  readonly #waiting = new Map<string, Map<string, ChunkCheck>>();
  #count = 0;
  #startedMs: number | undefined;
  #restsUntilMs = -Infinity;

  /**
   * @param party the proved address of the client that found it bad
   * @returns `false` when it waits already, or enough others do
   */
  add(party: string, check: ChunkCheck): boolean {
    const key = `${keyOf(check.content)} ${check.chunk}`;
    for (const checks of this.#waiting.values()) if (checks.has(key)) return false;
    const own = this.#waiting.get(party) ?? new Map<string, ChunkCheck>();
    if (own.size >= CHECKS_PER_ADDRESS_MAX || this.#count >= CHECKS_WAITING_MAX) return false;
    own.set(key, check);
    this.#waiting.set(party, own);
    this.#count += 1;
    return true;
  }

  /** The check to begin now, if it is time for one; say `done` when it is. */
  next(nowMs: number): ChunkCheck | undefined {
    if (this.#startedMs !== undefined || nowMs < this.#restsUntilMs) return undefined;
    for (const [party, checks] of this.#waiting) {
      this.#waiting.delete(party);
      for (const [key, check] of checks) {
        checks.delete(key);
        this.#count -= 1;
        if (checks.size > 0) this.#waiting.set(party, checks);
        this.#startedMs = nowMs;
        return check;
      }
    }
    return undefined;
  }

  /** The check that was begun is over. */
  done(nowMs: number): void {
    const tookMs = nowMs - (this.#startedMs ?? nowMs);
    this.#startedMs = undefined;
    this.#restsUntilMs = nowMs + tookMs * (1 / CHECK_TIME_SHARE - 1);
  }

  /** When the next check may begin; Infinity while none waits, or one is under way. */
  nextWakeupMs(): number {
    return this.#count === 0 || this.#startedMs !== undefined ? Infinity : this.#restsUntilMs;
  }
}
