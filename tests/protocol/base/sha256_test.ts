import { hash } from "node:crypto";
import { assertEquals } from "@std/assert";
import { toHex } from "../../../lib/ids.ts";
import {
  beforeFirstSha256,
  sha256,
  StreamingHash,
  useSha256,
  useSha256Streams,
} from "../../../lib/protocol/base/sha256.ts";

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

Deno.test("another way to hash what comes in parts is taken, and one that gets a digest wrong is refused", () => {
  const open = (isWrong: boolean) => () => {
    const parts: Uint8Array[] = [];
    return {
      update: (bytes: Uint8Array) => void parts.push(bytes.slice()),
      digestSoFar: () => {
        const bytes = new Uint8Array(parts.flatMap((part) => [...part]));
        return Uint8Array.from(hash("sha256", isWrong ? bytes.subarray(1) : bytes, "buffer"));
      },
    };
  };
  assertEquals([useSha256Streams(open(true)), useSha256Streams(open(false))], [false, true]);
  const stream = new StreamingHash();
  stream.update(ABC.subarray(0, 1));
  const before = stream.digestSoFarHex();
  stream.update(ABC.subarray(1));
  assertEquals([before === OF_ABC, stream.digestSoFarHex()], [false, OF_ABC]);
  assertEquals(new StreamingHash("md5").digestHex(), "d41d8cd98f00b204e9800998ecf8427e");
});
