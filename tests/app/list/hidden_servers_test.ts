import { assertEquals } from "@std/assert";
import { endpointText } from "../../../lib/address.ts";
import { peerId, serverId } from "../../../lib/ids.ts";
import { HiddenServers } from "../../../lib/app/list/hidden_servers.ts";

const USUAL = 10_526;
const peer = (digit: string, place: string) => peerId(serverId(digit.repeat(32)), place);
const at = (address: string, port = 10_530) => ({ address, port });
const asked = (hidden: HiddenServers): string[] => hidden.endpoints.map(endpointText);

Deno.test("who is said to be beside a server that is proved is asked at the ports that servers take, but not at that one's", () => {
  const hidden = new HiddenServers(USUAL, []);
  hidden.onServer(peer("a", "h:1"), at("10.0.0.1"), false);
  assertEquals(asked(hidden), []);
  const proved = peer("b", "h:2");
  hidden.onServer(proved, at("fe80::1%e"), true);
  hidden.onServer(proved, at("10.0.0.1"), true);
  hidden.onListed(proved, 10_530);
  assertEquals(asked(hidden), ["10.0.0.1:10526", "10.0.0.1:10531", "10.0.0.1:10532"]);
  // It has proved itself after all.
  hidden.onServer(peer("a", "h:1"), at("10.0.0.1"), true);
  assertEquals(asked(hidden), []);
});

Deno.test("nobody is asked where only claims lead, and one who is said to be at several addresses at one", () => {
  const hidden = new HiddenServers(USUAL, []);
  for (const address of ["fe80::1%e", "10.0.0.1", "10.0.0.2"]) {
    hidden.onServer(peer("a", address), at(address), false);
  }
  for (const address of ["fe80::1%e", "10.0.0.1"]) {
    hidden.onServer(peer("b", "h:2"), at(address), true);
  }
  const addresses = new Set(hidden.endpoints.map(({ address }) => address));
  assertEquals([...addresses], ["10.0.0.1"]);
});

Deno.test("a host that was named is asked where nobody answers, or where the one who does is not alone", () => {
  const named = at("10.0.0.1", USUAL);
  const hidden = new HiddenServers(USUAL, [named]);
  assertEquals(asked(hidden), ["10.0.0.1:10526"]);
  const first = peer("a", "h:1");
  hidden.onServer(first, named, true);
  // What it has said so far does not tell.
  assertEquals(asked(hidden), []);
  hidden.onListed(first, USUAL);
  assertEquals(asked(hidden), []);
  const second = new HiddenServers(USUAL, [named]);
  second.onServer(first, named, true);
  second.onListed(first, 10_530);
  assertEquals(asked(second), ["10.0.0.1:10526"]);
});
