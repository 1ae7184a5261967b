/** Merges the listings of many servers: each content under each name, and its providers. */
import { type Endpoint, endpointText, partyOf } from "../../address.ts";
import { claimedIdOf, NO_SERVER_ID, type PeerId } from "../../ids.ts";
import type { ListingEntry } from "../../wire/frames.ts";
import { HASH_UNKNOWN } from "../../protocol/serve/listing.ts";
import type { FileEvent } from "../events.ts";
import type { DescribedFile } from "../../protocol/session/described_file.ts";

interface Listed {
  readonly entry: ListingEntry;
  readonly servers: Map<PeerId, string>;
}

export class ListingMerge {
  readonly #listed = new Map<string, Listed>();
  readonly #entriesPerPartyMax: number;
  /** Entries taken so far, by the party that sent them. */
  readonly #entriesOf = new Map<string, number>();

  constructor(entriesPerPartyMax: number) {
    this.#entriesPerPartyMax = entriesPerPartyMax;
  }

  /** `false`, and nothing is taken, if the party would have listed more than it may. */
  add(server: PeerId, endpoint: Endpoint, entries: readonly ListingEntry[]): boolean {
    const party = partyOf(endpoint.address);
    const count = (this.#entriesOf.get(party) ?? 0) + entries.length;
    if (count > this.#entriesPerPartyMax) return false;
    this.#entriesOf.set(party, count);
    for (const entry of entries) {
      const key = keyOf(entry, entry.state === "ready" ? entry.sha256 : "");
      let listed = this.#listed.get(key);
      if (listed === undefined) this.#listed.set(key, listed = { entry, servers: new Map() });
      listed.servers.set(server, endpointText(endpoint));
    }
    return true;
  }

  /** Sorted by name. What is still being hashed is left out where another server has it ready. */
  files(): FileEvent[] {
    const ready = new Set<string>();
    for (const { entry } of this.#listed.values()) {
      if (entry.state === "ready") ready.add(keyOf(entry, ""));
    }
    return [...this.#listed]
      .filter(([key]) => !ready.has(key))
      .map(([, listed]) => fileEvent(listed))
      .sort((a, b) => compare(a.name, b.name) || compare(a.sha256 ?? "", b.sha256 ?? ""));
  }
}

/** What a session says of a file, as a page of a listing would. */
export function listingEntry({ name, sizeBytes, mtimeMs, sha256 }: DescribedFile): ListingEntry {
  return {
    state: sha256 === undefined ? "pending" : "ready",
    sizeBytes,
    sha256: sha256 ?? HASH_UNKNOWN,
    mtimeMs,
    name,
  };
}

/** No name holds a line break. */
function keyOf({ name, sizeBytes }: ListingEntry, sha256: string): string {
  return `${sizeBytes}\n${sha256}\n${name}`;
}

function fileEvent({ entry, servers }: Listed): FileEvent {
  const { state, name, sizeBytes: size, sha256 } = entry;
  return {
    event: "file",
    name,
    size,
    ...(state === "ready" && { sha256 }),
    servers: shownOf(servers).sort(compare),
  };
}

/**
 * Where servers that have the same are said to be: one that lists by both families is told once, by IPv4. This is for
 * people, who may believe that one id is one server.
 */
function shownOf(servers: ReadonlyMap<PeerId, string>): string[] {
  const byId = Map.groupBy(servers, ([peer]) => claimedIdOf(peer));
  return [...byId].flatMap(([id, same]) => {
    const texts = same.map(([, text]) => text);
    const ipv4 = id === NO_SERVER_ID ? [] : texts.filter((text) => !text.startsWith("["));
    return ipv4.length > 0 ? ipv4 : texts;
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
