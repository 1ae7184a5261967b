/** Who is being sent what, as far as it was told: once per party and file, however often, and by whatever flows, it asks. */
import { partyOf } from "../../address.ts";
import { RecentMap } from "../base/recent_map.ts";
import { FLOW_NEWS_MAX, FLOW_NEWS_MEMORY_MS } from "./limits.ts";

export class FlowNews {
  readonly #told = new RecentMap<true>(FLOW_NEWS_MAX, FLOW_NEWS_MEMORY_MS);

  /**
   * Whether it is news that somebody at `address` is sent something of `file`, which is then told.
   *
   * @param file its name or content: whatever tells it from others
   */
  isNew(nowMs: number, address: string, file: string): boolean {
    const key = `${partyOf(address)} ${file}`;
    const isTold = this.#told.get(nowMs, key) !== undefined;
    this.#told.set(nowMs, key, true);
    return !isTold;
  }
}
