/**
 * How many manifests of a folder are looked at. Whoever offers many takes no room from others, and what turned out to be none
 * takes none. Pure.
 */
import { MANIFESTS_MAX, MANIFESTS_PER_PARTY_MAX, MANIFESTS_REFUSED_MAX } from "./limits.ts";

export class ManifestQuota {
  /** Those that each party was the first to offer, those that are none included. */
  readonly #byParty = new Map<string, number>();

  /**
   * Whether one more is looked at, that `party` offers; it counts as looked at then.
   *
   * @param count how many are taken into account
   * @param refusedCount how many turned out to be none
   */
  take(party: string, count: number, refusedCount: number): boolean {
    const own = this.#byParty.get(party) ?? 0;
    const isFull = count >= MANIFESTS_MAX || refusedCount >= MANIFESTS_REFUSED_MAX;
    if (isFull || own >= MANIFESTS_PER_PARTY_MAX) return false;
    this.#byParty.set(party, own + 1);
    return true;
  }
}
