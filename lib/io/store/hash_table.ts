/**
 * A SQLite database of hashes, by the signature that a file had when it was hashed. Several
 * processes may have it open. Every method may throw what SQLite throws.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Bytes, type FileSignature, type HashHex, hashHex } from "../../ids.ts";
import {
  INDEX_BUSY_MS,
  INDEX_KEEP_MS,
  INDEX_LAYERS_PRUNED_MAX,
  INDEX_ROWS_PRUNED_MAX,
  INDEX_USED_GRAIN_MS,
  LAYER_PART_BYTES,
  LAYER_PARTS_MAX,
} from "./limits.ts";
import { type Clock, wallMs } from "../system/clock.ts";

/** Another number in a database means another layout. */
const SCHEMA_VERSION = 3;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    mtime_ms INTEGER NOT NULL,
    ctime_ms REAL NOT NULL,
    inode TEXT NOT NULL, -- 64 bits, which a number may not hold
    sha256 TEXT NOT NULL,
    root TEXT NOT NULL,
    used_ms INTEGER NOT NULL
  );
  -- Of files of more than one chunk. The layer and the rows of the tree above its pages are cut in parts,
  -- so that what proves a page is read without the rest; part I of a layer has the id
  -- layers.id * LAYER_PARTS_MAX + I.
  CREATE TABLE IF NOT EXISTS layers (
    id INTEGER PRIMARY KEY,
    root TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    UNIQUE (root, size_bytes)
  );
  CREATE TABLE IF NOT EXISTS layer_parts (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
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
  readonly #clock: Clock;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;

  /** @param path of the database, made if need be; `:memory:` for one that nobody shares */
  constructor(clock: Clock, path: string) {
    this.#clock = clock;
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
    const nowMs = Math.trunc(wallMs(this.#clock));
    if (nowMs - Number(row["used_ms"]) > INDEX_USED_GRAIN_MS) {
      this.#statements.markUsed.run(nowMs, path);
    }
    return { sha256: hashHex(String(row["sha256"])), root: hashHex(String(row["root"])) };
  }

  /**
   * Replaces whatever was known of `path`.
   *
   * @param tree the piece layer and the rows above its pages; none for a file of one chunk
   */
  put(
    path: string,
    signature: FileSignature,
    hashes: IndexedHashes,
    tree: Bytes | undefined,
  ): void {
    const { sizeBytes, mtimeMs, ctimeMs, inode } = signature;
    const { sha256, root } = hashes;
    this.#inTransaction(() => {
      const usedMs = Math.trunc(wallMs(this.#clock));
      this.#statements.put.run(
        ...[path, sizeBytes, mtimeMs, ctimeMs, String(inode), sha256, root, usedMs],
      );
      if (tree !== undefined) this.#putTree(root, sizeBytes, tree);
    });
  }

  /** Part `part` of the tree over the layer of this content. */
  layerPart(root: HashHex, sizeBytes: number, part: number): Bytes | undefined {
    const bytes = this.#statements.layerPart.get(part, root, sizeBytes)?.["bytes"];
    return bytes instanceof Uint8Array ? bytes as Bytes : undefined;
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
    this.#inTransaction(() => {
      const layer = this.#statements.onlyLayerOf.get(path);
      this.#statements.forget.run(path);
      this.#statements.forgetMd5.run(path);
      if (layer !== undefined) this.#dropLayer(Number(layer["id"]));
    });
  }

  /** Drops rows that nobody has used for long, a bounded number of them. */
  prune(): void {
    this.#statements.prune.run(
      Math.trunc(wallMs(this.#clock)) - INDEX_KEEP_MS,
      INDEX_ROWS_PRUNED_MAX,
    );
    this.#statements.pruneMd5s.run(INDEX_ROWS_PRUNED_MAX);
    this.#inTransaction(() => {
      for (const { id } of this.#statements.unusedLayers.all(INDEX_LAYERS_PRUNED_MAX)) {
        this.#dropLayer(Number(id));
      }
    });
  }

  close(): void {
    this.#database.close();
  }

  #putTree(root: HashHex, sizeBytes: number, tree: Bytes): void {
    const known = this.#statements.layerId.get(root, sizeBytes);
    if (known !== undefined) this.#dropLayer(Number(known["id"]));
    const { lastInsertRowid } = this.#statements.putLayer.run(root, sizeBytes);
    const firstId = Number(lastInsertRowid) * LAYER_PARTS_MAX;
    for (let part = 0; part * LAYER_PART_BYTES < tree.length; part++) {
      const at = part * LAYER_PART_BYTES;
      this.#statements.putPart.run(firstId + part, tree.subarray(at, at + LAYER_PART_BYTES));
    }
  }

  #dropLayer(id: number): void {
    this.#statements.dropParts.run(id * LAYER_PARTS_MAX, (id + 1) * LAYER_PARTS_MAX);
    this.#statements.dropLayer.run(id);
  }

  /** All or nothing, and not in between what other processes write. */
  #inTransaction(body: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      body();
      this.#database.exec("COMMIT");
    } catch (thrown) {
      this.#database.exec("ROLLBACK");
      throw thrown;
    }
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
    | "layerPart"
    | "layerId"
    | "putLayer"
    | "putPart"
    | "dropParts"
    | "dropLayer"
    | "unusedLayers"
    | "onlyLayerOf"
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
    put: database.prepare("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
    layerPart: database.prepare(
      `SELECT bytes FROM layer_parts WHERE id = ? + ${LAYER_PARTS_MAX} * ` +
        "(SELECT id FROM layers WHERE root = ? AND size_bytes = ?)",
    ),
    layerId: database.prepare("SELECT id FROM layers WHERE root = ? AND size_bytes = ?"),
    putLayer: database.prepare("INSERT INTO layers (root, size_bytes) VALUES (?, ?)"),
    putPart: database.prepare("INSERT INTO layer_parts VALUES (?, ?)"),
    dropParts: database.prepare("DELETE FROM layer_parts WHERE id >= ? AND id < ?"),
    dropLayer: database.prepare("DELETE FROM layers WHERE id = ?"),
    unusedLayers: database.prepare(
      "SELECT id FROM layers WHERE NOT EXISTS (SELECT 1 FROM files " +
        "WHERE files.root = layers.root AND files.size_bytes = layers.size_bytes) LIMIT ?",
    ),
    onlyLayerOf: database.prepare(
      "SELECT layers.id FROM files JOIN layers USING (root, size_bytes) WHERE path = ? AND NOT EXISTS " +
        "(SELECT 1 FROM files AS others WHERE others.root = files.root " +
        "AND others.size_bytes = files.size_bytes AND others.path <> files.path)",
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
