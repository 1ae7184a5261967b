/** The registry in SQLite: in a file that outlives the master, or in memory. */
import { join } from "@std/path/join";
import type { SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { REGISTRY_TURNS } from "../system/limits.ts";
import { FILES_PER_PARTY_MAX, LEASES_PER_PARTY_MAX } from "../../protocol/master/limits.ts";
import {
  CHANGES_PER_TRIM,
  FORGET_STEP,
  FORGOTTEN_PER_FILE,
  FORGOTTEN_PER_LEASE,
  REGISTRY_CHANGES_MAX,
} from "./limits.ts";
import type {
  LocatedFile,
  LocateQuery,
  RegisteredServer,
  RegistryChanges,
  RegistryLease,
  RegistryStats,
  RegistryStore,
  RegistryUpdate,
} from "../../protocol/master/registry_store.ts";
import { cacheFolder, DATABASE_SUFFIXES, requirePrivateFolder } from "./cache_folder.ts";
import type { Runtime } from "../runtime.ts";
import { type Clock, yieldTurns } from "../system/clock.ts";
import { RegistryDatabase } from "./registry_database.ts";
import { RegistryFiles } from "./registry_files.ts";
import { fromSorted, toSorted } from "./sorted_names.ts";
import { systemErrorText } from "../../system_error.ts";

interface LeaseRow {
  readonly generation: number;
  readonly revision: number;
  readonly fileCount: number;
}

/** What a store needs of the platform, beside the database itself. */
type StoreRuntime = Pick<Runtime, "clock" | "random">;

export class SqliteRegistry implements RegistryStore {
  readonly #clock: Clock;
  readonly #db: RegistryDatabase;
  readonly #files: RegistryFiles;
  /** Generations whose lease is gone. */
  readonly #orphans = new Set<number>();
  #forgetting: Promise<void> = Promise.resolve();
  #isForgetting = false;
  #changesSinceTrim = 0;
  #isEnded = false;

  /**
   * Opens the file at `path`, or `:memory:`. Throws ShoalError `disk` for a file that cannot be used.
   */
  static open(runtime: StoreRuntime, path: string): Promise<SqliteRegistry> {
    try {
      return Promise.resolve(new SqliteRegistry(runtime, path));
    } catch (cause) {
      const said = systemErrorText(cause);
      const why = /\blocked\b/.test(said) ? "another master uses it" : said;
      const hint = "Name a file of its own for each master, in a folder that may be written.";
      return Promise.reject(unusable(path, why, hint, cause));
    }
  }

  /**
   * Opens a file of the user's cache folder, which nobody else may have touched. Throws like
   * {@linkcode SqliteRegistry.open}.
   */
  static async openInCache(runtime: StoreRuntime, name: string): Promise<SqliteRegistry> {
    const folder = cacheFolder();
    if (folder === undefined) return await SqliteRegistry.open(runtime, ":memory:");
    const path = join(folder, name);
    try {
      requirePrivateFolder(folder, DATABASE_SUFFIXES.map((suffix) => name + suffix));
    } catch (cause) {
      const why = systemErrorText(cause);
      const hint = "The cache folder has to be yours alone to write to; or name another file.";
      throw unusable(path, why, hint, cause);
    }
    return await SqliteRegistry.open(runtime, path);
  }

  /** Throws what SQLite throws. */
  private constructor({ clock, random }: StoreRuntime, path: string) {
    this.#clock = clock;
    this.#db = new RegistryDatabase(path);
    const leased = new Set(
      this.#db.all<LeaseRow>("SELECT generation FROM leases").map(({ generation }) => generation),
    );
    this.#files = new RegistryFiles({ clock, random }, this.#db, Math.max(0, ...leased));
    for (const generation of this.#files.generations()) {
      if (!leased.has(generation)) this.#orphans.add(generation);
    }
    this.#forget();
  }

  // — Leases ————————————————————————————————————————————————————————————————————————————————————

  open(
    lease: RegistryLease,
    provider: RegisteredServer,
    expiresMs: number,
    nowMs: number,
  ): Promise<boolean> {
    const { server, endpoint: { address, port } } = provider;
    if (this.#leasesOf(address, lease, nowMs) >= LEASES_PER_PARTY_MAX) {
      return Promise.resolve(false);
    }
    this.#forgetSome(FORGOTTEN_PER_LEASE);
    this.#db.run(
      "INSERT INTO leases VALUES (?, ?, ?, ?, ?, ?, 0, 0)",
      ...[lease, this.#files.begin(), server, address, port, expiresMs],
    );
    return Promise.resolve(true);
  }

  resume(
    lease: RegistryLease,
    next: RegistryLease,
    provider: RegisteredServer,
    expiresMs: number,
    nowMs: number,
  ): Promise<number | undefined> {
    const { server, endpoint: { address, port } } = provider;
    if (this.#leasesOf(address, lease, nowMs) >= LEASES_PER_PARTY_MAX) {
      return Promise.resolve(undefined);
    }
    const taken = this.#db.run(
      "UPDATE leases SET lease = ?, address = ?, port = ?, expiresMs = ? " +
        "WHERE lease = ? AND server = ?",
      ...[next, address, port, expiresMs, lease, server],
    );
    return Promise.resolve(taken === 0 ? undefined : this.#leaseRow(next)?.revision);
  }

  /** Those that hold, beside this one. */
  #leasesOf(address: string, lease: RegistryLease, nowMs: number): number {
    const [row] = this.#db.all<{ count: number }>(
      "SELECT count(*) AS count FROM leases WHERE address = ? AND lease <> ? AND expiresMs > ?",
      ...[address, lease, nowMs],
    );
    return row!.count;
  }

  renew(lease: RegistryLease, expiresMs: number): Promise<boolean> {
    const renewed = this.#db.run(
      "UPDATE leases SET expiresMs = ? WHERE lease = ?",
      expiresMs,
      lease,
    );
    return Promise.resolve(renewed > 0);
  }

  update(
    lease: RegistryLease,
    update: RegistryUpdate,
    expiresMs: number,
  ): Promise<number | "full" | undefined> {
    const row = this.#leaseRow(lease);
    if (row === undefined) return Promise.resolve(undefined);
    let { generation, fileCount } = row;
    if (update.put.length > 0) {
      this.#forgetSome(FORGOTTEN_PER_FILE * update.put.length);
      const others = this.#filesBeside(lease) + (update.isReset ? 0 : fileCount);
      if (others + update.put.length > FILES_PER_PARTY_MAX) return Promise.resolve("full");
    }
    this.#change(() => {
      if (update.isReset) {
        this.#abandon(generation);
        [generation, fileCount] = [this.#files.begin(), 0];
      }
      const put = this.#files.put(generation, update.put);
      const removed = this.#files.remove(generation, update.remove);
      fileCount += put - removed.length;
      this.#tell([...update.put.map(({ name }) => name), ...removed]);
      this.#db.run(
        "UPDATE leases SET generation = ?, revision = ?, fileCount = ?, expiresMs = ? WHERE lease = ?",
        ...[generation, update.revision, fileCount, expiresMs, lease],
      );
    });
    this.#forget();
    return Promise.resolve(fileCount);
  }

  /** Files of other leases of the same address. */
  #filesBeside(lease: RegistryLease): number {
    const [row] = this.#db.all<{ sum: number }>(
      "SELECT ifnull(sum(fileCount), 0) AS sum FROM leases " +
        "WHERE address = (SELECT address FROM leases WHERE lease = ?) AND lease <> ?",
      lease,
      lease,
    );
    return row!.sum;
  }

  close(lease: RegistryLease): Promise<void> {
    const row = this.#leaseRow(lease);
    if (row === undefined) return Promise.resolve();
    this.#db.run("DELETE FROM leases WHERE lease = ?", lease);
    this.#abandon(row.generation);
    this.#forget();
    return Promise.resolve();
  }

  sweep(nowMs: number): Promise<number> {
    const expired = this.#db.all<{ generation: number }>(
      "DELETE FROM leases WHERE expiresMs <= ? RETURNING generation",
      nowMs,
    );
    for (const { generation } of expired) this.#abandon(generation);
    this.#forget();
    return Promise.resolve(expired.length);
  }

  // — Questions —————————————————————————————————————————————————————————————————————————————————

  locate(
    queries: readonly LocateQuery[],
    nowMs: number,
    except: ReadonlySet<string> = new Set(),
  ): Promise<LocatedFile[][]> {
    return Promise.resolve(
      queries.map((query) =>
        query.by === "name"
          ? this.#files.withName(query.name, nowMs, except)
          : this.#files.withContent(query.sha256, nowMs, except)
      ),
    );
  }

  page(
    prefix: string,
    after: SafeFileName | undefined,
    countMax: number,
    nowMs: number,
  ): Promise<LocatedFile[]> {
    return this.#files.page(prefix, after, countMax, nowMs);
  }

  changes(since: number | undefined, countMax: number): Promise<RegistryChanges> {
    const [bounds] = this.#db.all<{ first: number; last: number }>(
      "SELECT ifnull(min(number), 1) AS first, " +
        "ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0) AS last FROM changes",
    );
    const { first, last } = bounds!;
    if (since === undefined || since < first - 1 || since > last) {
      const isStale = since !== undefined;
      return Promise.resolve({ cursor: last, isStale, names: [], hasMore: false });
    }
    const rows = this.#db.all<{ number: number; name: string }>(
      "SELECT number, name FROM changes WHERE number > ? ORDER BY number LIMIT ?",
      since,
      countMax,
    );
    const names = [...new Set(rows.map(({ name }) => fromSorted(name)))];
    const cursor = rows.at(-1)?.number ?? since;
    return Promise.resolve({ cursor, isStale: false, names, hasMore: cursor < last });
  }

  stats(nowMs: number): Promise<RegistryStats> {
    const [stats] = this.#db.all<{ servers: number; files: number }>(
      "SELECT count(DISTINCT server) AS servers, ifnull(sum(fileCount), 0) AS files FROM leases " +
        "WHERE expiresMs > ?",
      nowMs,
    );
    return Promise.resolve(stats!);
  }

  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#forgetting;
    this.#db.close();
  }

  // — Files —————————————————————————————————————————————————————————————————————————————————————

  /** Its files have no provider any more. */
  #abandon(generation: number): void {
    this.#files.end(generation);
    this.#orphans.add(generation);
  }

  /** Changes files, all or nothing. */
  #change(body: () => void): void {
    let isKept = false;
    try {
      this.#db.inTransaction(() => {
        body();
        this.#trimChanges();
      });
      isKept = true;
    } finally {
      this.#files.settle(isKept);
    }
  }

  #tell(names: readonly SafeFileName[]): void {
    if (names.length === 0) return;
    this.#changesSinceTrim += this.#db.run(
      "INSERT INTO changes (name) SELECT value FROM json_each(?)",
      JSON.stringify(names.map(toSorted)),
    );
  }

  /** Now and then, because each time costs as much as a few changes. */
  #trimChanges(): void {
    if (this.#changesSinceTrim < CHANGES_PER_TRIM) return;
    this.#changesSinceTrim = 0;
    this.#db.run(
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
    while (!this.#isEnded && this.#orphans.size > 0) {
      this.#forgetSome(FORGET_STEP);
      await yieldTurns(this.#clock, REGISTRY_TURNS);
    }
  }

  /**
   * Removes so many files of orphans, if there are any. Whoever registers something has more removed than he brings: those who
   * come and go would otherwise leave more behind than the background gets rid of.
   */
  #forgetSome(countMax: number): void {
    for (let left = countMax; left > 0;) {
      const [orphan] = this.#orphans;
      if (orphan === undefined) return;
      let forgotten = 0;
      this.#change(() => {
        const names = this.#files.removeSome(orphan, left);
        forgotten = names.length;
        this.#tell(names);
      });
      if (forgotten < left) this.#orphans.delete(orphan);
      // An orphan without files is something to be rid of, too.
      left -= Math.max(1, forgotten);
    }
  }

  #leaseRow(lease: RegistryLease): LeaseRow | undefined {
    return this.#db.all<LeaseRow>(
      "SELECT generation, revision, fileCount FROM leases WHERE lease = ?",
      lease,
    )[0];
  }
}

function unusable(path: string, why: string, hint: string, cause: unknown): ShoalError {
  return new ShoalError("disk", `cannot use ${path} as a store: ${why}`, { hint, cause });
}
