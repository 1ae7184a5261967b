/**
 * Answers that are put together before they are sent, such as a whole listing or a layer, and stay in memory until the peer has
 * taken them: so many of one party at a time. Whoever asks on all of its connections and reads nothing has its own others wait.
 */
import { ConcurrencyLimit } from "../base/concurrency_limit.ts";
import { ANSWERS_PER_PARTY_AT_ONCE } from "./limits.ts";

interface Turns {
  readonly limit: ConcurrencyLimit;
  /** Those who hold a turn, or wait for one. */
  users: number;
}

export class AnswerTurns {
  readonly #ofParty = new Map<string, Turns>();

  /** Calls `start` when there is a turn, which has to be given back with {@linkcode AnswerTurns.leave}. */
  enter(party: string, start: () => void): void {
    let turns = this.#ofParty.get(party);
    if (turns === undefined) {
      turns = { limit: new ConcurrencyLimit(ANSWERS_PER_PARTY_AT_ONCE), users: 0 };
      this.#ofParty.set(party, turns);
    }
    turns.users += 1;
    turns.limit.acquire(start);
  }

  leave(party: string): void {
    const turns = this.#ofParty.get(party);
    if (turns === undefined) return;
    turns.users -= 1;
    if (turns.users === 0) this.#ofParty.delete(party);
    turns.limit.release();
  }
}
