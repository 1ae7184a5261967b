/** What people are told of servers that bring nothing. */
import { assertEquals, assertMatch } from "@std/assert";
import type { Offer } from "../../../lib/protocol/discovery/finder.ts";
import { silent, unreached } from "../../../lib/protocol/download/download_texts.ts";
import { peerId, serverId } from "../../../lib/ids.ts";
import { NO_TOKEN } from "../../../lib/protocol/base/tokens.ts";

const PLACE = { address: "10.0.0.1", port: 10_530 };

Deno.test("a server that has brought something and is gone is not told as behind a firewall", () => {
  assertMatch(unreached("data", PLACE, 10_526), /open UDP ports 10530-10545 or TCP port 10526/);
  assertEquals(
    unreached("more data", PLACE, 10_526),
    "nothing more arrives from 10.0.0.1:10530, and its TCP port 10526 does not answer: " +
      "it may have been stopped, or cut off",
  );
});

Deno.test("a silent server that is known by both families is one, by IPv4", () => {
  const offer = (digit: string, address: string): Offer => ({
    server: peerId(serverId(digit.repeat(32)), address),
    party: address,
    isProved: true,
    path: { endpoint: { address, port: 10_530 }, token: NO_TOKEN },
    content: {} as Offer["content"],
    mtimeMs: 0,
    tcpPort: 0,
    name: "a" as Offer["name"],
  });
  const both = [offer("a", "fe80::1%e"), offer("a", "10.0.0.1")];
  assertEquals(silent(both, 9_000).message, "nothing has come from 10.0.0.1:10530 for 9 s");
  const { message } = silent([...both, offer("b", "10.0.0.2")], 9_000);
  assertEquals(message, "nothing has come from 10.0.0.1:10530 and 1 more for 9 s");
});
