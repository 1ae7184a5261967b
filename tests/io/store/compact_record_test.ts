/** The record of a folder: what was put in is got back, from memory and from its bytes, and damaged bytes are none. */
import { assert, assertEquals } from "@std/assert";
import { hashHex } from "../../../lib/ids.ts";
import { CompactRecord } from "../../../lib/io/store/compact_record.ts";
import type { RecordedFile } from "../../../lib/io/store/tree_records.ts";

const FOLDER = "/out/t";

function file(number: number, more: Partial<RecordedFile> = {}): RecordedFile {
  return {
    path: `${FOLDER}/d/f${number}`,
    sha256: hashHex(number.toString(16).padStart(64, "0")),
    signature: {
      sizeBytes: number,
      mtimeMs: 1_000 + number,
      ctimeMs: 5.25 + number,
      inode: number,
    },
    ...more,
  };
}

const FILES = new Map<string, RecordedFile>([
  ...Array.from({ length: 200 }, (_, i): [string, RecordedFile] => [`d/f${i}`, file(i)]),
  ["elsewhere", file(300, { path: "/out/t/else\nwhere (2)" })],
  [
    "exact",
    file(301, {
      path: `${FOLDER}/exact`,
      signature: {
        ...{ sizeBytes: 2 ** 40, mtimeMs: -1, mtimeRestNs: 999_999, ctimeMs: 0.5, inode: 2 ** 50 },
        isExecutable: true,
      },
      given: { mtimeMs: -2, mtimeRestNs: 1, isExecutable: true },
    }),
  ],
  [
    "plain",
    file(302, { path: `${FOLDER}/plain`, given: { mtimeMs: 7, isExecutable: false } }),
  ],
]);

function filled(): CompactRecord {
  const record = new CompactRecord(FOLDER);
  for (const [name, each] of FILES) record.set(name, each);
  return record;
}

Deno.test("a record gives back what was put in, and the newest of a name", () => {
  const record = filled();
  assertEquals(new Map(record.entries()), FILES);
  record.set("exact", file(9));
  assertEquals(record.get("exact"), file(9));
  assert(record.delete("plain"));
  assertEquals([record.get("plain"), record.size], [undefined, FILES.size - 1]);
});

Deno.test("a record that was kept is the one that is read, and goes on", () => {
  const record = filled();
  record.delete("d/f7");
  const read = CompactRecord.decode(FOLDER, record.encode())!;
  const expected = new Map(FILES);
  expected.delete("d/f7");
  assertEquals(new Map(read.entries()), expected);
  read.set("new", file(77));
  assertEquals([read.get("new"), read.get("d/f8")], [file(77), file(8)]);
});

Deno.test("what is cut off, or no record, is none", () => {
  const bytes = filled().encode();
  for (let length = 0; length < bytes.length; length += 61) {
    assertEquals(CompactRecord.decode(FOLDER, bytes.slice(0, length)), undefined);
  }
  assertEquals(CompactRecord.decode(FOLDER, new TextEncoder().encode("[[]]".repeat(9))), undefined);
});
