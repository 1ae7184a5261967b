import { assert, assertEquals } from "@std/assert";
import { toHex } from "../../lib/ids.ts";
import { startHashClock } from "../../lib/io/hash_clock.ts";
import { sha256 } from "../../lib/protocol/sha256.ts";

Deno.test("the hash clock runs while blocks are hashed, and changes no digest", () => {
  const block = new Uint8Array(16_384).fill(3);
  const before = toHex(sha256(block));
  const hashedMs = startHashClock();
  assertEquals(hashedMs(), 0);
  for (let i = 0; i < 200; i++) assertEquals(toHex(sha256(block)), before);
  assert(hashedMs() > 0);
});
