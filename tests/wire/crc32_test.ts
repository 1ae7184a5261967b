import { crc32 as platformCrc32 } from "node:zlib";
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { crc32 } from "../../lib/wire/crc32.ts";

Deno.test("crc32() gives the check value of the standard", () => {
  assertEquals(crc32(new TextEncoder().encode("123456789")), 0xcbf4_3926);
});

Deno.test("crc32() agrees with zlib, in one go or continued, wherever the bytes begin", () => {
  const cut = fc.uint8Array({ maxLength: 300 }).chain((bytes) =>
    fc.record({ bytes: fc.constant(bytes), at: fc.nat({ max: bytes.length }) })
  );
  fc.assert(fc.property(cut, ({ bytes, at }) => {
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
    assertEquals(crc32(bytes), platformCrc32(bytes));
    assertEquals(crc32(tail, crc32(head)), platformCrc32(bytes));
  }));
});
