import { assert, assertEquals } from "@std/assert";
import { NAME_BYTES_MAX, NAME_COMPONENT_BYTES_MAX, NAME_COMPONENTS_MAX } from "../lib/limits.ts";
import {
  baseName,
  displayJson,
  displayName,
  isHiddenName,
  isPartName,
  nameOfContent,
  type NameProblem,
  parseFileName,
  parseFileNameBytes,
} from "../lib/names.ts";

const long = (bytes: number): string =>
  Array.from({ length: Math.ceil(bytes / 200) }, () => "x".repeat(199)).join("/").slice(0, bytes);

const HOSTILE: readonly (readonly [name: string, problem: NameProblem])[] = [
  ["", "empty"],
  ["..", "dot component"],
  [".", "dot component"],
  ["../secret", "dot component"],
  ["a/../../secret", "dot component"],
  ["a/..", "dot component"],
  ["./a", "dot component"],
  ["a/./b", "dot component"],
  ["/etc/passwd", "absolute"],
  ["//host/share", "absolute"],
  ["a//b", "empty component"],
  ["a/", "empty component"],
  ["a\\b", "backslash"],
  ["..\\secret", "backslash"],
  ["\\\\host\\share", "backslash"],
  ["C:secret", "drive letter"],
  ["c:/secret", "drive letter"],
  ["a\0b", "control character"],
  ["a.txt\0.jpg", "control character"],
  ["a\nb", "control character"],
  ["a\r\nb", "control character"],
  ["a\tb", "control character"],
  ["\u001b[2J", "control character"],
  ["a\u007f", "control character"],
  ["a\u0085b", "control character"],
  ["a\ud800b", "not valid text"],
  ["con", "reserved device name"],
  ["NUL.txt", "reserved device name"],
  ["a/COM1.tar.gz", "reserved device name"],
  ["lpt9", "reserved device name"],
  ["nul ", "reserved device name"],
  ["a/COM1 .txt", "reserved device name"],
  ["aux:stream", "reserved device name"],
  ["CONIN$", "reserved device name"],
  ["x".repeat(5_000), "too long"],
  [long(NAME_BYTES_MAX + 1), "too long"],
  ["é".repeat(NAME_BYTES_MAX / 2 + 1), "too long"],
  ["x".repeat(NAME_COMPONENT_BYTES_MAX + 1), "component too long"],
  ["a/" + "x".repeat(NAME_COMPONENT_BYTES_MAX + 1) + "/b", "component too long"],
  ["é".repeat(128), "component too long"],
  ["d/".repeat(NAME_COMPONENTS_MAX) + "f", "too deep"],
];

for (const [name, problem] of HOSTILE) {
  Deno.test(`parseFileName() refuses ${JSON.stringify(name.slice(0, 30))}: ${problem}`, () => {
    assertEquals(parseFileName(name), { ok: false, problem });
  });
}

const HARMLESS: readonly string[] = [
  "example.txt",
  "a/b/c.txt",
  "name with spaces",
  " leading and trailing ",
  "...",
  "..a",
  "a..",
  ".hidden",
  "~",
  "-rf",
  "$HOME",
  "%2e%2e%2fsecret",
  "a;b|c&d",
  "'\"`",
  "console.log",
  "nullable",
  "com10",
  "日本語.txt",
  "e\u0301",
  "👍🏽",
  "x".repeat(NAME_COMPONENT_BYTES_MAX),
  long(NAME_BYTES_MAX),
];

for (const name of HARMLESS) {
  Deno.test(`parseFileName() takes ${JSON.stringify(name.slice(0, 30))} as it stands`, () => {
    const parsed = parseFileName(name);
    assert(parsed.ok);
    assertEquals<string>(parsed.name, name);
    assertEquals(parseFileNameBytes(new TextEncoder().encode(name)), parsed);
  });
}

Deno.test("parseFileNameBytes() refuses what is not UTF-8, overlong forms included", () => {
  const overlongSlash = [0xc0, 0xaf];
  const overlongDots = [0xc0, 0xae, 0xc0, 0xae];
  const surrogate = [0xed, 0xa0, 0x80];
  for (const bytes of [overlongSlash, overlongDots, surrogate, [0xff], [0x61, 0xc3]]) {
    assertEquals(parseFileNameBytes(Uint8Array.from(bytes)), {
      ok: false,
      problem: "not valid text",
    });
  }
});

Deno.test("parseFileNameBytes() keeps a byte order mark, which is part of the name", () => {
  const parsed = parseFileNameBytes(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61));
  assert(parsed.ok);
  assertEquals<string>(parsed.name, "\ufeffa");
});

Deno.test("hidden and unfinished names are told from ordinary ones", () => {
  for (const name of [".a", "a/.b/c", ".a/b"]) assert(isHiddenName(name), name);
  for (const name of ["a", "a.b", "a./b"]) assert(!isHiddenName(name), name);
  for (const name of ["a.0123abcd.part", "d/a.txt.00000000.part", "a.0123abcd.part.journal"]) {
    assert(isPartName(name), name);
  }
  for (const name of ["a.part", "a.0123ABCD.part", "a.0123abcd.part.txt", "0123abcd.part"]) {
    assert(!isPartName(name), name);
  }
});

Deno.test("baseName() is the last component", () => {
  for (const [name, base] of [["a", "a"], ["a/b.txt", "b.txt"], ["a/b/c", "c"]] as const) {
    const parsed = parseFileName(name);
    assert(parsed.ok);
    assertEquals<string>(baseName(parsed.name), base);
  }
});

Deno.test("what is asked for by content gets a plain name in the folder, whatever a server calls it", () => {
  for (
    const [offered, name] of [
      ["a.txt", "a.txt"],
      ["evil/setup.exe", "setup.exe"],
      [".ssh/authorized_keys", "authorized_keys"],
      ["a/.bashrc", "bashrc"],
      ["...", "_.."],
      [".CON", "_CON"],
    ] as const
  ) {
    const parsed = parseFileName(offered);
    assert(parsed.ok, offered);
    assertEquals<string>(nameOfContent(parsed.name), name);
    assert(parseFileName(name).ok);
  }
});

Deno.test("displayName() escapes what moves a cursor or reorders a line, and nothing else", () => {
  assertEquals(displayName("a\u001b[31mb\n"), "a\\u{1b}[31mb\\u{a}");
  assertEquals(displayName("\u202egpj.exe"), "\\u{202e}gpj.exe");
  assertEquals(displayName("a\u200bb\u2066c\ufeff"), "a\\u{200b}b\\u{2066}c\\u{feff}");
  assertEquals(displayName("\ud800"), "\\u{d800}");
  assertEquals(displayName("日本語 👍🏽.txt"), "日本語 👍🏽.txt");
});

Deno.test("a line of JSON has no character that could move a cursor, and reads back as it was", () => {
  const text = "a\u009b31m\u202e\u2066\u200f\u061c\u2028\ufeffb\u0007\ud800 é😀";
  const line = displayJson({ text });
  assertEquals(JSON.parse(line), { text });
  assertEquals(displayName(line), line);
  assert(line.includes("é😀"));
});
