/** What a master remembers, in SQLite: a file that outlives it, or memory. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { join } from "@std/path";
import { hashHex, type SafeFileName, serverId } from "../ids.ts";
import { ShoalError } from "../errors.ts";
import { LOCATED_SERVERS_MAX, NAME_BYTES_MAX, REGISTRY_CHANGES_MAX } from "../limits.ts";
import { HolderCollector } from "../protocol/located_files.ts";
import type {
  Lease,
  LocatedFile,
  LocateQuery,
  RegisteredFile,
  RegisteredServer,
  RegistryChanges,
  RegistryStats,
  RegistryStore,
  RegistryUpdate,
} from "../protocol/registry_store.ts";
import { cacheFolder } from "./cache_folder.ts";
import { yieldToEvents } from "./clock.ts";

/** Another program that writes to the same file is waited for this long. */
const BUSY_MS = 5_000;
const CACHE_KIB = 64 * 1024;
/** Contents of one name, or names of one content, that are told of. */
const CONTENTS_MAX = 64;
/** Of one content, so many holders are looked at. */
const HOLDERS_MAX = 2 * LOCATED_SERVERS_MAX;
/** Files of a lease that is gone are forgotten so many at a time, so that nobody waits for long. */
const FORGET_STEP = 500;
/** Old changes are dropped after so many new ones. */
const CHANGES_PER_TRIM = 4_096;

/**
 * A lease's files belong to its `generation`; one that no lease has any more counts for nothing, and
 * is removed in small steps. Names are UTF-16, big end first, because that sorts as names compare.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS leases (
    lease TEXT PRIMARY KEY, generation INTEGER NOT NULL UNIQUE, server TEXT NOT NULL,
    address TEXT NOT NULL, port INTEGER NOT NULL, expiresMs REAL NOT NULL,
    revision INTEGER NOT NULL, fileCount INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS files (
    generation INTEGER NOT NULL, name BLOB NOT NULL, sizeBytes INTEGER NOT NULL,
    mtimeMs REAL NOT NULL, sha256 BLOB NOT NULL, root BLOB NOT NULL,
    PRIMARY KEY (generation, name)
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX IF NOT EXISTS filesByName ON files (name, sha256);
  CREATE INDEX IF NOT EXISTS filesByContent ON files (sha256, name);
  CREATE TABLE IF NOT EXISTS changes (number INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL)
    STRICT;
`;

interface LeaseRow {
  readonly generation: number;
  readonly revision: number;
  readonly fileCount: number;
}

interface Row {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly root: Uint8Array;
  readonly server: string;
  readonly address: string;
  readonly port: number;
}

export class SqliteRegistry implements RegistryStore {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** Generations that no lease has any more. */
  readonly #orphans = new Set<number>();
  #forgetting: Promise<void> = Promise.resolve();
  #isForgetting = false;
  #nextGeneration: number;
  #changesSinceTrim = 0;
  #isEnded = false;

  /**
   * Opens the file at `path`, or `:memory:`. Throws ShoalError `disk` for a file that cannot be used.
   */
  static open(path: string): Promise<SqliteRegistry> {
    try {
      return Promise.resolve(new SqliteRegistry(path));
    } catch (cause) {
      const error = new ShoalError("disk", `cannot use ${path} as a store`, {
        hint: "Name a file in a folder that may be written, or one that a master has made.",
        cause,
      });
      return Promise.reject(error);
    }
  }

  /** Opens a file of the user's cache folder. Throws like {@linkcode SqliteRegistry.open}. */
  static async openInCache(name: string): Promise<SqliteRegistry> {
    const folder = cacheFolder();
    if (folder === undefined) return await SqliteRegistry.open(":memory:");
    try {
      Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch {
      // Opening it says what is wrong.
    }
    return await SqliteRegistry.open(join(folder, name));
  }

  private constructor(path: string) {
    this.#db = new DatabaseSync(path);
    this.#db.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA cache_size = -${CACHE_KIB};`);
    // What is lost with the power is registered again within seconds.
    this.#db.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;",
    );
    this.#db.exec(SCHEMA);
    const orphaned = "SELECT DISTINCT generation FROM files EXCEPT SELECT generation FROM leases";
    for (const { generation } of this.#all<{ generation: number }>(orphaned)) {
      this.#orphans.add(generation);
    }
    const last = this.#all<{ last: number | null }>(
      "SELECT max((SELECT ifnull(max(generation), 0) FROM files), " +
        "(SELECT ifnull(max(generation), 0) FROM leases)) AS last",
    );
    this.#nextGeneration = (last[0]?.last ?? 0) + 1;
    this.#forget();
  }

  // — Leases ————————————————————————————————————————————————————————————————————————————————————

  open(lease: Lease, holder: RegisteredServer, expiresMs: number): Promise<void> {
    const { server, endpoint: { address, port } } = holder;
    this.#run(
      "INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?, 0, 0)",
      ...[lease, this.#nextGeneration++, server, address, port, expiresMs],
    );
    return Promise.resolve();
  }

  resume(
    lease: Lease,
    next: Lease,
    holder: RegisteredServer,
    expiresMs: number,
  ): Promise<number | undefined> {
    const { server, endpoint: { address, port } } = holder;
    const taken = this.#run(
      "UPDATE leases SET lease = ?, address = ?, port = ?, expiresMs = ? " +
        "WHERE lease = ? AND server = ?",
      ...[next, address, port, expiresMs, lease, server],
    );
    return Promise.resolve(taken === 0 ? undefined : this.#leaseRow(next)?.revision);
  }

  renew(lease: Lease, expiresMs: number): Promise<boolean> {
    const renewed = this.#run("UPDATE leases SET expiresMs = ? WHERE lease = ?", expiresMs, lease);
    return Promise.resolve(renewed > 0);
  }

  update(
    lease: Lease,
    update: RegistryUpdate,
    expiresMs: number,
  ): Promise<number | undefined> {
    const row = this.#leaseRow(lease);
    if (row === undefined) return Promise.resolve(undefined);
    let { generation, fileCount } = row;
    this.#inTransaction(() => {
      if (update.isReset) {
        this.#orphans.add(generation);
        [generation, fileCount] = [this.#nextGeneration++, 0];
      }
      fileCount += this.#put(generation, distinct(update.put));
      fileCount -= this.#remove(generation, update.remove);
      this.#run(
        "UPDATE leases SET generation = ?, revision = ?, fileCount = ?, expiresMs = ? WHERE lease = ?",
        ...[generation, update.revision, fileCount, expiresMs, lease],
      );
      this.#trimChanges();
    });
    this.#forget();
    return Promise.resolve(fileCount);
  }

  close(lease: Lease): Promise<void> {
    const row = this.#leaseRow(lease);
    if (row === undefined) return Promise.resolve();
    this.#run("DELETE FROM leases WHERE lease = ?", lease);
    this.#orphans.add(row.generation);
    this.#forget();
    return Promise.resolve();
  }

  sweep(nowMs: number): Promise<number> {
    const expired = this.#all<{ generation: number }>(
      "DELETE FROM leases WHERE expiresMs <= ? RETURNING generation",
      nowMs,
    );
    for (const { generation } of expired) this.#orphans.add(generation);
    this.#forget();
    return Promise.resolve(expired.length);
  }

  // — Questions —————————————————————————————————————————————————————————————————————————————————

  locate(queries: readonly LocateQuery[], nowMs: number): Promise<LocatedFile[][]> {
    return Promise.resolve(queries.map((query) => {
      if (query.by === "name") return this.#withName(encodeName(query.name), nowMs);
      return this.#withContent(Uint8Array.fromHex(query.sha256), nowMs);
    }));
  }

  page(
    prefix: string,
    after: SafeFileName | undefined,
    countMax: number,
    nowMs: number,
  ): Promise<LocatedFile[]> {
    const isAfter = after !== undefined && after >= prefix;
    const names = this.#all<{ name: Uint8Array }>(
      `SELECT DISTINCT name FROM files CROSS JOIN leases USING (generation) WHERE name ` +
        `${isAfter ? ">" : ">="} ? AND name < ? AND expiresMs > ? ORDER BY name LIMIT ?`,
      ...[encodeName(isAfter ? after : prefix), endOfPrefix(prefix), nowMs, countMax],
    );
    return Promise.resolve(names.flatMap(({ name }) => this.#withName(name, nowMs)));
  }

  changes(since: number | undefined, countMax: number): Promise<RegistryChanges> {
    const [bounds] = this.#all<{ first: number; last: number }>(
      "SELECT ifnull(min(number), 1) AS first, " +
        "ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0) AS last FROM changes",
    );
    const { first, last } = bounds!;
    if (since === undefined || since < first - 1 || since > last) {
      const isStale = since !== undefined;
      return Promise.resolve({ cursor: last, isStale, names: [], hasMore: false });
    }
    const rows = this.#all<{ number: number; name: Uint8Array }>(
      "SELECT number, name FROM changes WHERE number > ? ORDER BY number LIMIT ?",
      since,
      countMax,
    );
    const names = [...new Set(rows.map(({ name }) => decodeName(name)))];
    const cursor = rows.at(-1)?.number ?? since;
    return Promise.resolve({ cursor, isStale: false, names, hasMore: cursor < last });
  }

  stats(nowMs: number): Promise<RegistryStats> {
    const [stats] = this.#all<{ servers: number; files: number }>(
      "SELECT count(DISTINCT server) AS servers, ifnull(sum(fileCount), 0) AS files FROM leases " +
        "WHERE expiresMs > ?",
      nowMs,
    );
    return Promise.resolve(stats!);
  }

  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#forgetting;
    this.#statements.clear();
    this.#db.close();
  }

  #withName(name: Uint8Array, nowMs: number): LocatedFile[] {
    const next = "SELECT sha256 AS found FROM files WHERE name = ? AND sha256 > ? " +
      "ORDER BY sha256 LIMIT 1";
    const contents = this.#steps(next, name);
    return contents.flatMap((sha256) => this.#located(name, sha256, nowMs));
  }

  #withContent(sha256: Uint8Array, nowMs: number): LocatedFile[] {
    const next = "SELECT name AS found FROM files WHERE sha256 = ? AND name > ? " +
      "ORDER BY name LIMIT 1";
    const names = this.#steps(next, sha256);
    return names.flatMap((name) => this.#located(name, sha256, nowMs));
  }

  /** From one value to the next: a thousand servers may have the same file, which is one step. */
  #steps(sql: string, key: Uint8Array): Uint8Array[] {
    const steps: Uint8Array[] = [];
    while (steps.length < CONTENTS_MAX) {
      const [row] = this.#all<{ found: Uint8Array }>(sql, key, steps.at(-1) ?? new Uint8Array(0));
      if (row === undefined) break;
      steps.push(row.found);
    }
    return steps;
  }

  #located(name: Uint8Array, sha256: Uint8Array, nowMs: number): LocatedFile[] {
    // Of servers that are many enough, any is begun with, to share the load.
    const start = Math.floor(Math.random() * this.#nextGeneration);
    const rows = this.#holders(name, sha256, ">=", start, nowMs);
    if (rows.length < HOLDERS_MAX) rows.push(...this.#holders(name, sha256, "<", start, nowMs));
    const collector = new HolderCollector();
    for (const { sizeBytes, mtimeMs, root, server, address, port } of rows) {
      collector.add({
        name: decodeName(name),
        sizeBytes,
        mtimeMs,
        sha256: hashHex(sha256.toHex()),
        root: hashHex(root.toHex()),
      }, { server: serverId(server), endpoint: { address, port } });
    }
    return collector.files();
  }

  #holders(
    name: Uint8Array,
    sha256: Uint8Array,
    side: ">=" | "<",
    generation: number,
    nowMs: number,
  ): Row[] {
    return this.#all<Row>(
      "SELECT sizeBytes, mtimeMs, root, server, address, port FROM files CROSS JOIN leases " +
        `USING (generation) WHERE name = ? AND sha256 = ? AND generation ${side} ? ` +
        "AND expiresMs > ? LIMIT ?",
      ...[name, sha256, generation, nowMs, HOLDERS_MAX],
    );
  }

  // — Files —————————————————————————————————————————————————————————————————————————————————————

  /** A page in a few statements, because each has its price. Returns how many more there are now. */
  #put(generation: number, files: readonly RegisteredFile[]): number {
    if (files.length === 0) return 0;
    const rows = JSON.stringify(
      files.map((
        { name, sizeBytes, mtimeMs, sha256, root },
      ) => [encodeName(name).toHex(), sizeBytes, mtimeMs, sha256, root]),
    );
    const [known] = this.#all<{ count: number }>(
      "SELECT count(*) AS count FROM json_each(?) AS page CROSS JOIN files " +
        "ON generation = ? AND name = unhex(page.value ->> 0)",
      rows,
      generation,
    );
    const put = this.#run(
      "INSERT INTO files (name, generation, sizeBytes, mtimeMs, sha256, root) " +
        "SELECT unhex(value ->> 0), ?, value ->> 1, CAST(value ->> 2 AS REAL), " +
        "unhex(value ->> 3), unhex(value ->> 4) FROM json_each(?) WHERE true " +
        "ON CONFLICT (generation, name) DO UPDATE SET sizeBytes = excluded.sizeBytes, " +
        "mtimeMs = excluded.mtimeMs, sha256 = excluded.sha256, root = excluded.root",
      generation,
      rows,
    );
    this.#changesSinceTrim += this.#run(
      "INSERT INTO changes (name) SELECT unhex(value ->> 0) FROM json_each(?)",
      rows,
    );
    return put - known!.count;
  }

  /** Returns how many were there. */
  #remove(generation: number, names: readonly SafeFileName[]): number {
    let removed = 0;
    for (const text of names) {
      const name = encodeName(text);
      const isThere = this.#run(
        "DELETE FROM files WHERE name = ? AND generation = ?",
        name,
        generation,
      ) > 0;
      if (!isThere) continue;
      this.#changed(name);
      removed += 1;
    }
    return removed;
  }

  #changed(name: Uint8Array): void {
    this.#changesSinceTrim += this.#run("INSERT INTO changes (name) VALUES (?)", name);
  }

  /** Now and then, because each time costs as much as a few changes. */
  #trimChanges(): void {
    if (this.#changesSinceTrim < CHANGES_PER_TRIM) return;
    this.#changesSinceTrim = 0;
    this.#run(
      "DELETE FROM changes WHERE number <= (SELECT max(number) FROM changes) - ?",
      REGISTRY_CHANGES_MAX,
    );
  }

  /** Removes the files of orphans in the background, a few at a time. */
  #forget(): void {
    if (this.#isForgetting || this.#orphans.size === 0) return;
    this.#isForgetting = true;
    this.#forgetting = this.#forgetAll().finally(() => this.#isForgetting = false);
  }

  async #forgetAll(): Promise<void> {
    while (!this.#isEnded) {
      const [orphan] = this.#orphans;
      if (orphan === undefined) break;
      let forgotten = 0;
      this.#inTransaction(() => {
        const rows = this.#all<{ name: Uint8Array }>(
          "DELETE FROM files WHERE generation = ? AND name IN " +
            "(SELECT name FROM files WHERE generation = ? LIMIT ?) RETURNING name",
          ...[orphan, orphan, FORGET_STEP],
        );
        for (const { name } of rows) this.#changed(name);
        forgotten = rows.length;
        this.#trimChanges();
      });
      if (forgotten < FORGET_STEP) this.#orphans.delete(orphan);
      await yieldToEvents();
    }
  }

  #leaseRow(lease: Lease): LeaseRow | undefined {
    return this.#all<LeaseRow>(
      "SELECT generation, revision, fileCount FROM leases WHERE lease = ?",
      lease,
    )[0];
  }

  // — SQLite ————————————————————————————————————————————————————————————————————————————————————

  #inTransaction(body: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      body();
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, statement = this.#db.prepare(sql));
    return statement;
  }

  /** How many rows it changed. */
  #run(sql: string, ...values: readonly Value[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  #all<R>(sql: string, ...values: readonly Value[]): R[] {
    return this.#statement(sql).all(...values) as unknown as R[];
  }
}

/** The last one of each name counts. */
function distinct(files: readonly RegisteredFile[]): RegisteredFile[] {
  return [...new Map(files.map((file) => [file.name, file])).values()];
}

type Value = string | number | Uint8Array;

function encodeName(name: string): Uint8Array {
  const bytes = new Uint8Array(2 * name.length);
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    bytes[2 * i] = unit >> 8;
    bytes[2 * i + 1] = unit & 0xff;
  }
  return bytes;
}

function decodeName(bytes: Uint8Array): SafeFileName {
  let name = "";
  for (let i = 0; i < bytes.length; i += 2) {
    name += String.fromCharCode((bytes[i]! << 8) | bytes[i + 1]!);
  }
  return name as SafeFileName;
}

/** What no name with this prefix reaches: names are shorter. */
function endOfPrefix(prefix: string): Uint8Array {
  return encodeName(prefix + "\uffff".repeat(NAME_BYTES_MAX));
}
