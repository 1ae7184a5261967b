/**
 * Which refusals of uploads are worth a line. Whoever is refused can ask again at once, under any name: so lines are bounded
 * per address, and over all of them, and each says how many were left out since the last.
 */
import { partyOf } from "../../address.ts";
import { RateLimit } from "../base/rate_limit.ts";
import { RecentMap } from "../base/recent_map.ts";
import {
  REFUSALS_TOLD_BURST,
  REFUSALS_TOLD_PER_PARTY_BURST,
  REFUSALS_TOLD_PER_PARTY_PER_S,
  REFUSALS_TOLD_PER_S,
  REFUSED_PARTIES_MAX,
  REFUSED_PARTY_MEMORY_MS,
} from "./limits.ts";

export class RefusalNews {
  readonly #all = new RateLimit(REFUSALS_TOLD_PER_S, REFUSALS_TOLD_BURST);
  readonly #ofParty = new RecentMap<RateLimit>(REFUSED_PARTIES_MAX, REFUSED_PARTY_MEMORY_MS);
  #omitted = 0;

  /** One more, of somebody at `address`: how many were left out before it; `undefined` if it is left out as well. */
  told(nowMs: number, address: string): number | undefined {
    if (!this.#isTold(nowMs, partyOf(address))) {
      this.#omitted += 1;
      return undefined;
    }
    const omitted = this.#omitted;
    this.#omitted = 0;
    return omitted;
  }

  #isTold(nowMs: number, party: string): boolean {
    const own = this.#ofParty.get(nowMs, party) ??
      new RateLimit(REFUSALS_TOLD_PER_PARTY_PER_S, REFUSALS_TOLD_PER_PARTY_BURST);
    this.#ofParty.set(nowMs, party, own);
    return own.take(nowMs, 1) && this.#all.take(nowMs, 1);
  }
}
