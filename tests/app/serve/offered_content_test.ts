import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { hashHex, type SafeFileName } from "../../../lib/ids.ts";
import { ShoalError } from "../../../lib/errors.ts";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import { OfferedContent } from "../../../lib/app/serve/offered_content.ts";
import { Catalogue } from "../../../lib/protocol/serve/catalogue.ts";

const HASHES = { sha256: hashHex("a".repeat(64)), root: hashHex("b".repeat(64)) };
const BYTES = new Uint8Array(new SharedArrayBuffer(10)).map((_, i) => i);

/** An index of these names, each of ten bytes in memory. */
function offeredWith(...names: readonly string[]) {
  const catalogue = new Catalogue();
  const signature = { sizeBytes: 10, mtimeMs: 5, ctimeMs: 5, inode: 1 };
  const bytes = new Uint8Array(new SharedArrayBuffer(10));
  bytes.set(BYTES);
  for (const name of names as SafeFileName[]) {
    catalogue.put(name, signature, "pending");
    catalogue.ready(name, HASHES);
  }
  const looked: string[] = [];
  const read: unknown[] = [];
  const index = {
    catalogue,
    placeOf: () => ({ kind: "memory", bytes }) as const,
    prioritise: (name: string) => void looked.push(`hash ${name}`),
    refresh: ({ name }: { readonly name: string }) => void looked.push(`look ${name}`),
    recheck: (name: string) => void looked.push(`recheck ${name}`),
  };
  return {
    ...{ catalogue, signature, looked },
    offered: new OfferedContent(denoRuntime().disk, index, {
      ...{ revisionPrefix: "0", onRead: (part) => void read.push(part) },
    }),
    read,
  };
}

const names = (entries: readonly { readonly name: string }[]) => entries.map(({ name }) => name);

Deno.test("what is offered comes in the order of its names, page by page", () => {
  const { offered } = offeredWith("b/c/1", "b.txt", "b/a", "a", "b/c/2", "bb/x", "c");
  assertEquals(names(offered.files({ countMax: 3 })), ["a", "b.txt", "b/a"]);
  assertEquals(names(offered.files({ after: "b/a", countMax: 2 })), ["b/c/1", "b/c/2"]);
  assertEquals(names(offered.files({ folder: "b" })), ["b/a", "b/c/1", "b/c/2"]);
  assertEquals(names(offered.files({ folder: "b", after: "b/c/1" })), ["b/c/2"]);
  assertEquals(names(offered.files({ folder: "b", after: "z" })), []);
  assertEquals(names(offered.files({ folder: "../b" })), []);
  assertEquals([offered.fileCount(), offered.fileCount("b"), offered.fileCount("b/c")], [7, 3, 2]);
  assertEquals([offered.fileCount("a"), offered.fileCount("nothing")], [0, 0]);
});

Deno.test("a folder shows its files and its folders, and not what is in those", () => {
  const { offered } = offeredWith("b/c/1", "b.txt", "b/a", "a", "b/c/2", "bb/x", "c");
  assertEquals(names(offered.entries()), ["a", "b.txt", "b", "bb", "c"]);
  assertEquals(offered.entries()[2], { name: "b", fileCount: 3 });
  assertEquals(names(offered.entries({ folder: "b" })), ["b/a", "b/c"]);
  assertEquals(names(offered.entries({ countMax: 2, after: "a" })), ["b.txt", "b"]);
  assertEquals(names(offered.entries({ after: "b/" })), ["bb", "c"]);
  assertEquals(names(offered.entries({ after: "b.txt" })), ["b", "bb", "c"]);
  assertEquals(names(offered.entries({ folder: "b", after: "b/c/" })), []);
  assertEquals(names(offered.entries({ folder: "nothing" })), []);
});

Deno.test("a page of a folder looks at what it shows, and not at what lies below it", () => {
  const many = Array.from({ length: 50_000 }, (_, i) => `deep/${i % 10}/${i}`);
  const { offered } = offeredWith(...many, "z");
  offered.files({ countMax: 1 });
  const entries = offered.entries();
  assertEquals(entries[0], { name: "deep", fileCount: 50_000 });
  assertEquals(offered.entries({ folder: "deep" }).length, 10);
  assertEquals(offered.entries({ folder: "deep/3" }).length, 1_000);
});

Deno.test("a file is found by its name in either normal form, and by its hash", () => {
  const { offered } = offeredWith("\u00fc.txt");
  assertEquals(offered.find({ name: "u\u0308.txt" })?.name, "\u00fc.txt");
  assertEquals(offered.find({ name: "../a" }), undefined);
  assertEquals(offered.find({ sha256: "A".repeat(64) })?.sha256, HASHES.sha256);
  assertEquals(offered.find({ sha256: "c".repeat(64) }), undefined);
});

Deno.test("a stream has the bytes that were asked for, whoever brings the buffer", async () => {
  const { offered } = offeredWith("a");
  const read = async (
    offset: number,
    lengthBytes: number,
  ) => [...await new Response(offered.open("a", { offset, lengthBytes }).stream).bytes()];
  assertEquals(await read(0, 10), [...BYTES]);
  assertEquals(await read(3, 4), [3, 4, 5, 6]);
  assertEquals(await read(10, 0), []);
  const reader = offered.open("a").stream.getReader({ mode: "byob" });
  const pieces: number[][] = [];
  for (let buffer = new ArrayBuffer(4);;) {
    const { value, done } = await reader.read(new Uint8Array(buffer));
    if (done) break;
    pieces.push([...value]);
    buffer = value.buffer;
  }
  assertEquals(pieces, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]);
  for (const [offset, lengthBytes] of [[0, 11], [-1, 2], [5, 6], [0.5, 1], [NaN, 1]] as const) {
    const error = assertThrows(() => offered.open("a", { offset, lengthBytes }), ShoalError);
    assertEquals((error as ShoalError).code, "usage");
  }
});

Deno.test("what is read for somebody is told of, and what is read for nobody is not", async () => {
  const { offered, read } = offeredWith("b/a");
  await new Response(offered.open("b/a").stream).bytes();
  assertEquals(read, []);
  const to = { address: "10.0.0.1", port: 5, folder: "b" };
  const reader = offered.open("b/a", { offset: 0, lengthBytes: 6 }, to).stream.getReader({
    mode: "byob",
  });
  await reader.read(new Uint8Array(4));
  await reader.read(new Uint8Array(4));
  await reader.cancel();
  const part = { to, name: "b/a", sizeBytes: 10 };
  assertEquals(read, [{ ...part, bytes: 4, begins: true }, { ...part, bytes: 2, begins: false }]);
});

Deno.test("what is still being written is not read, and what is not hashed yet is hashed first", () => {
  const { offered, catalogue, signature, looked } = offeredWith();
  const code = (name: string) =>
    (assertThrows(() => offered.open(name), ShoalError) as ShoalError).code;
  catalogue.put("new" as SafeFileName, signature, "settling");
  assertEquals([code("new"), code("gone"), code("../a")], ["changed", "not_found", "not_found"]);
  catalogue.put("next" as SafeFileName, signature, "pending");
  const { file, stream } = offered.open("next");
  assertEquals([file.state, file.sha256], ["pending", undefined]);
  void stream.cancel();
  assertEquals(looked, ["look new", "look next", "hash next"]);
});

Deno.test("a server that stops ends what is being read", async () => {
  const { offered } = offeredWith("a");
  const { stream } = offered.open("a");
  offered.close();
  const error = await assertRejects(() => new Response(stream).bytes(), Error);
  assert(error instanceof ShoalError && error.code === "interrupted");
});

Deno.test("a revision changes with what is offered", () => {
  const { offered, catalogue, signature } = offeredWith("a");
  const before = offered.revision;
  assertEquals(offered.revision, before);
  catalogue.put("b" as SafeFileName, signature, "pending");
  assert(offered.revision !== before);
});
