/** Who counts: the most pairs of one party and one id. */
import { assert, assertEquals } from "@std/assert";
import { serverId } from "../../../lib/ids.ts";
import { votersAmong } from "../../../lib/protocol/discovery/voters.ts";
import { Random } from "../../../lib/protocol/base/random.ts";

const LINK = "fe80::/64%eth0";

function said(...pairs: readonly (readonly [server: string, party: string])[]) {
  return pairs.map(([server, party]) => ({ server: serverId(server.padStart(32, "0")), party }));
}

Deno.test("a server by both families is one voter, by its IPv4 address", () => {
  assertEquals([...votersAmong(said(["a", LINK], ["a", "10.0.0.1"]))], ["10.0.0.1"]);
});

Deno.test("servers that share a link have a vote each by their own addresses, and one without", () => {
  const three = said(
    ["a", LINK],
    ["b", LINK],
    ["c", LINK],
    ["a", "10.0.0.1"],
    ["b", "10.0.0.2"],
    ["c", "10.0.0.3"],
  );
  assertEquals([...votersAmong(three)].sort(), ["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
  assertEquals([...votersAmong(three.slice(0, 3))], [LINK]);
  // The first two have an address of their own, so the link is the third's.
  assertEquals(votersAmong(three.slice(0, 5)).size, 3);
});

Deno.test("several servers of one party are one voter", () => {
  assertEquals(votersAmong(said(["a", "10.0.0.1"], ["b", "10.0.0.1"])).size, 1);
});

Deno.test("a server that took a party gives it up for another that has no other", () => {
  const sayings = said(["a", "10.0.0.1"], ["a", "10.0.0.2"], ["b", "10.0.0.1"]);
  assertEquals(votersAmong(sayings).size, 2);
});

Deno.test("whoever says the same under the ids of others takes no vote, and gets one per address at most", () => {
  const random = new Random(7);
  for (let round = 0; round < 300; round++) {
    const honest = Array.from(
      { length: 1 + random.below(6) },
      (_, i) => [`${i}`, `10.0.0.${i}`] as const,
    );
    const parties = Array.from({ length: random.below(5) }, (_, i) => `10.0.1.${i}`);
    const forged = parties.flatMap((party) =>
      Array.from({ length: random.below(8) }, () => [`${random.below(12)}`, party] as const)
    );
    const all = random.shuffle([...said(...honest), ...said(...forged)]);
    const votes = votersAmong(all).size;
    assert(votes >= honest.length, `round ${round}: ${votes} of ${honest.length}`);
    assert(votes <= honest.length + parties.length, `round ${round}`);
  }
});
