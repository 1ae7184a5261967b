import { assert, assertEquals } from "@std/assert";
import { type FileSignature, hashHex, type SafeFileName } from "../../../lib/ids.ts";
import { parseFileName } from "../../../lib/names.ts";
import { Catalogue } from "../../../lib/protocol/serve/catalogue.ts";

function safe(text: string): SafeFileName {
  const parsed = parseFileName(text);
  assert(parsed.ok);
  return parsed.name;
}

function signature(sizeBytes: number): FileSignature {
  return { sizeBytes, mtimeMs: 1, ctimeMs: 1, inode: 1 };
}

const SHA256 = hashHex("ab".repeat(32));
const ROOT = hashHex("cd".repeat(32));

function catalogueOf(...names: string[]): Catalogue {
  const catalogue = new Catalogue();
  for (const name of names) catalogue.put(safe(name), signature(10), "pending");
  return catalogue;
}

Deno.test("a file is found by its content from when it is hashed until it changes or goes", () => {
  const catalogue = catalogueOf("a", "copy-of-a");
  assertEquals(catalogue.findBySha256(SHA256), undefined);
  catalogue.ready(safe("a"), { sha256: SHA256, root: ROOT });
  catalogue.ready(safe("copy-of-a"), { sha256: SHA256, root: ROOT });
  assertEquals(catalogue.find(safe("a"))?.content, { sizeBytes: 10, sha256: SHA256, root: ROOT });
  assertEquals([...catalogue.findByContent(ROOT, 10)].map(({ name }) => `${name}`), [
    "a",
    "copy-of-a",
  ]);
  assertEquals([...catalogue.findByContent(ROOT, 11)], []);

  catalogue.put(safe("a"), signature(12), "pending");
  assertEquals(catalogue.findBySha256(SHA256)?.name, safe("copy-of-a"));
  catalogue.remove(safe("copy-of-a"));
  assertEquals(catalogue.findBySha256(SHA256), undefined);
  assertEquals([...catalogue.findByContent(ROOT, 10)], []);
  assertEquals(catalogue.size, 1);
});

Deno.test("the backlog counts what is not hashed, less what has been read of it", () => {
  const catalogue = new Catalogue();
  catalogue.put(safe("a"), signature(100), "settling");
  catalogue.put(safe("b"), signature(50), "pending");
  assertEquals(catalogue.backlog, { files: 2, bytes: 150 });
  catalogue.settle(safe("a"));
  assertEquals(catalogue.find(safe("a"))?.state, "pending");
  catalogue.progress(safe("a"), 60);
  assertEquals(catalogue.backlog, { files: 2, bytes: 90 });
  catalogue.put(safe("a"), signature(120), "pending");
  assertEquals(catalogue.backlog, { files: 2, bytes: 170 });
  catalogue.progress(safe("a"), 60);
  catalogue.ready(safe("a"), { sha256: SHA256, root: ROOT });
  assertEquals(catalogue.backlog, { files: 1, bytes: 50 });
  catalogue.remove(safe("b"));
  catalogue.remove(safe("a"));
  assertEquals(catalogue.backlog, { files: 0, bytes: 0 });
});

Deno.test("pages follow one another by name, also when the name between them is gone", () => {
  const catalogue = catalogueOf("d", "b", "a/z", "c");
  assertEquals(catalogue.page(undefined, 2).map(({ name }) => `${name}`), ["a/z", "b"]);
  catalogue.remove(safe("b"));
  catalogue.put(safe("bb"), signature(1), "pending");
  assertEquals(catalogue.page(safe("b"), 2).map(({ name }) => `${name}`), ["bb", "c"]);
  assertEquals(catalogue.page(safe("c"), 9).map(({ name }) => `${name}`), ["d"]);
  assertEquals(catalogue.page(safe("d"), 9), []);
});

Deno.test("a name that was removed and added again is listed once", () => {
  const catalogue = catalogueOf("a", "b");
  catalogue.remove(safe("a"));
  catalogue.put(safe("a"), signature(3), "pending");
  assertEquals(catalogue.page(undefined, 9).map(({ name }) => `${name}`), ["a", "b"]);
});

for (
  const [wanted, expected] of [
    ["exmaple.txt", ["example.txt"]],
    ["example", ["example.txt", "old-example.txt"]],
    ["EXAMPLE.TXT", ["example.txt", "old-example.txt"]],
    ["holiday", ["photos/holiday.jpg"]],
    ["photos/holliday.jpg", ["photos/holiday.jpg"]],
    ["photos", ["photos/holiday.jpg"]],
    ["photo", []],
    ["x", []],
    ["nothing-like-it", []],
  ] as const
) {
  Deno.test(`names similar to ${wanted}: ${expected.join(", ") || "none"}`, () => {
    const catalogue = catalogueOf("example.txt", "old-example.txt", "photos/holiday.jpg", "zz");
    assertEquals(catalogue.similar(safe(wanted), 3).map(String), [...expected]);
  });
}

Deno.test("of 100,000 names that are all alike the nearest are found", () => {
  const catalogue = new Catalogue();
  for (let i = 0; i < 100_000; i++) {
    catalogue.put(safe(`IMG_${String(i).padStart(6, "0")}.jpg`), signature(1), "pending");
  }
  const names = catalogue.similar(safe("IMG_050000x.jpg"), 3);
  assertEquals(String(names[0]), "IMG_050000.jpg");
  assertEquals(names.length, 3);
});

Deno.test("a name is found in whichever normal form it is typed", () => {
  const catalogue = new Catalogue();
  const [composed, decomposed] = ["caf\u00e9.txt", "cafe\u0301.txt"].map(safe);
  for (const [here, typed] of [[composed, decomposed], [decomposed, composed]]) {
    catalogue.put(here!, signature(1), "pending");
    assertEquals(catalogue.lookUp(typed!)?.name, here);
    catalogue.remove(here!);
  }
  // Where both are there, they are two files.
  for (const name of [composed!, decomposed!]) catalogue.put(name, signature(1), "pending");
  for (const name of [composed!, decomposed!]) assertEquals(catalogue.lookUp(name)?.name, name);
  assertEquals(catalogue.lookUp(safe("cafe.txt")), undefined);
});
