import { assert, assertEquals } from "@std/assert";
import { parseHostPort } from "../../../lib/address.ts";
import { ListingMerge } from "../../../lib/app/list/listing_merge.ts";
import { hashHex, peerId, type SafeFileName, serverId } from "../../../lib/ids.ts";
import type { ListingEntry } from "../../../lib/wire/frames.ts";

function entriesOf(prefix: string, count: number): ListingEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    state: "ready",
    sizeBytes: i,
    sha256: hashHex("ab".repeat(32)),
    mtimeMs: 0,
    name: `${prefix}${i}` as SafeFileName,
  }));
}

Deno.test("a host lists so many names, on however many servers, and takes no room from others", () => {
  const merge = new ListingMerge(10);
  const add = (id: string, address: string, port: number, prefix: string, count: number) =>
    merge.add(
      peerId(serverId(id.repeat(32)), `${address}:${port}`),
      { address, port },
      entriesOf(prefix, count),
    );
  assert(add("1", "10.0.0.1", 1, "a", 6));
  assert(!add("2", "10.0.0.1", 2, "b", 5));
  assert(add("2", "10.0.0.1", 2, "c", 4));
  assert(!add("3", "10.0.0.1", 3, "d", 1));
  assert(add("1", "10.0.0.2", 1, "e", 10));
  assertEquals(merge.files().length, 20);
});

Deno.test("a server that lists by both families is told once, and others are all told", () => {
  const told = (...servers: readonly (readonly [id: string, endpoint: string])[]) => {
    const merge = new ListingMerge(10);
    for (const [id, text] of servers) {
      const { host = "", port = 0 } = parseHostPort(text) ?? {};
      const peer = peerId(serverId(id.repeat(32)), text);
      merge.add(peer, { address: host, port }, entriesOf("a", 1));
    }
    return merge.files()[0]!.servers;
  };
  const link = "[fe80::1%eth0]:1";
  assertEquals(told(["1", link], ["1", "10.0.0.1:1"]), ["10.0.0.1:1"]);
  assertEquals(told(["1", link], ["2", "10.0.0.1:1"]), ["10.0.0.1:1", link]);
  assertEquals(told(["1", "10.0.0.2:1"], ["1", "10.0.0.1:1"]), ["10.0.0.1:1", "10.0.0.2:1"]);
  assertEquals(told(["1", link], ["1", "[fd00::1]:1"]), [link, "[fd00::1]:1"].toSorted());
  // Nobody has said who these are.
  assertEquals(told(["0", link], ["0", "10.0.0.1:1"]), ["10.0.0.1:1", link]);
});
