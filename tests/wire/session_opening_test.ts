import { assertEquals } from "@std/assert";
import { type Opening, openingOf } from "../../lib/wire/session_opening.ts";

const utf8 = new TextEncoder();

const OPENINGS: readonly (readonly [string | readonly number[], Opening])[] = [
  [[0, 0, 0, 2, 0x7b], "json"],
  [[0x1f, 0xff, 0, 0, 0x20, 0x7b], "json"],
  [[0x16, 0x02, 0, 0, 0x7b], "json"],
  // The length of a message may look like empty lines.
  [[0x0d, 0x0a, 0x0d, 0x0a, 0x7b], "json"],
  [[0x0d, 0x0a, 0x0d, 0x0a, 0x41], "noise"],
  ["\r\n\r\n\r\n", "noise"],
  [[0, 0, 0, 0], "noise"],
  [[0, 0, 0, 9, 0x5b], "noise"],
  [[0, 0, 0, 0x54, 0xff, 0x53, 0x4d, 0x42], "noise"],
  [[0x16, 0x03], "tls"],
  [[0x16, 0x03, 0x01, 0x02, 0x00], "tls"],
  ["LIST_FILES", "text"],
  ["LIST FILES\n", "text"],
  ["DOWNLOAD\r\n", "text"],
  ["UPLOAD\nweb.html;5\nhello", "text"],
  ["HELLO\n", "text"],
  ["GET ", "http"],
  ["POST / HTTP/1.1\r\nHost: x\r\n\r\nUPLOAD\nweb.html;5\nhello", "http"],
  ["UPLOAD / HTTP/1.1\r\n", "http"],
  ["get /x y HTTP/1.0\n", "http"],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http"],
];
for (const [said, expected] of OPENINGS) {
  const bytes = typeof said === "string" ? utf8.encode(said) : Uint8Array.from(said);
  Deno.test(`a connection that begins with ${JSON.stringify(said)} is ${expected}`, () => {
    assertEquals(openingOf(bytes, false), expected);
    // However little comes at a time, it is told no sooner than it is certain; but for a command, which has
    // no end in this dialect, and may so be the method of a request that comes in pieces.
    if (said === "UPLOAD / HTTP/1.1\r\n") return;
    for (let length = 1; length < bytes.length; length++) {
      const early = openingOf(bytes.subarray(0, length), false);
      if (early !== undefined) assertEquals(early, expected, `after ${length} bytes`);
    }
  });
}

Deno.test("what could still become something else is waited for, until no more comes", () => {
  for (const said of ["U", "UPLOA", "GET", "HELLO", "PATC"]) {
    assertEquals(openingOf(utf8.encode(said), false), undefined);
    assertEquals(openingOf(utf8.encode(said), true), "text");
  }
  assertEquals(openingOf(Uint8Array.of(0, 0, 1), false), undefined);
  assertEquals(openingOf(Uint8Array.of(0, 0, 1), true), "json");
  for (const line of ["\n", "\r\n", "\n\n", "\r\n\r\n"]) {
    assertEquals(openingOf(utf8.encode(line), false), undefined);
    assertEquals(openingOf(utf8.encode(line), true), "noise");
  }
  assertEquals(openingOf(Uint8Array.of(0x16), false), undefined);
  assertEquals(openingOf(Uint8Array.of(0x16), true), "json");
  assertEquals(openingOf(new Uint8Array(0), true), undefined);
  assertEquals(openingOf(utf8.encode("A".repeat(10_000)), false), "text");
});
