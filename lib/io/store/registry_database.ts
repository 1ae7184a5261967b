/** The SQLite file of a registry: its schema, and the lock that keeps other writers out. */
import { REGISTRY_BUSY_MS, REGISTRY_CACHE_KIB } from "./limits.ts";
import { DatabaseSync, type StatementSync } from "node:sqlite";

/** A value that goes into a statement, or a column that comes out of it. */
export type Value = string | number | Uint8Array;

/** A file's id is the generation that it belongs to, and a number of this many bits. */
export const NUMBER_BITS = 28;

const APPLICATION_ID = 0x53484f41;
const SCHEMA_VERSION = 2;
/**
 * Names are as `sorted_names.ts` makes them; `contentKey` is the beginning of the SHA-256, `digests` are
 * SHA-256 and root.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS leases (
    lease TEXT PRIMARY KEY, generation INTEGER NOT NULL UNIQUE, server TEXT NOT NULL,
    address TEXT NOT NULL, port INTEGER NOT NULL, expiresMs REAL NOT NULL,
    revision INTEGER NOT NULL, fileCount INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS leasesByAddress ON leases (address);
  CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, contentKey INTEGER NOT NULL,
    sizeBytes INTEGER NOT NULL, mtimeMs REAL NOT NULL, digests BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS filesByName ON files (name, contentKey);
  CREATE TABLE IF NOT EXISTS changes (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL)
    STRICT;
`;
const DROP =
  "DROP TABLE IF EXISTS leases; DROP TABLE IF EXISTS files; DROP TABLE IF EXISTS changes;";

export class RegistryDatabase {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** Opens the file, or `:memory:`. Throws what SQLite throws, and Error for another program's file. */
  constructor(path: string) {
    this.#db = new DatabaseSync(path);
    try {
      this.#prepare();
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  /** How many rows it changed. */
  run(sql: string, ...values: readonly Value[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  all<R>(sql: string, ...values: readonly Value[]): R[] {
    return this.#statement(sql).all(...values) as unknown as R[];
  }

  iterate<R>(sql: string): Iterable<R> {
    return this.#statement(sql).iterate() as unknown as Iterable<R>;
  }

  /** All of `body`, or nothing of it where it throws. */
  inTransaction(body: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      body();
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  get isClosed(): boolean {
    return !this.#db.isOpen;
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #prepare(): void {
    const pragma = (name: string): unknown =>
      Object.values(this.all<Record<string, unknown>>(`PRAGMA ${name}`)[0] ?? {})[0];
    this.#db.exec(
      `PRAGMA busy_timeout = ${REGISTRY_BUSY_MS}; PRAGMA cache_size = -${REGISTRY_CACHE_KIB};`,
    );
    // Nobody else uses it, and what is lost with the power is registered again within seconds.
    this.#db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;");
    this.#db.exec("PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; BEGIN EXCLUSIVE;");
    const isEmpty = this.all("SELECT name FROM sqlite_schema LIMIT 1").length === 0;
    if (!isEmpty && pragma("application_id") !== APPLICATION_ID) {
      throw new Error("it is a database of another program");
    }
    if (pragma("user_version") !== SCHEMA_VERSION) this.#db.exec(DROP);
    this.#db.exec(`PRAGMA application_id = ${APPLICATION_ID};`);
    this.#db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}; ${SCHEMA} COMMIT;`);
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, statement = this.#db.prepare(sql));
    return statement;
  }
}
