/** Requests for contents that a server is still looking for, within bounds on all of them and on each party's. */
import { partyOf } from "../../address.ts";
import { WANTS_UNLOCATED_MAX, WANTS_UNLOCATED_PER_PARTY_MAX } from "./limits.ts";
import type { Turn } from "./sender.ts";

export class PendingRequests {
  readonly #byContent = new Map<string, Turn[]>();
  readonly #byParty = new Map<string, number>();
  #count = 0;

  /** Whether this content is being looked for. */
  has(content: string): boolean {
    return this.#byContent.has(content);
  }

  /** Says `false` when there is no room. */
  add(content: string, turn: Turn): boolean {
    const party = partyOf(turn.to.address);
    const partyCount = this.#byParty.get(party) ?? 0;
    if (this.#count >= WANTS_UNLOCATED_MAX) return false;
    if (partyCount >= WANTS_UNLOCATED_PER_PARTY_MAX) return false;
    this.#count += 1;
    this.#byParty.set(party, partyCount + 1);
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
    for (const { to } of turns) this.#uncount(partyOf(to.address));
    return turns;
  }

  #uncount(party: string): void {
    const left = this.#byParty.get(party)! - 1;
    if (left === 0) this.#byParty.delete(party);
    else this.#byParty.set(party, left);
  }
}
