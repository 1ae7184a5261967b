/**
 * How much work each of those who ask may still cause (docs/PROTOCOL.md, "Fair shares"). What an address has
 * proved and what is only claimed in its name are counted apart: forged questions use up nothing of
 * what the holder of an address may ask.
 */
import { partyOf } from "../../address.ts";
import { RateLimit } from "../base/rate_limit.ts";
import { RecentMap } from "../base/recent_map.ts";
import type { TokenVerdict } from "../base/tokens.ts";
import {
  ASKERS_MAX,
  BUSY_INTERVAL_MS,
  BUSY_WAIT_MS_MAX,
  WORK_BURST,
  WORK_PER_S,
  WORK_UNVALIDATED_BURST,
  WORK_UNVALIDATED_PER_S,
  WORK_UNVALIDATED_TOTAL_PER_S,
} from "./limits.ts";

/** `waitMs`: to be told to whoever asks, at most so often; otherwise it is met with silence. */
type AskerVerdict =
  | { readonly isAdmitted: true }
  | { readonly isAdmitted: false; readonly waitMs?: number };

const ADMITTED: AskerVerdict = { isAdmitted: true };

export class Askers {
  readonly #proved = new RecentMap<RateLimit>(ASKERS_MAX, Infinity);
  readonly #claimed = new RecentMap<RateLimit>(ASKERS_MAX, Infinity);
  readonly #claimedTotal = new RateLimit(
    WORK_UNVALIDATED_TOTAL_PER_S,
    WORK_UNVALIDATED_TOTAL_PER_S,
  );
  readonly #refused = new RecentMap<true>(ASKERS_MAX, BUSY_INTERVAL_MS);

  /** Charges `work` to who asks, unless that has caused too much already. */
  admit(nowMs: number, address: string, verdict: TokenVerdict, work: number): AskerVerdict {
    const party = partyOf(address);
    if (!hasProved(verdict)) return { isAdmitted: this.#admitClaim(nowMs, party, work) };
    let limit = this.#proved.get(nowMs, party);
    limit ??= new RateLimit(WORK_PER_S, WORK_BURST);
    this.#proved.set(nowMs, party, limit);
    if (limit.take(nowMs, work)) return ADMITTED;
    if (this.#refused.get(nowMs, party)) return { isAdmitted: false };
    this.#refused.set(nowMs, party, true);
    const waitMs = Math.ceil(Math.min(limit.readyMs(nowMs) - nowMs, BUSY_WAIT_MS_MAX));
    return { isAdmitted: false, waitMs };
  }

  /** Whether this address has proved itself, as far as is remembered. */
  isKnown(nowMs: number, address: string): boolean {
    return this.#proved.get(nowMs, partyOf(address)) !== undefined;
  }

  #admitClaim(nowMs: number, party: string, work: number): boolean {
    let limit = this.#claimed.get(nowMs, party);
    limit ??= new RateLimit(WORK_UNVALIDATED_PER_S, WORK_UNVALIDATED_BURST);
    this.#claimed.set(nowMs, party, limit);
    return limit.take(nowMs, work) && this.#claimedTotal.take(nowMs, work);
  }
}

/** A token that was good once was read at that address once: nobody else can have made it up. */
export function hasProved(verdict: TokenVerdict): boolean {
  return verdict === "valid" || verdict === "expired";
}
