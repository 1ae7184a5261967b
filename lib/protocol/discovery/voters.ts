/**
 * Who counts of those that say the same: each of them one party and one server, and no party or server twice
 * (docs/PROTOCOL.md, "Who is counted"). A server that is reached by several addresses, of both families, say, is one voter
 * under the id that it gives itself, although nothing may prove that the addresses are one server's; and whoever uses
 * the ids of others takes nothing from them, as it is the most that can be paired that counts.
 */
import { isIpv4, LOOPBACK_ADDRESS } from "../../address.ts";
import { claimedIdOf, type ServerId } from "../../ids.ts";

/** Somebody who has said it. */
interface Saying {
  readonly server: ServerId;
  readonly party: string;
}

/**
 * The parties that count, one per server: as many as can be paired, those of IPv4 first, which are of one address each.
 */
export function votersAmong(sayings: Iterable<Saying>): Set<string> {
  const byServer = Map.groupBy(sayings, ({ server }) => claimedIdOf(server));
  const partiesOf = new Map<ServerId, readonly string[]>();
  for (const [id, said] of byServer) {
    const parties = [...new Set(said.map(({ party }) => party))];
    partiesOf.set(id, parties.sort((a, b) => rankOf(a) - rankOf(b)));
  }
  const serverOf = new Map<string, ServerId>();
  for (const id of partiesOf.keys()) pair(id, partiesOf, serverOf, new Set());
  return new Set(serverOf.keys());
}

/** Finds a party for a server; others may have to take another one (an augmenting path). */
function pair(
  id: ServerId,
  partiesOf: ReadonlyMap<ServerId, readonly string[]>,
  serverOf: Map<string, ServerId>,
  tried: Set<string>,
): boolean {
  for (const party of partiesOf.get(id) ?? []) {
    if (tried.has(party)) continue;
    tried.add(party);
    const holder = serverOf.get(party);
    if (holder !== undefined && !pair(holder, partiesOf, serverOf, tried)) continue;
    serverOf.set(party, id);
    return true;
  }
  return false;
}

/** Our own machine, then addresses of IPv4, then whole networks. */
function rankOf(party: string): number {
  if (party === LOOPBACK_ADDRESS) return 0;
  return isIpv4(party) ? 1 : 2;
}
