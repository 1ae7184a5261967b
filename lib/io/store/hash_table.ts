/**
 * A SQLite database of hashes, by the signature that a file had when it was hashed. Several
 * processes may have it open. Every method may throw what SQLite throws.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Bytes, type FileSignature, type HashHex, hashHex } from "../../ids.ts";
import {
  INDEX_BUSY_MS,
  INDEX_KEEP_MS,
  INDEX_ROWS_PRUNED_MAX,
  INDEX_USED_GRAIN_MS,
} from "./limits.ts";
import { HASH_BYTES } from "../../limits.ts";
import { wallMs } from "../system/clock.ts";

/** Another number in a database means another layout. */
const SCHEMA_VERSION = 2;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    mtime_ms INTEGER NOT NULL,
    ctime_ms REAL NOT NULL,
    inode TEXT NOT NULL, -- 64 bits, which a number may not hold
    sha256 TEXT NOT NULL,
    root TEXT NOT NULL,
    layer BLOB, -- none for a file of one chunk, whose layer is its root
    used_ms INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS files_by_root ON files (root);
  CREATE INDEX IF NOT EXISTS files_by_use ON files (used_ms);
  -- Only of files that somebody asked for it: most are never asked for.
  CREATE TABLE IF NOT EXISTS md5s (
    path TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    mtime_ms INTEGER NOT NULL,
    ctime_ms REAL NOT NULL,
    inode TEXT NOT NULL,
    md5 TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS md5s_by_md5 ON md5s (md5);
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** What is known of a file's bytes. */
export interface IndexedHashes {
  readonly sha256: HashHex;
  readonly root: HashHex;
}

/** A database whose layout is not ours. */
export class SchemaMismatch extends Error {}

export class HashTable {
  readonly #database: DatabaseSync;
  readonly #statements: Statements;

  /** @param path of the database, made if need be; `:memory:` for one that nobody shares */
  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    try {
      this.#database.exec(
        `PRAGMA busy_timeout = ${INDEX_BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL`,
      );
      this.#checkVersion();
      this.#database.exec(SCHEMA);
      this.#statements = prepare(this.#database);
    } catch (thrown) {
      this.#database.close();
      throw thrown;
    }
  }

  find(path: string, signature: FileSignature): IndexedHashes | undefined {
    const { sizeBytes, mtimeMs, ctimeMs, inode } = signature;
    const row = this.#statements.find.get(path, sizeBytes, mtimeMs, ctimeMs, String(inode));
    if (row === undefined) return undefined;
    const nowMs = Math.trunc(wallMs());
    if (nowMs - Number(row["used_ms"]) > INDEX_USED_GRAIN_MS) {
      this.#statements.markUsed.run(nowMs, path);
    }
    return { sha256: hashHex(String(row["sha256"])), root: hashHex(String(row["root"])) };
  }

  /** Replaces whatever was known of `path`. */
  put(
    path: string,
    signature: FileSignature,
    hashes: IndexedHashes,
    layer: Bytes | undefined,
  ): void {
    const { sizeBytes, mtimeMs, ctimeMs, inode } = signature;
    this.#statements.put.run(
      path,
      sizeBytes,
      mtimeMs,
      ctimeMs,
      String(inode),
      hashes.sha256,
      hashes.root,
      layer ?? null,
      Math.trunc(wallMs()),
    );
  }

  /** The layer of any file with this content. */
  layerOf(root: HashHex, sizeBytes: number): Bytes | undefined {
    const layer = this.#statements.layer.get(root, sizeBytes)?.["layer"];
    return layer instanceof Uint8Array ? layer as Bytes : undefined;
  }

  /** The hash of one chunk in that layer. */
  layerHashOf(root: HashHex, sizeBytes: number, chunk: number): Bytes | undefined {
    const row = this.#statements.layerHash.get(chunk * HASH_BYTES + 1, HASH_BYTES, root, sizeBytes);
    const hash = row?.["hash"];
    return hash instanceof Uint8Array ? hash as Bytes : undefined;
  }

  /** 32 lower-case hex digits. */
  md5Of(path: string, signature: FileSignature): string | undefined {
    const { sizeBytes, mtimeMs, ctimeMs, inode } = signature;
    const row = this.#statements.md5.get(path, sizeBytes, mtimeMs, ctimeMs, String(inode));
    return row === undefined ? undefined : String(row["md5"]);
  }

  putMd5(path: string, signature: FileSignature, md5: string): void {
    const { sizeBytes, mtimeMs, ctimeMs, inode } = signature;
    this.#statements.putMd5.run(path, sizeBytes, mtimeMs, ctimeMs, String(inode), md5);
  }

  /** Where a file with this MD5 was, when it was last looked at; at most so many places. */
  pathsByMd5(md5: string, countMax: number): string[] {
    return this.#statements.pathsByMd5.all(md5, countMax).map((row) => String(row["path"]));
  }

  forget(path: string): void {
    this.#statements.forget.run(path);
    this.#statements.forgetMd5.run(path);
  }

  /** Drops rows that nobody has used for long, a bounded number of them. */
  prune(): void {
    this.#statements.prune.run(Math.trunc(wallMs()) - INDEX_KEEP_MS, INDEX_ROWS_PRUNED_MAX);
    this.#statements.pruneMd5s.run(INDEX_ROWS_PRUNED_MAX);
  }

  close(): void {
    this.#database.close();
  }

  #checkVersion(): void {
    const version = this.#database.prepare("PRAGMA user_version").get()?.["user_version"];
    if (version !== 0 && version !== SCHEMA_VERSION) {
      throw new SchemaMismatch(`the index has layout ${version}, not ${SCHEMA_VERSION}`);
    }
  }
}

type Statements = Readonly<
  Record<
    | "find"
    | "put"
    | "layer"
    | "layerHash"
    | "md5"
    | "putMd5"
    | "pathsByMd5"
    | "forget"
    | "forgetMd5"
    | "markUsed"
    | "prune"
    | "pruneMd5s",
    StatementSync
  >
>;

function prepare(database: DatabaseSync): Statements {
  return {
    find: database.prepare(
      "SELECT sha256, root, used_ms FROM files WHERE path = ? AND size_bytes = ? AND mtime_ms = ? AND ctime_ms = ? AND inode = ?",
    ),
    put: database.prepare("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
    layer: database.prepare(
      "SELECT layer FROM files WHERE root = ? AND size_bytes = ? AND layer IS NOT NULL LIMIT 1",
    ),
    layerHash: database.prepare(
      "SELECT substr(layer, ?, ?) AS hash FROM files WHERE root = ? AND size_bytes = ? AND layer IS NOT NULL LIMIT 1",
    ),
    md5: database.prepare(
      "SELECT md5 FROM md5s WHERE path = ? AND size_bytes = ? AND mtime_ms = ? AND ctime_ms = ? AND inode = ?",
    ),
    putMd5: database.prepare("INSERT OR REPLACE INTO md5s VALUES (?, ?, ?, ?, ?, ?)"),
    pathsByMd5: database.prepare("SELECT path FROM md5s WHERE md5 = ? LIMIT ?"),
    forgetMd5: database.prepare("DELETE FROM md5s WHERE path = ?"),
    pruneMd5s: database.prepare(
      "DELETE FROM md5s WHERE path IN (SELECT path FROM md5s WHERE path NOT IN (SELECT path FROM files) LIMIT ?)",
    ),
    forget: database.prepare("DELETE FROM files WHERE path = ?"),
    markUsed: database.prepare("UPDATE files SET used_ms = ? WHERE path = ?"),
    prune: database.prepare(
      "DELETE FROM files WHERE path IN (SELECT path FROM files WHERE used_ms < ? ORDER BY used_ms LIMIT ?)",
    ),
  };
}
