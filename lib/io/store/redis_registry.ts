/**
 * The registry in a Redis that masters share. Each call is one script in Redis, whole or not at
 * all; what takes long (the files of a lease that is gone) is done in the background, a few at a time,
 * and continues at the next sweep of any master if one was interrupted. The head of
 * `redis_layout.ts` describes the layout.
 *
 * Whether a lease holds is decided by the clock of Redis: masters say for how long, not until when, so
 * that theirs need not agree, and the `nowMs` of a question is not looked at; that of a sweep says how
 * long ago.
 */
import { BURY_STEP } from "./limits.ts";
import { type HashHex, hashHex, type SafeFileName, type ServerId, serverId } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { Random } from "../../protocol/base/random.ts";
import { type ProvidedFile, sharedAnswer } from "../../protocol/master/shared_answer.ts";
import type {
  LocatedFile,
  LocateQuery,
  RegisteredFile,
  RegisteredServer,
  RegistryChanges,
  RegistryLease,
  RegistryStats,
  RegistryStore,
  RegistryUpdate,
} from "../../protocol/master/registry_store.ts";
import type { Runtime } from "../runtime.ts";
import { type Clock, wallMs } from "../system/clock.ts";
import type { RandomSource } from "../system/random_source.ts";
import { RedisConnection } from "./redis_connection.ts";
import { endOfPrefix, fromSorted, toSorted } from "./sorted_names.ts";

/** What every Lua takes as a seed. */
const SEED_MASK = 0x7fff_ffff;

export class RedisRegistry implements RegistryStore {
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #redis: RedisConnection;
  #burying: Promise<void> | undefined;
  /** Somebody died since the burying last looked. */
  #hasDead = false;
  #isEnded = false;

  /**
   * @param url as in {@linkcode RedisConnection.open}
   * @throws ShoalError `usage` for a URL that is none; `network` when Redis cannot be reached within
   * a few seconds, or refuses
   */
  static async open(
    runtime: Pick<Runtime, "clock" | "random">,
    url: string,
  ): Promise<RedisRegistry> {
    return new RedisRegistry(runtime, await RedisConnection.open(url));
  }

  private constructor(
    { clock, random }: Pick<Runtime, "clock" | "random">,
    redis: RedisConnection,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#redis = redis;
  }

  // — Leases ————————————————————————————————————————————————————————————————————————————————————

  async open(
    lease: RegistryLease,
    provider: RegisteredServer,
    expiresMs: number,
    _nowMs: number,
  ): Promise<boolean> {
    const args = [lease, this.#forMs(expiresMs), ...providerArgs(provider)];
    return await this.#redis.run("open", args) === 1;
  }

  async resume(
    lease: RegistryLease,
    next: RegistryLease,
    provider: RegisteredServer,
    expiresMs: number,
    _nowMs: number,
  ): Promise<number | undefined> {
    const args = [lease, next, this.#forMs(expiresMs), ...providerArgs(provider)];
    const revision = await this.#redis.run("resume", args);
    return revision === null ? undefined : Number(revision);
  }

  async renew(lease: RegistryLease, expiresMs: number): Promise<boolean> {
    return await this.#redis.run("renew", [lease, this.#forMs(expiresMs)]) === 1;
  }

  async update(
    lease: RegistryLease,
    update: RegistryUpdate,
    expiresMs: number,
  ): Promise<number | "full" | undefined> {
    const { revision, isReset, put, remove } = update;
    // Whoever brings files while the dead wait takes part in the burying, or there would be ever more of them.
    if (put.length > 0 && this.#burying !== undefined) await this.#redis.run("bury", [BURY_STEP]);
    const fileCount = await this.#redis.run("update", [
      ...[lease, this.#forMs(expiresMs), revision, isReset ? 1 : 0, remove.length],
      ...remove.map(toSorted),
      ...put.flatMap((file) => [toSorted(file.name), pack(file)]),
    ]);
    if (fileCount === "full") return "full";
    if (isReset) this.#bury();
    return fileCount === null ? undefined : Number(fileCount);
  }

  async close(lease: RegistryLease): Promise<void> {
    await this.#redis.run("close", [lease]);
    this.#bury();
  }

  async sweep(nowMs: number): Promise<number> {
    // Whoever lets leases lie for a while before they are swept up says a time in the past.
    const agoMs = Math.floor(wallMs(this.#clock) - nowMs);
    let count = 0;
    for (;;) {
      const swept = Number(await this.#redis.run("sweep", [agoMs]));
      if (swept === 0) break;
      count += swept;
    }
    // Also where nothing ran out: another master may have died over its dead.
    this.#bury();
    return count;
  }

  // — Questions —————————————————————————————————————————————————————————————————————————————————

  async locate(
    queries: readonly LocateQuery[],
    _nowMs: number,
    except: ReadonlySet<string> = new Set(),
  ): Promise<LocatedFile[][]> {
    const args = queries.map((query) =>
      query.by === "name" ? `n${toSorted(query.name)}` : `s${query.sha256}`
    );
    const seed = this.#random.u32() & SEED_MASK;
    const reply = await this.#redis.run("locate", [seed, except.size, ...except, ...args]);
    const [providers, answers] = list(reply);
    const byGeneration = providersIn(providers);
    const random = new Random(this.#random.u32());
    return list(answers).map((rows) => locatedIn(rows, byGeneration, random));
  }

  async page(
    prefix: string,
    after: SafeFileName | undefined,
    countMax: number,
    _nowMs: number,
  ): Promise<LocatedFile[]> {
    const files: LocatedFile[] = [];
    const random = new Random(this.#random.u32());
    let from = after !== undefined && after >= prefix
      ? `(${toSorted(after)}`
      : `[${toSorted(prefix)}`;
    const to = `(${endOfPrefix(toSorted(prefix))}`;
    // Where many a lease has run out, there may be nothing for a long stretch of names.
    for (let missing = countMax; missing > 0;) {
      const reply = await this.#redis.run("page", [
        this.#random.u32() & SEED_MASK,
        missing,
        from,
        to,
      ]);
      const [providers, rows, count, last] = list(reply);
      files.push(...locatedIn(rows, providersIn(providers), random));
      missing -= Number(count);
      if (typeof last !== "string") break;
      from = `(${last}`;
    }
    return files;
  }

  async changes(since: number | undefined, countMax: number): Promise<RegistryChanges> {
    const reply = await this.#redis.run("changes", [countMax, since ?? ""]);
    const [cursor, isStale, hasMore, names] = list(reply);
    return {
      cursor: Number(cursor),
      isStale: isStale === 1,
      names: texts(names).map(fromSorted),
      hasMore: hasMore === 1,
    };
  }

  async stats(_nowMs: number): Promise<RegistryStats> {
    const [servers, files] = list(await this.#redis.run("stats", []));
    return { servers: Number(servers), files: Number(files) };
  }

  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#burying;
    await this.#redis.end();
  }

  // — The dead ——————————————————————————————————————————————————————————————————————————————————

  #bury(): void {
    this.#hasDead = true;
    this.#burying ??= this.#buryAll().finally(() => this.#burying = undefined);
  }

  async #buryAll(): Promise<void> {
    while (this.#hasDead && !this.#isEnded) {
      this.#hasDead = false;
      try {
        if (await this.#redis.run("bury", [BURY_STEP]) !== null) this.#hasDead = true;
      } catch {
        // They count for nothing meanwhile, and the next sweep goes on.
        return;
      }
    }
  }

  /** Redis counts from when it hears of it. */
  #forMs(expiresMs: number): number {
    return Math.ceil(expiresMs - wallMs(this.#clock));
  }
}

function providerArgs({ server, endpoint }: RegisteredServer): (string | number)[] {
  return [server, endpoint.address, endpoint.port];
}

// — Files as text ———————————————————————————————————————————————————————————————————————————————

/** As the scripts expect it: the SHA-256 first, what makes the content before the rest. */
function pack({ sha256, root, sizeBytes, mtimeMs }: RegisteredFile): string {
  return `${sha256} ${root} ${sizeBytes} ${mtimeMs}`;
}

function unpack(name: SafeFileName, packed: string): RegisteredFile {
  const [sha256, root, sizeBytes, mtimeMs] = packed.split(" ") as [HashHex, string, string, string];
  return {
    name,
    sizeBytes: Number(sizeBytes),
    sha256,
    root: hashHex(root),
    mtimeMs: Number(mtimeMs),
  };
}

// — Replies —————————————————————————————————————————————————————————————————————————————————————

function list(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw new ShoalError("internal", "Redis answered no list");
  return reply;
}

function texts(reply: unknown): string[] {
  return list(reply).map(String);
}

/** By generation: generation, server, address, port; and again. */
function providersIn(reply: unknown): Map<string, RegisteredServer> {
  const fields = texts(reply);
  const providers = new Map<string, RegisteredServer>();
  for (let i = 0; i + 3 < fields.length; i += 4) {
    const [generation, server, address, port] = fields.slice(i, i + 4) as [
      string,
      ServerId,
      string,
      string,
    ];
    providers.set(generation, {
      server: serverId(server),
      endpoint: { address, port: Number(port) },
    });
  }
  return providers;
}

/** Name, generation, packed file; and again. */
function locatedIn(
  reply: unknown,
  providers: ReadonlyMap<string, RegisteredServer>,
  random: Random,
): LocatedFile[] {
  const fields = texts(reply);
  const byName = new Map<string, ProvidedFile[]>();
  for (let i = 0; i + 2 < fields.length; i += 3) {
    const [name, generation, packed] = fields.slice(i, i + 3) as [string, string, string];
    const provider = providers.get(generation);
    if (provider === undefined) continue;
    const provided = { file: unpack(fromSorted(name), packed), provider };
    const ofName = byName.get(name);
    if (ofName === undefined) byName.set(name, [provided]);
    else ofName.push(provided);
  }
  // Of each name no more came than there is room for.

  return [...byName.values()].flatMap((each) => sharedAnswer(each, random))
    .sort((a, b) => a.name < b.name ? -1 : Number(a.name > b.name));
}
