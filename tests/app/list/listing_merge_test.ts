import { assert, assertEquals } from "@std/assert";
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
