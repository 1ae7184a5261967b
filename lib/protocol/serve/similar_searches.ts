/**
 * Who may have names searched for that are like one that is not here. It is the dearest of all answers, so
 * there are few: of each party, and of all who have proved nothing.
 */
import { partyOf } from "../../address.ts";
import { RateLimit } from "../base/rate_limit.ts";
import { RecentMap } from "../base/recent_map.ts";
import {
  ASKERS_MAX,
  SIMILAR_SEARCHES_PER_PARTY_PER_S,
  SIMILAR_SEARCHES_PER_S_MAX,
  SIMILAR_SEARCHES_UNVALIDATED_PER_S,
} from "./limits.ts";

export class SimilarSearches {
  readonly #total = perSecond(SIMILAR_SEARCHES_PER_S_MAX);
  readonly #unvalidated = perSecond(SIMILAR_SEARCHES_UNVALIDATED_PER_S);
  readonly #parties = new RecentMap<RateLimit>(ASKERS_MAX, Infinity);

  /** @param address whose search it is, if a token has proved that */
  mayBegin(nowMs: number, address: string | undefined): boolean {
    return this.#limitOf(nowMs, address).take(nowMs, 1) && this.#total.take(nowMs, 1);
  }

  #limitOf(nowMs: number, address: string | undefined): RateLimit {
    if (address === undefined) return this.#unvalidated;
    const party = partyOf(address);
    const limit = this.#parties.get(nowMs, party) ?? perSecond(SIMILAR_SEARCHES_PER_PARTY_PER_S);
    this.#parties.set(nowMs, party, limit);
    return limit;
  }
}

function perSecond(count: number): RateLimit {
  return new RateLimit(count, count);
}
