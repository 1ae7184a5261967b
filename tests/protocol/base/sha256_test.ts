import { hash } from "node:crypto";
import { assertEquals } from "@std/assert";
import { toHex } from "../../../lib/ids.ts";
import { beforeFirstSha256, sha256, useSha256 } from "../../../lib/protocol/base/sha256.ts";

const ABC = new TextEncoder().encode("abc");
const OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Deno.test("what prepares hashing is called with the first hash, and once", () => {
  let prepared = 0;
  for (let i = 0; i < 2; i++) beforeFirstSha256(() => prepared++);
  assertEquals(prepared, 0);
  for (let i = 0; i < 2; i++) assertEquals(toHex(sha256(ABC)), OF_ABC);
  assertEquals(prepared, 1);
});

Deno.test("another way to the same digests is taken, and one that gets a digest wrong is refused", () => {
  let asked = 0;
  const isTaken = useSha256((bytes, target, at) => {
    asked += 1;
    target.set(hash("sha256", bytes, "buffer"), at);
  });
  const wrongFor = (bytes: number) =>
    useSha256((given, target, at) => {
      target.set(hash("sha256", given, "buffer"), at);
      if (given.length === bytes) target[at] = target[at]! ^ 1;
    });
  assertEquals(isTaken, true);
  assertEquals([0, 64, 1_000].map(wrongFor), [false, false, false]);
  asked = 0;
  assertEquals(toHex(sha256(ABC)), OF_ABC);
  assertEquals(asked, 1);
});
