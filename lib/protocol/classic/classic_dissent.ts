/** Classic servers that hold something else under the name than what is fetched, and what is said of them. */
import { type Endpoint, endpointKey } from "../../address.ts";
import type { HashHex, SafeFileName } from "../../ids.ts";
import { displayName } from "../../names.ts";
import { contentsText, placesText, shortHash } from "../base/held_texts.ts";
import { CONTENTS_LISTED_MAX, OFFERS_PER_NAME_MAX } from "../base/limits.ts";

export class ClassicDissent {
  readonly #answers = new Map<string, { readonly server: Endpoint; readonly sha256: HashHex }>();

  get isAny(): boolean {
    return this.#answers.size > 0;
  }

  /** Whether the server had not said this before, nor so many others anything. */
  add(server: Endpoint, sha256: HashHex): boolean {
    const key = endpointKey(server);
    const known = this.#answers.get(key);
    if (known?.sha256 === sha256) return false;
    if (known === undefined && this.#answers.size >= OFFERS_PER_NAME_MAX) return false;
    this.#answers.set(key, { server, sha256 });
    // One that changes its mind with every answer is told of once.
    return known === undefined;
  }

  /**
   * Who holds which, and how to choose.
   *
   * @param fetched undefined while nobody has what is wanted
   * @param holders of what is fetched
   */
  text(name: SafeFileName, fetched: HashHex | undefined, holders: readonly Endpoint[]): string {
    const others = [...Map.groupBy(this.#answers.values(), ({ sha256 }) => sha256)]
      .map(([sha256, answers]) => ({ sha256, servers: answers.map(({ server }) => server) }));
    if (fetched === undefined) {
      return `${displayName(name)}: what classic servers hold is not what is wanted (${
        listed(others)
      })`;
    }
    const all = [{ sha256: fetched, servers: holders }, ...others];
    const pins = others.slice(0, CONTENTS_LISTED_MAX)
      .map(({ sha256 }) => `--sha256 ${sha256}`).join("   or   ");
    return `classic servers disagree about ${displayName(name)} (${listed(all)}); fetching ${
      shortHash(fetched)
    }, which answered first. For another one: ${pins}`;
  }
}

interface Held {
  readonly sha256: HashHex;
  readonly servers: readonly Endpoint[];
}

function listed(held: readonly Held[]): string {
  return contentsText(
    held.map(({ sha256, servers }) =>
      `${shortHash(sha256)} at ${placesText(servers.map(({ address }) => address))}`
    ),
  );
}
