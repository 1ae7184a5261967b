/** The files of a bundle, as they cross between threads. */
import { assertEquals } from "@std/assert";
import type { SafeFileName } from "../../../lib/ids.ts";
import { bundleFiles, filesOfBundle } from "../../../lib/protocol/base/bundle_files.ts";
import type { ServedFile } from "../../../lib/protocol/base/served_file.ts";

const signature = { sizeBytes: 7, mtimeMs: -1_500, ctimeMs: 1.25, inode: 2 ** 52 };
const plain = (name: string, dir = "/served", more: Partial<ServedFile> = {}): ServedFile => ({
  name: name as SafeFileName,
  place: { kind: "file", dir, name },
  ...signature,
  ...more,
});
const memory = new Uint8Array(new SharedArrayBuffer(3));

const FILES: readonly ServedFile[] = [
  plain("a/b ü"),
  plain("a/c", "/served", { isExecutable: true, mtimeRestNs: 999_999 }),
  plain("elsewhere", "/other"),
  { ...plain("x"), place: { kind: "file", dir: "/other", name: "its own name" } },
  { ...plain("in memory"), sizeBytes: 3, place: { kind: "memory", bytes: memory } },
  plain("log", "/served", { isPrefix: true }),
  plain("last", "/other", { sizeBytes: 0 }),
];

Deno.test("what was put into columns, and sent, comes out of them as it was", () => {
  const bundle = bundleFiles(FILES);
  assertEquals([bundle.count, bundle.sizeBytes], [7, 5 * 7 + 3]);
  assertEquals([...filesOfBundle(structuredClone(bundle))], FILES);
  assertEquals([...filesOfBundle(bundleFiles([]))], []);
});
