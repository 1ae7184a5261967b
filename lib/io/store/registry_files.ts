/**
 * The files of a registry in SQLite. They belong to **generations**, which are numbers: those of a lease
 * are replaced by giving the lease another one, and removed when it ends, a few at a time.
 */
import {
  CONTENTS_EXAMINED_MAX,
  NAMES_OF_CONTENT_MAX,
  PROVIDERS_EXAMINED_MAX,
  PROVIDERS_OF_CONTENT_MAX,
  PROVIDERS_SAMPLED_MAX,
  ROWS_PER_INSERT,
  ROWS_PER_TURN,
} from "./limits.ts";
import { type HashHex, hashHex, type SafeFileName, serverId } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import { type ProvidedFile, sharedAnswer } from "../../protocol/master/shared_answer.ts";
import { Random } from "../../protocol/base/random.ts";
import type { LocatedFile, RegisteredFile } from "../../protocol/master/registry_store.ts";
import type { Runtime } from "../runtime.ts";
import type { Clock } from "../system/clock.ts";
import { ContentIndex } from "./content_index.ts";
import { NUMBER_BITS, type RegistryDatabase, type Value } from "./registry_database.ts";
import { endOfPrefix, fromSorted, toSorted } from "./sorted_names.ts";

/** Digits of a SHA-256 that an index is made of: as many as a number holds exactly. */
const CONTENT_KEY_DIGITS = 12;
/** Any key is below. */
const CONTENT_KEYS = 16 ** CONTENT_KEY_DIGITS;
/** SHA-256 and root. */
const DIGESTS_BYTES = 2 * HASH_BYTES;
const NUMBERS = 2 ** NUMBER_BITS;

const INSERT = "INSERT INTO files VALUES ";
const ONE_ROW = "(?, ?, ?, ?, ?, ?)";
const MANY_ROWS = Array(ROWS_PER_INSERT).fill(ONE_ROW).join(", ");
/** What a located file is made of. */
const COLUMNS = "SELECT name, sizeBytes, mtimeMs, digests, server, address, port";
const LOCATED = `${COLUMNS} ` +
  `FROM files CROSS JOIN leases ON generation = id >> ${NUMBER_BITS} WHERE expiresMs > ? `;

interface Row {
  readonly name: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** SHA-256 and root. */
  readonly digests: Uint8Array;
  readonly server: string;
  readonly address: string;
  readonly port: number;
}

interface IndexedFile {
  readonly id: number;
  readonly contentKey: number;
}

/** Where the files of a generation go. */
interface Filling {
  nextId: number;
  /** No file of it comes after this name; `undefined` if that is not known. */
  lastName: string | undefined;
}

export class RegistryFiles {
  readonly #db: RegistryDatabase;
  readonly #fillings = new Map<number, Filling>();
  /**
   * By content key, ids of files. In a table its entries would fall anywhere, and writing them would
   * take longer than everything else.
   */
  readonly #byContent = new ContentIndex((id) => Math.floor(id / NUMBERS));
  readonly #clock: Clock;
  readonly #random: Random;
  /** What the index does not know of yet, in order. */
  #unsettled: (IndexedFile & { readonly isGone: boolean })[] = [];
  #nextGeneration: number;

  /** @param lastGeneration the last that anybody has */
  constructor(
    { clock, random }: Pick<Runtime, "clock" | "random">,
    db: RegistryDatabase,
    lastGeneration: number,
  ) {
    this.#clock = clock;
    this.#random = new Random(random.u32());
    this.#db = db;
    this.#nextGeneration = Math.max(lastGeneration, ...this.generations()) + 1;
    const files = db.iterate<IndexedFile>("SELECT id, contentKey FROM files");
    for (const { id, contentKey } of files) this.#byContent.add(contentKey, id);
  }

  /** Those that have files. */
  *generations(): Generator<number> {
    const next = "SELECT id FROM files WHERE id >= ? ORDER BY id LIMIT 1";
    for (let from = 0;;) {
      const [row] = this.#db.all<{ id: number }>(next, from);
      if (row === undefined) return;
      const generation = Math.floor(row.id / NUMBERS);
      yield generation;
      from = (generation + 1) * NUMBERS;
    }
  }

  // — What is there —————————————————————————————————————————————————————————————————————————————

  begin(): number {
    const generation = this.#nextGeneration++;
    this.#fillings.set(generation, { nextId: generation * NUMBERS, lastName: "" });
    return generation;
  }

  /** Nothing is put there any more. */
  end(generation: number): void {
    this.#fillings.delete(generation);
  }

  /** Returns how many more there are now; to be settled. */
  put(generation: number, files: readonly RegisteredFile[]): number {
    const filling = this.#fillingOf(generation);
    const fresh: Value[][] = [];
    // One for all: a buffer of its own costs more than its row.
    const digests = new Uint8Array(files.length * DIGESTS_BYTES);
    let atByte = 0;
    for (const file of distinct(files)) {
      const row = contentRow(file, digests.subarray(atByte, atByte += DIGESTS_BYTES));
      const { lastName } = filling;
      // A whole catalogue comes in order; what comes after everything is not looked for.
      const isLast = lastName !== undefined && file.name > lastName;
      const known = isLast ? undefined : this.#find(generation, file.name);
      if (isLast) filling.lastName = file.name;
      const id = known?.id ?? filling.nextId++;
      if (known === undefined) fresh.push([id, toSorted(file.name), ...row]);
      else {
        this.#unsettled.push({ ...known, isGone: true });
        this.#db.run(
          "UPDATE files SET contentKey = ?, sizeBytes = ?, mtimeMs = ?, digests = ? WHERE id = ?",
          ...row,
          id,
        );
      }
      this.#unsettled.push({ id, contentKey: contentKeyOf(file.sha256), isGone: false });
    }
    if (filling.nextId > (generation + 1) * NUMBERS) throw new Error("a lease lasted too long");
    let at = 0;
    for (; at + ROWS_PER_INSERT <= fresh.length; at += ROWS_PER_INSERT) {
      this.#db.run(INSERT + MANY_ROWS, ...fresh.slice(at, at + ROWS_PER_INSERT).flat());
    }
    for (const row of fresh.slice(at)) this.#db.run(INSERT + ONE_ROW, ...row);
    return fresh.length;
  }

  /** Returns which of them were there; to be settled. */
  remove(generation: number, names: readonly SafeFileName[]): readonly SafeFileName[] {
    return names.filter((name) => {
      const known = this.#find(generation, name);
      if (known === undefined) return false;
      this.#unsettled.push({ ...known, isGone: true });
      return this.#db.run("DELETE FROM files WHERE id = ?", known.id) > 0;
    });
  }

  /** What was put and removed since the last time counts, or was rolled back. */
  settle(isKept: boolean): void {
    for (const { id, contentKey, isGone } of isKept ? this.#unsettled : []) {
      if (isGone) this.#byContent.delete(contentKey, id);
      else this.#byContent.add(contentKey, id);
    }
    this.#unsettled = [];
  }

  /** Removes up to `countMax` files; returns their names. To be settled. */
  removeSome(generation: number, countMax: number): SafeFileName[] {
    const rows = this.#db.all<IndexedFile & { readonly name: string }>(
      "DELETE FROM files WHERE id IN (SELECT id FROM files WHERE id >= ? AND id < ? LIMIT ?) " +
        "RETURNING id, name, contentKey",
      ...[generation * NUMBERS, (generation + 1) * NUMBERS, countMax],
    );
    this.#unsettled.push(...rows.map((row) => ({ ...row, isGone: true })));
    return rows.map(({ name }) => fromSorted(name));
  }

  #fillingOf(generation: number): Filling {
    let filling = this.#fillings.get(generation);
    if (filling === undefined) {
      const [first, end] = [generation * NUMBERS, (generation + 1) * NUMBERS];
      const [row] = this.#db.all<{ last: number | null }>(
        "SELECT max(id) AS last FROM files WHERE id >= ? AND id < ?",
        first,
        end,
      );
      filling = { nextId: (row?.last ?? first - 1) + 1, lastName: undefined };
      this.#fillings.set(generation, filling);
    }
    return filling;
  }

  #find(generation: number, name: SafeFileName): IndexedFile | undefined {
    const [row] = this.#db.all<IndexedFile>(
      "SELECT id, contentKey FROM files WHERE name = ? AND id >= ? AND id < ?",
      ...[toSorted(name), generation * NUMBERS, (generation + 1) * NUMBERS],
    );
    return row;
  }

  // — Who has it ————————————————————————————————————————————————————————————————————————————————

  /** @param except addresses that are not to be told of */
  withName(name: SafeFileName, nowMs: number, except: ReadonlySet<string>): LocatedFile[] {
    return this.#withSorted(toSorted(name), nowMs, except);
  }

  #withSorted(name: string, nowMs: number, except?: ReadonlySet<string>): LocatedFile[] {
    const [files] = this.#db.all<{ count: number }>(
      "SELECT count(*) AS count FROM (SELECT 1 FROM files WHERE name = ? LIMIT ?)",
      ...[name, PROVIDERS_EXAMINED_MAX + 1],
    );
    const rows = files!.count > PROVIDERS_EXAMINED_MAX
      ? this.#sampled(name, nowMs)
      : this.#db.all<Row>(`${LOCATED} AND name = ?`, nowMs, name);
    return this.#answer(rows, except);
  }

  /**
   * From one content to the next, for a thousand servers may have the same, which is one step; and from any one on,
   * for anybody can invent contents that come first.
   */
  #sampled(name: string, nowMs: number): Row[] {
    const next =
      "SELECT contentKey FROM files WHERE name = ? AND contentKey >= ? AND contentKey < ? " +
      "ORDER BY contentKey LIMIT 1";
    const start = Math.floor(this.#random.fraction() * CONTENT_KEYS);
    const rows: Row[] = [];
    let examined = 0;
    for (const [from, to] of [[start, CONTENT_KEYS], [0, start]] as const) {
      for (let key = from; examined < CONTENTS_EXAMINED_MAX; examined++) {
        const [content] = this.#db.all<{ contentKey: number }>(next, name, key, to);
        if (content === undefined || rows.length >= PROVIDERS_SAMPLED_MAX) break;
        rows.push(...this.#providers(name, content.contentKey, nowMs));
        key = content.contentKey + 1;
      }
    }
    return rows;
  }

  withContent(sha256: HashHex, nowMs: number, except: ReadonlySet<string>): LocatedFile[] {
    const key = contentKeyOf(sha256);
    const ids = this.#byContent.sample(key, NAMES_OF_CONTENT_MAX, this.#random);
    const rows: Row[] = [];
    // Those whose lease is gone are passed over.
    while (rows.length < PROVIDERS_SAMPLED_MAX) {
      const some = ids.take(PROVIDERS_EXAMINED_MAX).toArray();
      if (some.length === 0) break;
      const sql = `${LOCATED} AND id IN (SELECT value FROM json_each(?))`;
      rows.push(...this.#db.all<Row>(sql, nowMs, JSON.stringify(some)));
    }
    const digest = Uint8Array.fromHex(sha256);
    const isMeant = ({ digests }: Row): boolean => digest.every((byte, i) => digests[i] === byte);
    return this.#answer(rows.filter(isMeant), except);
  }

  /** Of providers that are many, any are begun with. */
  #providers(name: string, contentKey: number, nowMs: number): Row[] {
    const start = this.#random.below(this.#nextGeneration) * NUMBERS;
    const rows: Row[] = [];
    for (const side of [">=", "<"]) {
      const sql = `${LOCATED} AND name = ? AND contentKey = ? AND id ${side} ? LIMIT ?`;
      const missing = PROVIDERS_OF_CONTENT_MAX - rows.length;
      rows.push(...this.#db.all<Row>(sql, nowMs, name, contentKey, start, missing));
      if (rows.length === PROVIDERS_OF_CONTENT_MAX) break;
    }
    return rows;
  }

  #answer(rows: readonly Row[], except?: ReadonlySet<string>): LocatedFile[] {
    const wanted = except === undefined || except.size === 0
      ? rows
      : rows.filter(({ address }) => !except.has(address));
    return sharedAnswer(wanted.map(provided), this.#random);
  }

  /** See {@linkcode RegistryStore.page}. */
  async page(
    prefix: string,
    after: SafeFileName | undefined,
    countMax: number,
    nowMs: number,
  ): Promise<LocatedFile[]> {
    const isAfter = after !== undefined && after >= prefix;
    const end = endOfPrefix(toSorted(prefix));
    const files: LocatedFile[] = [];
    let [from, relation] = isAfter ? [toSorted(after), ">"] : [toSorted(prefix), ">="];
    for (let missing = countMax; missing > 0 && !this.#db.isClosed;) {
      const rows = this.#db.all<Row & { readonly expiresMs: number | null }>(
        `${COLUMNS}, expiresMs FROM files LEFT JOIN leases ON generation = id >> ${NUMBER_BITS} ` +
          `WHERE name ${relation} ? AND name < ? ORDER BY name LIMIT ?`,
        ...[from, end, ROWS_PER_TURN],
      );
      const last = rows.length < ROWS_PER_TURN ? undefined : rows.at(-1)!.name;
      const byName = Map.groupBy(rows, ({ name }) => name);
      for (const [name, ofName] of byName) {
        const holding = ofName.filter((row) => (row.expiresMs ?? 0) > nowMs);
        // There may be more of the last one.
        const isAll = name !== last && holding.length <= PROVIDERS_EXAMINED_MAX;
        const found = isAll ? this.#answer(holding) : this.#withSorted(name, nowMs);
        files.push(...found);
        if (found.length > 0) missing -= 1;
        if (missing === 0) return files;
      }
      if (last === undefined) break;
      [from, relation] = [last, ">"];
      await this.#clock.yieldToEvents();
    }
    return files;
  }
}

/** The last one of each name counts. */
function distinct(files: readonly RegisteredFile[]): Iterable<RegisteredFile> {
  return new Map(files.map((file) => [file.name, file])).values();
}

/** The columns of a row after its name; what it says of digests lies in `digests`. */
function contentRow(
  { sizeBytes, mtimeMs, sha256, root }: RegisteredFile,
  digests: Uint8Array,
): Value[] {
  digests.setFromHex(sha256 + root);
  return [contentKeyOf(sha256), sizeBytes, mtimeMs, digests];
}

function contentKeyOf(sha256: HashHex): number {
  return Number.parseInt(sha256.slice(0, CONTENT_KEY_DIGITS), 16);
}

function provided({ name, sizeBytes, mtimeMs, digests, server, address, port }: Row): ProvidedFile {
  return {
    file: {
      name: fromSorted(name),
      sizeBytes,
      mtimeMs,
      sha256: hashHex(digests.subarray(0, HASH_BYTES).toHex()),
      root: hashHex(digests.subarray(HASH_BYTES).toHex()),
    },
    provider: { server: serverId(server), endpoint: { address, port } },
  };
}
