import { assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { crc32 } from "../../lib/wire/crc32.ts";
import {
  zipEnd,
  zipEndBytes,
  zipEntry,
  zipEntryBytes,
  zipFileHead,
  zipFileTail,
  zippedBytes,
  type ZippedFile,
} from "../../lib/wire/zip.ts";
import { withFolder } from "../support/folder.ts";
import { canRun, canTouchFiles } from "../support/permissions.ts";

const canUnpack = await canTouchFiles() && await canRun("python3");
const canUnzip = await canTouchFiles() && await canRun("unzip");
const GIB = 2 ** 30;

/** An archive of files of zeros, of which only what is around them is written: what is between is a hole. */
async function writeArchive(path: string, files: readonly ZippedFile[]): Promise<void> {
  using archive = await Deno.open(path, { write: true, create: true });
  let offset = 0;
  const write = async (bytes: Uint8Array, at: number): Promise<void> => {
    await archive.seek(at, Deno.SeekMode.Start);
    await archive.write(bytes);
  };
  const entries = files.map((file) => {
    const crc = file.sizeBytes < 100 ? crc32(new Uint8Array(file.sizeBytes)) : 0;
    const entry = { file, crc, offset };
    offset += zippedBytes(file);
    return entry;
  });
  const directory = { fileCount: files.length, offset, lengthBytes: 0 };
  for (const { file, crc, offset } of entries) {
    const tail = zipFileTail(file, crc);
    await write(zipFileHead(file), offset);
    await write(tail, offset + zippedBytes(file) - tail.length);
    const entry = zipEntry(file, crc, offset);
    assertEquals(entry.length, zipEntryBytes(file, offset));
    await write(entry, directory.offset + directory.lengthBytes);
    directory.lengthBytes += entry.length;
  }
  const end = zipEnd(directory);
  assertEquals(end.length, zipEndBytes(directory));
  await write(end, directory.offset + directory.lengthBytes);
}

/** Name, size, time as DOS has it, mode, the first two bytes, and whether the name is said to be UTF-8. */
const DETAILS = `[[i.filename, i.file_size, list(i.date_time), i.external_attr >> 16,
  z.open(i).read(2).hex(), i.flag_bits >> 11 & 1] for i in z.infolist()]`;

/** What another program finds in it. */
async function unpacked(path: string): Promise<unknown> {
  const program = `import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
print(json.dumps(${DETAILS}))`;
  const { stdout, stderr, success } = await new Deno.Command("python3", {
    args: ["-c", program, path],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

const modifiedMs = Date.UTC(2024, 1, 29, 12, 34, 56);
const plain = { modifiedMs, isExecutable: false };

Deno.test({
  name: "another program finds what was put into an archive, however large",
  ignore: !canUnpack,
  fn: () =>
    withFolder({}, async (dir) => {
      const path = join(dir, "a.zip");
      const files = [
        { ...plain, name: "ä/€😀\ud83d.txt".toWellFormed(), sizeBytes: 3 },
        { ...plain, name: "large.bin", sizeBytes: 5 * GIB },
        { ...plain, name: "largest.bin", sizeBytes: 4 * GIB - 1 },
        { name: "run.sh", sizeBytes: 2, modifiedMs: Date.UTC(1969, 0, 1), isExecutable: true },
        { ...plain, name: "empty", sizeBytes: 0, modifiedMs: Date.UTC(2150, 0, 1) },
      ];
      await writeArchive(path, files);
      const time = [2024, 2, 29, 12, 34, 56];
      assertEquals(await unpacked(path), [
        ["ä/€😀\ufffd.txt", 3, time, 0o100644, "0000", 1],
        ["large.bin", 5 * GIB, time, 0o100644, "0000", 1],
        ["largest.bin", 4 * GIB - 1, time, 0o100644, "0000", 1],
        ["run.sh", 2, [1980, 1, 1, 0, 0, 0], 0o100755, "0000", 1],
        ["empty", 0, [2107, 12, 31, 0, 0, 0], 0o100644, "", 1],
      ]);
    }),
});

Deno.test({
  name: "its times are exact where whoever unpacks it knows how",
  ignore: !canUnzip,
  fn: () =>
    withFolder({}, async (dir) => {
      await writeArchive(join(dir, "a.zip"), [
        { ...plain, name: "odd", sizeBytes: 1, modifiedMs: modifiedMs + 1_000 },
      ]);
      const { success } = await new Deno.Command("unzip", {
        ...{ args: ["-q", join(dir, "a.zip")], cwd: dir, env: { TZ: "Asia/Kolkata" } },
      }).output();
      assertEquals(success, true);
      const { mtime } = await Deno.stat(join(dir, "odd"));
      assertEquals(mtime?.getTime(), modifiedMs + 1_000);
    }),
});
