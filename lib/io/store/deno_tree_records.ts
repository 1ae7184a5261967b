/** Records of folders in the user's cache folder, one file each. */
import { join } from "node:path";
import { toHex } from "../../ids.ts";
import { sha256 } from "../../protocol/base/sha256.ts";
import { cacheFolder, requirePrivateFolder } from "./cache_folder.ts";
import type { RecordedFile, TreeRecord, TreeRecords } from "./tree_records.ts";
import { TREE_RECORD_BYTES_MAX, TREE_RECORDS_MAX } from "./limits.ts";

/** @param dir the user's cache folder by default */
export function openTreeRecords(dir: string | undefined = cacheFolder()): TreeRecords {
  const trees = dir === undefined ? undefined : join(dir, "trees");
  if (trees === undefined || !isUsable(dir!, trees)) {
    return { manifestsDir: undefined, read: () => new Map(), write() {} };
  }
  const pathOf = (folder: string): string =>
    join(trees, `${toHex(sha256(new TextEncoder().encode(folder))).slice(0, 32)}.json`);
  return {
    manifestsDir: trees,
    read: (folder) => readRecord(pathOf(folder)),
    write: (folder, record) => writeRecord(trees, pathOf(folder), record),
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

function readRecord(path: string): TreeRecord {
  try {
    if (Deno.lstatSync(path).size > TREE_RECORD_BYTES_MAX) return new Map();
    const found: unknown = JSON.parse(Deno.readTextFileSync(path));
    return new Map(Array.isArray(found) ? found.filter(isRecorded) : []);
  } catch {
    return new Map();
  }
}

function writeRecord(dir: string, path: string, record: TreeRecord): void {
  try {
    const temporary = `${path}.${crypto.randomUUID()}`;
    const text = JSON.stringify([...record]);
    Deno.writeTextFileSync(temporary, text, { createNew: true, mode: 0o600 });
    Deno.renameSync(temporary, path);
    removeOldest(dir);
  } catch {
    // The next run reads more.
  }
}

function removeOldest(dir: string): void {
  const files = [...Deno.readDirSync(dir)].filter(({ isFile }) => isFile)
    .map(({ name }) => ({ path: join(dir, name), age: Deno.lstatSync(join(dir, name)).mtime }));
  files.sort((a, b) => (b.age?.getTime() ?? 0) - (a.age?.getTime() ?? 0));
  for (const { path } of files.slice(TREE_RECORDS_MAX)) Deno.removeSync(path);
}

function isRecorded(each: unknown): each is [string, RecordedFile] {
  if (!Array.isArray(each) || typeof each[0] !== "string") return false;
  const { path, sha256: digest, signature } = each[1] ?? {};
  return typeof path === "string" && typeof digest === "string" && typeof signature === "object" &&
    signature !== null && typeof signature.sizeBytes === "number";
}
