import { assert, assertEquals } from "@std/assert";
import { constants, zstdCompressSync } from "node:zlib";
import { pack, unpack } from "../../../lib/protocol/base/zstd.ts";
import { PACK_BYTES_MAX } from "../../../lib/wire/limits.ts";

const TEXT = new TextEncoder().encode("the same line again and again\n".repeat(1_000));

Deno.test("what is packed unpacks to what it was, at every length that packs have", () => {
  for (const length of [1, 16_384, TEXT.length, PACK_BYTES_MAX]) {
    const plain = new Uint8Array(length);
    for (let at = 0; at < length; at++) plain[at] = TEXT[at % TEXT.length]!;
    const packed = pack(plain);
    assertEquals(unpack(packed, length), plain);
    assert(length < 1_000 || packed.length < length / 10);
  }
});

Deno.test("a pack of more bytes, or fewer, than it is said to have is none", () => {
  const packed = pack(TEXT);
  assertEquals(unpack(packed, TEXT.length - 1), undefined);
  assertEquals(unpack(packed, TEXT.length + 1), undefined);
  const bomb = zstdCompressSync(new Uint8Array(64 * PACK_BYTES_MAX));
  assertEquals(unpack(bomb, PACK_BYTES_MAX), undefined);
});

Deno.test("nor is one that wants a larger window than packs have, or is no frame", () => {
  const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_compressionLevel]: 19 };
  const wide = zstdCompressSync(new Uint8Array(2 ** 26), { params });
  assertEquals(unpack(wide, PACK_BYTES_MAX), undefined);
  for (const junk of [new Uint8Array(0), new Uint8Array(100), TEXT, pack(TEXT).subarray(0, 20)]) {
    assertEquals(unpack(junk, TEXT.length), undefined);
  }
});
