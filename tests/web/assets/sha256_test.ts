import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { lengthField, Sha256 } from "../../../lib/web/assets/sha256.js";

Deno.test("the vectors of FIPS 180 come out", () => {
  assertEquals(
    hexOf([""]),
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  );
  assertEquals(
    hexOf(["abc"]),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  assertEquals(
    hexOf(["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"]),
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  );
});

Deno.test("it is the same in whatever pieces it comes", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), (pieces) => {
    const [ours, theirs] = [new Sha256(), createHash("sha256")];
    for (const piece of pieces) {
      ours.update(piece);
      theirs.update(piece);
    }
    assertEquals(ours.digestHex(), theirs.digest("hex"));
  }));
});

Deno.test("a length of more than 2³² bits has its place", () => {
  assertEquals([...lengthField(2 ** 29 + 5)], [0, 0, 0, 1, 0, 0, 0, 40]);
  assertEquals([...lengthField(2 ** 44)], [0, 0, 0x80, 0, 0, 0, 0, 0]);
  assertEquals([...lengthField(2 ** 29 - 1)], [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xf8]);
});

function hexOf(pieces: readonly string[]): string {
  const hash = new Sha256();
  for (const piece of pieces) hash.update(new TextEncoder().encode(piece));
  return hash.digestHex();
}
