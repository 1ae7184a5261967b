import { assertEquals } from "@std/assert";
import { NO_TOKEN } from "../../../lib/protocol/base/tokens.ts";
import { ClaimedOffers } from "../../../lib/protocol/download/claimed_offers.ts";
import {
  STREAM_ASK_AFTER_MS,
  STREAM_CLAIMS_MAX,
  STREAM_TRIES_MAX,
} from "../../../lib/protocol/download/limits.ts";
import type { RouteOffer } from "../../../lib/protocol/download/route_fallback.ts";
import { idOf } from "./download_world.ts";

const DATA_PORT = 10_530;
const at = (host: number, port = DATA_PORT) => ({ address: `10.0.0.${host}`, port });

/** Server number `tcpPort` of a host, with a data port of the same number. */
function claim(host: number, tcpPort: number): RouteOffer {
  const endpoint = at(host, tcpPort);
  return {
    server: idOf(100 * host + tcpPort),
    party: endpoint.address,
    path: { endpoint, token: NO_TOKEN },
    tcpPort,
  };
}

function taken(claims: ClaimedOffers<string>, nowMs: number): string[] {
  return claims.take(nowMs).map(({ download, offer }) =>
    `${download} at ${offer.path.endpoint.address}:${offer.tcpPort}`
  );
}

Deno.test("who is said to be at an address where a server is proved is due once it has had its time", () => {
  const claims = new ClaimedOffers<string>();
  claims.onSearch(1_000, "a");
  claims.onClaimed("a", claim(1, 1));
  claims.onHeard(at(1));
  const dueMs = 1_000 + STREAM_ASK_AFTER_MS;
  assertEquals(taken(claims, dueMs - 1), []);
  assertEquals(claims.nextWakeupMs(), dueMs);
  assertEquals(taken(claims, dueMs), ["a at 10.0.0.1:1"]);
  // It is asked once, whatever is claimed again.
  claims.onClaimed("a", claim(1, 1));
  assertEquals([taken(claims, 2 * dueMs), claims.nextWakeupMs()], [[], Infinity]);
  // Where it is searched for again, it is asked again.
  claims.onSearch(3 * dueMs, "a");
  claims.onClaimed("a", claim(1, 1));
  assertEquals(taken(claims, 5 * dueMs), ["a at 10.0.0.1:1"]);
});

Deno.test("who is said to be at several addresses is asked at one, by IPv4 if it has that", () => {
  const claims = new ClaimedOffers<string>();
  claims.onSearch(0, "a");
  const offer = claim(1, 1);
  const endpoint = { address: "fe80::1%eth0", port: DATA_PORT };
  for (const each of [{ ...offer, path: { endpoint, token: NO_TOKEN } }, offer]) {
    claims.onHeard(each.path.endpoint);
    claims.onClaimed("a", each);
  }
  assertEquals(taken(claims, 60_000), ["a at 10.0.0.1:1"]);
});

Deno.test("nobody is asked where no server is proved, until one is", () => {
  const claims = new ClaimedOffers<string>();
  claims.onSearch(0, "a");
  claims.onClaimed("a", claim(1, 1));
  claims.onHeard(at(2));
  assertEquals(taken(claims, 60_000), []);
  assertEquals(claims.nextWakeupMs(), Infinity);
  claims.onHeard(at(1));
  assertEquals(taken(claims, 60_000), ["a at 10.0.0.1:1"]);
});

Deno.test("who has proved to offer something, and who has no TCP port, is not asked for a claim", () => {
  const claims = new ClaimedOffers<string>();
  claims.onSearch(0, "a");
  claims.onHeard(at(1));
  claims.onClaimed("a", claim(1, 1));
  claims.onClaimed("a", { ...claim(1, 2), tcpPort: 0 });
  claims.onProved(at(1, 1));
  assertEquals(taken(claims, 60_000), []);
});

Deno.test("claims lead to a few ports of a host in all, and those of one name are bounded", () => {
  const claims = new ClaimedOffers<string>();
  claims.onHeard(at(1));
  for (const name of ["a", "b"]) {
    claims.onSearch(0, name);
    for (let port = 1; port <= 20; port++) claims.onClaimed(name, claim(1, port));
  }
  const ports = Array.from({ length: STREAM_TRIES_MAX }, (_, i) => i + 1);
  assertEquals(
    taken(claims, 60_000),
    ["a", "b"].flatMap((name) => ports.map((port) => `${name} at 10.0.0.1:${port}`)),
  );
  claims.onSearch(0, "c");
  for (let host = 1; host <= 2 * STREAM_CLAIMS_MAX; host++) {
    claims.onClaimed("c", claim(host, 1));
    claims.onHeard(at(host));
  }
  assertEquals(taken(claims, 60_000).length, STREAM_CLAIMS_MAX);
});
