/** How the files of a folder travel: in units that depend on what is in them and on nothing else. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { hashHex, type SafeFileName, toHex } from "../../../lib/ids.ts";
import { KIB, MIB } from "../../../lib/limits.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import { unitOf, unitsOf } from "../../../lib/protocol/folder/bundles.ts";
import {
  BUNDLE_BYTES_MAX,
  BUNDLE_BYTES_MIN,
  BUNDLE_FILES_MAX,
} from "../../../lib/protocol/folder/limits.ts";
import { rootOfBytes, unitRootOfBytes } from "../../../lib/protocol/merkle/unit_root.ts";
import type { TreeFile } from "../../../lib/wire/manifest.ts";
import { hashed, mixedFile } from "../../support/virtual_link.ts";

function fileOf(name: string, bytes: Uint8Array): TreeFile {
  const hashes = {
    sha256: hashHex(toHex(sha256(bytes))),
    root: hashHex(toHex(rootOfBytes(bytes))),
  };
  const time = { mtimeMs: 0, mtimeRestNs: 0 };
  const sizeBytes = bytes.length;
  return {
    kind: "file",
    name: name as SafeFileName,
    isExecutable: false,
    sizeBytes,
    ...hashes,
    ...time,
  };
}

/** A file that exists in name only. */
function invented(i: number, sizeBytes: number): TreeFile {
  const sha = hashHex(toHex(sha256(new Uint8Array([i, i >> 8, i >> 16]))));
  const name = `f${String(i).padStart(6, "0")}` as SafeFileName;
  const time = { mtimeMs: 0, mtimeRestNs: 0 };
  return { kind: "file", name, isExecutable: false, sizeBytes, sha256: sha, root: sha, ...time };
}

Deno.test("the root of a file that is here whole is the root that servers offer it by", () => {
  for (const sizeBytes of [1, 16 * KIB, 16 * KIB + 1, 64 * KIB, 65 * KIB, 300_000, MIB]) {
    const bytes = mixedFile(sizeBytes);
    assertEquals(toHex(rootOfBytes(bytes)), hashed(bytes).root, `${sizeBytes} bytes`);
  }
});

Deno.test("a unit of one file is that file; one of several is proved by sizes and roots", () => {
  const [a, b] = [mixedFile(20_000), mixedFile(30_000)];
  const both = new Uint8Array([...a, ...b]);
  const [one, two] = [fileOf("a", a), fileOf("b", b)];
  assertEquals(unitOf([one]).root, one.root);
  const unit = unitOf([one, two]);
  assertEquals(unit.sizeBytes, 50_000);
  assertEquals(toHex(unitRootOfBytes(both, [20_000, 30_000])), unit.root);
  assertNotEquals(toHex(unitRootOfBytes(both, [30_000, 20_000])), unit.root);
  assertNotEquals(toHex(unitRootOfBytes(both, [50_000])), unit.root);
  both[49_999]! ^= 1;
  assertNotEquals(toHex(unitRootOfBytes(both, [20_000, 30_000])), unit.root);
});

Deno.test("every file of up to a megabyte that is not empty is in one unit, within bounds", () => {
  const sizes = [0, 1, 4_000, 40_000, 64 * KIB - 1, 64 * KIB, 500_000, MIB, MIB + 1];
  const files = Array.from({ length: 5_000 }, (_, i) => invented(i, sizes[i % sizes.length]!));
  const units = unitsOf(files);
  const travelling = files.filter(({ sizeBytes }) => sizeBytes > 0 && sizeBytes <= MIB);
  const names = units.flatMap((unit) => unit.files.map(({ name }) => name)).sort();
  assertEquals(names, travelling.map(({ name }) => name));
  for (const { files, sizeBytes } of units) {
    assert(files.length === 1 || sizeBytes <= BUNDLE_BYTES_MAX);
    assert(files.length <= BUNDLE_FILES_MAX);
  }
});

Deno.test("a thousand tiny files are few units", () => {
  const units = unitsOf(Array.from({ length: 1_000 }, (_, i) => invented(i, 4 * KIB)));
  assert(units.length <= Math.ceil(1_000 * 4 * KIB / BUNDLE_BYTES_MIN), `${units.length} units`);
  const empty = unitsOf(Array.from({ length: 10_000 }, (_, i) => invented(i, 1)));
  assert(empty.length <= 20, `${empty.length} units`);
});

Deno.test("one file more or less changes the bundles around it, and no others", () => {
  const files = Array.from({ length: 4_000 }, (_, i) => invented(i, 3_000 + 37 * (i % 100)));
  const before = new Set(unitsOf(files).map(({ root }) => root));
  for (const at of [0, 1_000, 2_345, 3_999]) {
    const after = unitsOf(files.toSpliced(at, 1));
    const others = after.filter(({ root }) => !before.has(root));
    assert(others.length <= 8, `${others.length} of ${after.length} changed`);
  }
});
