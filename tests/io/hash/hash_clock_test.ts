import { assert, assertEquals } from "@std/assert";
import { startHashClock } from "../../../lib/io/hash/hash_clock.ts";
import { hashBlocks } from "../../../lib/protocol/merkle/block_hashes.ts";

Deno.test("the hash clock runs while blocks are hashed, and changes no digest", () => {
  const blocks = new Uint8Array(100_000).fill(3);
  const before = new Uint8Array(7 * 32);
  hashBlocks(blocks, before, 0);
  const hashedMs = startHashClock();
  assertEquals(hashedMs(), 0);
  const after = new Uint8Array(7 * 32);
  for (let i = 0; i < 50; i++) hashBlocks(blocks, after, 0);
  assertEquals(after, before);
  assert(hashedMs() > 0);
});
