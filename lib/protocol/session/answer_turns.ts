/**
 * Answers that are put together before they are sent, such as a whole listing or a layer, and stay in memory until the peer has
 * taken them: so many of one party at a time. Whoever asks on all of its connections and reads nothing has its own others wait,
 * but not for long: who takes nothing gives way to who waits.
 */
import { ConcurrencyLimit } from "../base/concurrency_limit.ts";
import { ANSWER_UNTAKEN_MS, ANSWERS_PER_PARTY_AT_ONCE } from "./limits.ts";

/** Who is being answered. */
export interface Answered {
  /** Since when its answer is being sent and nothing of it was taken; `undefined` while it is put together. */
  readonly untakenSinceMs: number | undefined;
  /** Hangs up. */
  close(): void;
}

interface Turns {
  readonly limit: ConcurrencyLimit;
  readonly holders: Set<Answered>;
  /** Those who hold a turn, or wait for one. */
  users: number;
}

export class AnswerTurns {
  readonly #ofParty = new Map<string, Turns>();

  /** Calls `start` when there is a turn, which has to be given back with {@linkcode AnswerTurns.leave}. */
  enter(party: string, answered: Answered, start: () => void): void {
    let turns = this.#ofParty.get(party);
    if (turns === undefined) {
      const limit = new ConcurrencyLimit(ANSWERS_PER_PARTY_AT_ONCE);
      turns = { limit, holders: new Set(), users: 0 };
      this.#ofParty.set(party, turns);
    }
    const { limit, holders } = turns;
    turns.users += 1;
    limit.acquire(() => {
      holders.add(answered);
      start();
    });
  }

  /** Somebody of this party has been waiting: hangs up on who has taken nothing for long. */
  hurry(nowMs: number, party: string): void {
    for (const each of this.#ofParty.get(party)?.holders ?? []) {
      const { untakenSinceMs = Infinity } = each;
      if (nowMs - untakenSinceMs >= ANSWER_UNTAKEN_MS) return each.close();
    }
  }

  leave(party: string, answered: Answered): void {
    const turns = this.#ofParty.get(party);
    if (turns === undefined || !turns.holders.delete(answered)) return;
    turns.users -= 1;
    if (turns.users === 0) this.#ofParty.delete(party);
    turns.limit.release();
  }
}
