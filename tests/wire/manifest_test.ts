/** Manifests: what is written is read, and what lies is refused whole. */
import { assert, assertEquals } from "@std/assert";
import { hashHex, type SafeFileName } from "../../lib/ids.ts";
import { BLOCK_BYTES } from "../../lib/limits.ts";
import { Writer } from "../../lib/wire/cursor.ts";
import { MANIFEST_BYTES_MAX } from "../../lib/wire/limits.ts";
import {
  compareNames,
  decodeManifest,
  encodeManifest,
  isWithin,
  type TreeEntry,
  type TreeFile,
} from "../../lib/wire/manifest.ts";

const TIME = { mtimeMs: 1_700_000_000_123, mtimeRestNs: 456_789 };
const name = (text: string): SafeFileName => text as SafeFileName;
const HASHES = { sha256: hashHex("ab".repeat(32)), root: hashHex("cd".repeat(32)) };

function file(text: string, sizeBytes = BLOCK_BYTES + 1): TreeFile {
  const isSmall = sizeBytes <= BLOCK_BYTES;
  const root = sizeBytes === 0 ? hashHex("0".repeat(64)) : HASHES.sha256;
  const hashes = isSmall ? { ...HASHES, root } : HASHES;
  return { kind: "file", name: name(text), isExecutable: false, sizeBytes, ...hashes, ...TIME };
}

const TREE: readonly TreeEntry[] = [
  { kind: "folder", name: name("a"), mtimeMs: -86_400_000 },
  file("a/b/c.txt", 5),
  { ...file("a/b/tool", 1 << 20), isExecutable: true },
  { kind: "link", name: name("a/link"), target: "../z/ümlaut.bin", ...TIME },
  file("a/nothing", 0),
  { kind: "gap", name: name("busy.log") },
  { kind: "leftOut", name: name("locked") },
  { ...file("locked/but seen", 3) },
  file("z/ümlaut.bin", 2 ** 42),
];

function problemOf(bytes: Uint8Array): string {
  const decoded = decodeManifest(bytes);
  assert("problem" in decoded, "it was taken");
  return decoded.problem;
}

Deno.test("what is written is read again, times before 1970 and roots of small files included", () => {
  assertEquals(decodeManifest(encodeManifest(TREE)), TREE);
  assertEquals(decodeManifest(encodeManifest([])), []);
});

Deno.test("names share their beginnings on the wire, in bytes and not in letters", () => {
  const entries = ["ä", "äö", "äü", "é/1", "é/2"].map((text) => file(text, 1));
  assertEquals(decodeManifest(encodeManifest(entries)), entries);
  const long = Array.from({ length: 100 }, (_, i) => file(`${"x".repeat(200)}/${1000 + i}`, 1));
  assert(encodeManifest(long).length < 100 * 70 + 300);
});

Deno.test("a manifest that lies about its order, its names or its kinds is refused whole", () => {
  const swapped = (a: string, b: string): Uint8Array => encodeManifest([file(a, 1), file(b, 1)]);
  assertEquals(problemOf(swapped("b", "a")), "out of order");
  assertEquals(problemOf(swapped("a", "a")), "out of order");
  assertEquals(problemOf(swapped("a", "a/b")), "a file is the folder of another");
  assertEquals(problemOf(swapped("a/b", "a/b/c/d")), "a file is the folder of another");
  const apart = ["a", "a!", "a/b"].map((text) => file(text, 1));
  assertEquals(problemOf(encodeManifest(apart)), "a file is the folder of another");
  assertEquals(problemOf(encodeManifest([file("../x", 1)])), "name: dot component");
  assertEquals(problemOf(encodeManifest([file("/x", 1)])), "name: absolute");
  assertEquals(problemOf(encodeManifest([file("a\u0000", 1)])), "name: control character");
});

Deno.test("a link that leads out is refused, and one that stays is not", () => {
  const link = (target: string): Uint8Array =>
    encodeManifest([{ kind: "link", name: name("a/b/l"), target, ...TIME }]);
  for (const target of ["..", "../..", "../../x", "./x", "x/../../../c", "x//y"]) {
    assert(Array.isArray(decodeManifest(link(target))), target);
  }
  for (
    const target of [
      "",
      "/etc",
      "../../..",
      "../../../x",
      "x/../../../../y",
      "C:\\x",
      "a\\b",
      "a\0b",
    ]
  ) {
    assertEquals(problemOf(link(target)), "link leads out", target);
    assert(!isWithin("a/b/l", target));
  }
});

Deno.test("every shorter or longer or flipped manifest is refused or is one, and nothing throws", () => {
  const bytes = encodeManifest(TREE);
  for (let end = 0; end < bytes.length; end++) problemOf(bytes.subarray(0, end));
  assertEquals(problemOf(new Uint8Array([...bytes, 0])), "trailing bytes");
  for (let at = 0; at < bytes.length; at++) {
    for (const mask of [1, 0x80, 0xff]) {
      const flipped = bytes.slice();
      flipped[at]! ^= mask;
      const decoded = decodeManifest(flipped);
      if ("problem" in decoded) continue;
      const names = decoded.map((entry) => entry.name);
      assertEquals(names, [...names].sort(compareNames));
    }
  }
});

Deno.test("a count that nothing stands behind costs nothing", () => {
  const bytes = encodeManifest([]);
  bytes.set([0, 0x0f, 0x42, 0x40], 8);
  assertEquals(problemOf(bytes), "truncated");
  bytes.set([0xff, 0xff, 0xff, 0xff], 8);
  assertEquals(problemOf(bytes), "too many entries");
});

Deno.test("a name that is safe behind that of its folder alone is taken there", () => {
  const bytes = encodeManifest([file("a:b", 1)]);
  assertEquals(problemOf(bytes), "name: drive letter");
  assertEquals(decodeManifest(bytes, name("t")), [file("a:b", 1)]);
});

Deno.test("names that grow by what they share are bounded as if they were written out", () => {
  const start = `${"x".repeat(200)}/`.repeat(4);
  const count = Math.ceil(MANIFEST_BYTES_MAX / start.length);
  const writer = new Writer(new Uint8Array(2_000 + 11 * count));
  writer.bytes(encodeManifest([]).subarray(0, 8));
  writer.u32(count);
  for (let i = 0; i < count; i++) {
    const rest = new TextEncoder().encode(i === 0 ? `${start}000000` : String(i).padStart(6, "0"));
    writer.u8(5);
    writer.u16(i === 0 ? 0 : start.length);
    writer.u16(rest.length);
    writer.bytes(rest);
  }
  assertEquals(problemOf(writer.written()), "names too long");
});
