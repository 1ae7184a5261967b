/** Records of folders in the user's cache folder, one file each. */
import { join } from "@std/path/join";
import { toHex } from "../../ids.ts";
import { sha256 } from "../../protocol/base/sha256.ts";
import { cacheFolder, requirePrivateFolder } from "./cache_folder.ts";
import { CompactRecord } from "./compact_record.ts";
import type { TreeRecord, TreeRecords } from "./tree_records.ts";
import { TREE_RECORD_BYTES_MAX, TREE_RECORDS_MAX } from "./limits.ts";

/** @param dir the user's cache folder by default */
export function openTreeRecords(dir: string | undefined = cacheFolder()): TreeRecords {
  const trees = dir === undefined ? undefined : join(dir, "trees");
  if (trees === undefined || !isUsable(dir!, trees)) {
    return { manifestsDir: undefined, read: () => new Map(), write() {} };
  }
  const pathOf = (folder: string): string =>
    join(trees, `${toHex(sha256(new TextEncoder().encode(folder))).slice(0, 32)}.record`);
  return {
    manifestsDir: trees,
    read: (folder) => readRecord(folder, pathOf(folder)),
    write: (folder, record) => writeRecord(trees, pathOf(folder), folder, record),
  };
}

function isUsable(dir: string, trees: string): boolean {
  try {
    requirePrivateFolder(dir, []);
    requirePrivateFolder(trees, []);
    return true;
  } catch {
    return false;
  }
}

function readRecord(folder: string, path: string): TreeRecord {
  try {
    if (Deno.lstatSync(path).size <= TREE_RECORD_BYTES_MAX) {
      const record = CompactRecord.decode(folder, Deno.readFileSync(path));
      if (record !== undefined) return record;
    }
  } catch {
    // There is none.
  }
  return new CompactRecord(folder);
}

function writeRecord(dir: string, path: string, folder: string, record: TreeRecord): void {
  try {
    const temporary = `${path}.${crypto.randomUUID()}`;
    const options = { createNew: true, mode: 0o600 };
    Deno.writeFileSync(temporary, compact(folder, record).encode(), options);
    Deno.renameSync(temporary, path);
    removeOldest(dir);
  } catch {
    // The next run reads more.
  }
}

function compact(folder: string, record: TreeRecord): CompactRecord {
  if (record instanceof CompactRecord) return record;
  const made = new CompactRecord(folder);
  for (const [name, file] of record.entries()) made.set(name, file);
  return made;
}

function removeOldest(dir: string): void {
  const files = [...Deno.readDirSync(dir)].filter(({ isFile }) => isFile)
    .map(({ name }) => ({ path: join(dir, name), age: Deno.lstatSync(join(dir, name)).mtime }));
  files.sort((a, b) => (b.age?.getTime() ?? 0) - (a.age?.getTime() ?? 0));
  for (const { path } of files.slice(TREE_RECORDS_MAX)) Deno.removeSync(path);
}
