/** Requests for contents that a server is still looking for, within a bound on all of them. */
import { WANTS_UNLOCATED_MAX } from "./limits.ts";
import type { Turn } from "./sender.ts";

export class PendingRequests {
  readonly #byContent = new Map<string, Turn[]>();
  #count = 0;

  /** Whether this content is being looked for. */
  has(content: string): boolean {
    return this.#byContent.has(content);
  }

  /** Says `false` when there is no room. */
  add(content: string, turn: Turn): boolean {
    if (this.#count >= WANTS_UNLOCATED_MAX) return false;
    this.#count += 1;
    const turns = this.#byContent.get(content);
    if (turns === undefined) this.#byContent.set(content, [turn]);
    else turns.push(turn);
    return true;
  }

  /** What waited for this content, which waits no more. */
  take(content: string): readonly Turn[] {
    const turns = this.#byContent.get(content) ?? [];
    this.#byContent.delete(content);
    this.#count -= turns.length;
    return turns;
  }
}
