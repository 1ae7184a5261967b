import { assertEquals } from "@std/assert";
import {
  INVITED_PER_PARTY_MAX,
  LOCATE_EXCEPT_MAX,
  TOLD_ADDRESSES_MAX,
} from "../../../lib/protocol/master/limits.ts";
import { ToldServers } from "../../../lib/protocol/master/told_servers.ts";

const MASTER = "10.0.0.1";
const at = (address: string, port = 1) => ({ address, port });

Deno.test("of one address a few servers are asked, the same ones each time", () => {
  const told = new ToldServers();
  const many = Array.from({ length: 40 }, (_, i) => at("10.0.0.9", 1 + i));
  const asked = told.add(MASTER, [...many, at("10.0.0.7")]);
  assertEquals(asked, [...many.slice(0, INVITED_PER_PARTY_MAX), at("10.0.0.7")]);
  assertEquals(told.add(MASTER, [many[20]!, many[0]!]), [many[0]!]);
});

Deno.test("who has answered is not left out, whichever of its servers it was", () => {
  const told = new ToldServers();
  assertEquals(told.silent(MASTER), []);
  told.add(MASTER, [at("10.0.0.7"), at("10.0.0.8"), at("10.0.0.9")]);
  told.heard("10.0.0.8");
  assertEquals(told.silent(MASTER), ["10.0.0.7", "10.0.0.9"]);
  assertEquals(told.silent("another master"), []);
});

Deno.test("no more are left out than may be named, those that were told last", () => {
  const told = new ToldServers();
  const addresses = Array.from({ length: 2_000 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  for (const address of addresses) told.add(MASTER, [at(address)]);
  assertEquals(told.silent(MASTER), addresses.slice(-LOCATE_EXCEPT_MAX));
  told.add(MASTER, [at(addresses[2_000 - TOLD_ADDRESSES_MAX]!)]);
  assertEquals(told.silent(MASTER).at(-1), addresses[2_000 - TOLD_ADDRESSES_MAX]);
});
