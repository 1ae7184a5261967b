import { assertEquals } from "@std/assert";
import { SESSION_LINE_BYTES_MAX } from "../../lib/wire/limits.ts";
import { ByteQueue } from "../../lib/wire/byte_queue.ts";
import {
  isSayable,
  type LineForm,
  listLine,
  parseListLine,
  parseNameAndSize,
  takeLine,
} from "../../lib/wire/session_ascii.ts";

const utf8 = new TextEncoder();
const ID = "0123456789abcdef0123456789ABCDEF";

/** The lines of a stream that comes in pieces, each read in its form. */
function linesOf(text: string, forms: readonly LineForm[], pieceBytes: number): unknown[] {
  const queue = new ByteQueue();
  const bytes = utf8.encode(text);
  const lines: unknown[] = [];
  const take = (isQuiet: boolean): void => {
    for (;;) {
      const form = forms[lines.length];
      const line = form && takeLine(queue, form, isQuiet);
      if (line === undefined) return;
      lines.push(line.kind === "line" ? line.text : line.kind);
    }
  };
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    queue.push(bytes.slice(at, at + pieceBytes));
    take(false);
  }
  take(true);
  return lines;
}

const CASES: readonly (readonly [string, readonly LineForm[], readonly string[]])[] = [
  ["LIST_FILES\nLIST FILES\r\nDOWNLOAD\n", ["command", "command", "command"], [
    "LIST_FILES",
    "LIST FILES",
    "DOWNLOAD",
  ]],
  [`DOWNLOAD\n${ID}\nUPLOAD\nnotes.txt;5\n`, ["command", "id", "command", "text"], [
    "DOWNLOAD",
    ID,
    "UPLOAD",
    "notes.txt;5",
  ]],
  // Without any newline: complete by their own forms, the last one by the quiet after it.
  [`DOWNLOAD${ID}UPLOADa b.txt;7`, ["command", "id", "command", "text"], [
    "DOWNLOAD",
    ID,
    "UPLOAD",
    "a b.txt;7",
  ]],
  ["\n\r\n  LIST_FILES \n\n", ["command"], ["LIST_FILES"]],
  ["HELLO\nUPLOAD", ["command", "command"], ["HELLO", "UPLOAD"]],
  [`${ID.slice(1)}\nrest`, ["id", "text"], [ID.slice(1), "rest"]],
];

for (const [text, forms, expected] of CASES) {
  Deno.test(`lines of ${JSON.stringify(text)}, whole and byte by byte`, () => {
    for (const pieceBytes of [1, 2, 7, 1_000]) {
      assertEquals(linesOf(text, forms, pieceBytes), [...expected], `pieces of ${pieceBytes}`);
    }
  });
}

Deno.test("a line that never ends is too long, and one that is no text says so", () => {
  assertEquals(linesOf("x".repeat(SESSION_LINE_BYTES_MAX + 1), ["text"], 100), ["tooLong"]);
  assertEquals(linesOf("x".repeat(SESSION_LINE_BYTES_MAX), ["text"], 100), [
    "x".repeat(SESSION_LINE_BYTES_MAX),
  ]);
  const queue = new ByteQueue();
  queue.push(Uint8Array.of(0xc3, 0x28, 0x0a));
  assertEquals(takeLine(queue, "text", false), { kind: "notText" });
});

Deno.test("what follows a raw body is no part of the line before it", () => {
  const queue = new ByteQueue();
  queue.push(utf8.encode("a;3\nabcUPLOAD\n"));
  assertEquals(takeLine(queue, "text", false), { kind: "line", text: "a;3" });
  assertEquals(queue.take(3), utf8.encode("abc"));
  assertEquals(takeLine(queue, "command", false), { kind: "line", text: "UPLOAD" });
});

Deno.test("names and sizes", () => {
  assertEquals(parseNameAndSize("a b.txt;0"), { name: "a b.txt", sizeBytes: 0 });
  for (const text of ["a;-1", "a;1.5", "a", ";5", "a;b;5", "a;", "a;1e3", "a;9999999999999999"]) {
    assertEquals(parseNameAndSize(text), undefined, text);
  }
});

Deno.test("lines of a listing go to and fro", () => {
  const file = { id: ID.toLowerCase(), name: "a b.txt", sizeBytes: 12 };
  assertEquals(parseListLine(listLine(file)), file);
  for (const line of ["", "No files available at the moment", `${ID};a`, `${ID.slice(1)};a;5`]) {
    assertEquals(parseListLine(line), undefined, line);
  }
});

Deno.test("names that the dialect cannot say", () => {
  for (const name of ["a;b", "a/b", "a\\b", "a\nb"]) assertEquals(isSayable(name), false, name);
  assertEquals(isSayable("a b ü.txt"), true);
});
