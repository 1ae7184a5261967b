/** Hashes in databases of the platform's disk, one per cache folder. */
import { join } from "@std/path/join";
import type { Clock } from "../system/clock.ts";
import { cacheFolder, DATABASE_SUFFIXES, requirePrivateFolder } from "./cache_folder.ts";
import { causeText, type HashFiles, isBusy, isUseless } from "./hash_files.ts";
import { HashTable } from "./hash_table.ts";
import { INDEX_OPEN_TRIES_MAX } from "./limits.ts";

const FILE_NAME = "index.sqlite";

export const denoHashFiles: HashFiles = {
  open(clock, cacheDir, onNotice) {
    const dir = cacheDir ?? cacheFolder();
    if (dir === undefined || !isPermitted(dir)) {
      throw new Error("the cache folder may not be used");
    }
    requirePrivateFolder(dir, DATABASE_SUFFIXES.map((suffix) => FILE_NAME + suffix));
    const path = join(dir, FILE_NAME);
    const set = { setAside: () => setAside(path) };
    try {
      return { table: openPatiently(clock, path), ...set };
    } catch (thrown) {
      if (!isUseless(thrown)) throw thrown;
      setAside(path);
      onNotice(`${path} could not be used (${causeText(thrown)}): starting a new index`);
      return { table: openPatiently(clock, path), ...set };
    }
  },
};

/** SQLite does not wait for its turn to switch a new database to WAL, so several tries are made. */
function openPatiently(clock: Clock, path: string): HashTable {
  for (let triesLeft = INDEX_OPEN_TRIES_MAX - 1;; triesLeft--) {
    try {
      return new HashTable(clock, path);
    } catch (thrown) {
      if (triesLeft === 0 || !isBusy(thrown)) throw thrown;
    }
  }
}

function isPermitted(dir: string): boolean {
  return (["read", "write"] as const).every((name) =>
    Deno.permissions.querySync({ name, path: dir }).state === "granted"
  );
}

/** Moves a database out of the way, with the files that SQLite keeps beside it, as far as it can. */
function setAside(path: string): void {
  for (const suffix of DATABASE_SUFFIXES) {
    try {
      Deno.renameSync(path + suffix, `${path}.unusable${suffix}`);
    } catch {
      // What stays in the way shows when the new one is opened.
    }
  }
}
