/** Files, providers and leases for tests of what masters remember, and a store with shorter words. */
import { hashHex, type SafeFileName, serverId } from "../../lib/ids.ts";
import { wallMs } from "../../lib/io/system/clock.ts";
import { denoClock } from "../../lib/io/system/deno_clock.ts";
import type {
  LocatedFile,
  RegisteredFile,
  RegisteredServer,
  RegistryLease,
  RegistryStore,
} from "../../lib/protocol/master/registry_store.ts";

const WAIT_MS_MAX = 10_000;
/** Long enough that no test sees it run out. */
export const LONG_MS = 600_000;

const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, "0");

export const fileName = (text: string): SafeFileName => text as SafeFileName;
export const leaseOf = (number: number): RegistryLease => hex(number, 32) as RegistryLease;
export const sha256Of = (number: number) => hashHex(hex(number, 64));

export function providerOf(number: number): RegisteredServer {
  return {
    server: serverId(hex(0xabc000 + number, 32)),
    endpoint: { address: `10.0.${number >> 8}.${number & 255}`, port: 10_000 + number },
  };
}

/** The content of a number; the same number is the same content. */
export function fileOf(name: string, content: number): RegisteredFile {
  return {
    name: fileName(name),
    sizeBytes: 1_000 + content,
    sha256: sha256Of(content),
    root: hashHex(hex(content + 0xf00000, 64)),
    mtimeMs: 1_700_000_000_123,
  };
}

export function filesOf(count: number, name: (index: number) => string): RegisteredFile[] {
  return Array.from({ length: count }, (_, i) => fileOf(name(i), i));
}

/** Name, content and number of providers: enough to compare with. */
export function brief(files: readonly LocatedFile[]): [string, number, number][] {
  return files.map(({ name, sizeBytes, servers }) => [name, sizeBytes - 1_000, servers.length]);
}

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again and again; what is done in the background is not done at once. */
export async function until(is: () => Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = Date.now() + WAIT_MS_MAX;
  while (!await is()) {
    if (Date.now() > deadlineMs) throw new Error(`in vain: ${what}`);
    await sleep(5);
  }
}

/** One master's view of a store. */
export class Master {
  readonly store: RegistryStore;
  readonly #revisions = new Map<RegistryLease, number>();

  constructor(store: RegistryStore) {
    this.store = store;
  }

  /** Opens a lease of this server, with these files. */
  async register(
    lease: RegistryLease,
    provider: RegisteredServer,
    put: readonly RegisteredFile[],
    forMs = LONG_MS,
  ): Promise<void> {
    const isOpen = await this.store.open(
      lease,
      provider,
      wallMs(denoClock) + forMs,
      wallMs(denoClock),
    );
    if (!isOpen) throw new Error(`no lease for ${provider.endpoint.address}`);
    if (put.length > 0) await this.#update(lease, false, put, [], forMs);
  }

  put(lease: RegistryLease, put: readonly RegisteredFile[]): Promise<number | "full" | undefined> {
    return this.#update(lease, false, put, []);
  }

  remove(lease: RegistryLease, names: readonly string[]): Promise<number | "full" | undefined> {
    return this.#update(lease, false, [], names);
  }

  reset(
    lease: RegistryLease,
    put: readonly RegisteredFile[],
  ): Promise<number | "full" | undefined> {
    return this.#update(lease, true, put, []);
  }

  async byName(name: string): Promise<LocatedFile[]> {
    const [files] = await this.store.locate(
      [{ by: "name", name: fileName(name) }],
      wallMs(denoClock),
    );
    return [...files!];
  }

  async bySha256(content: number): Promise<LocatedFile[]> {
    const [files] = await this.store.locate(
      [{ by: "sha256", sha256: sha256Of(content) }],
      wallMs(denoClock),
    );
    return [...files!];
  }

  page(prefix = "", after?: string, countMax = 100): Promise<readonly LocatedFile[]> {
    const from = after === undefined ? undefined : fileName(after);
    return this.store.page(prefix, from, countMax, wallMs(denoClock));
  }

  async names(prefix = "", after?: string, countMax = 100): Promise<string[]> {
    return (await this.page(prefix, after, countMax)).map(({ name }) => name);
  }

  async cursor(): Promise<number> {
    return (await this.store.changes(undefined, 0)).cursor;
  }

  /** Every name that changed since, in order, asked for a few at a time. */
  async changed(since: number, countMax = 100): Promise<string[]> {
    const names = new Set<string>();
    for (let cursor = since;;) {
      const changes = await this.store.changes(cursor, countMax);
      if (changes.isStale) throw new Error("the cursor is stale");
      for (const name of changes.names) names.add(name);
      if (!changes.hasMore) return [...names].sort();
      cursor = changes.cursor;
    }
  }

  async stats(): Promise<[servers: number, files: number]> {
    const { servers, files } = await this.store.stats(wallMs(denoClock));
    return [servers, files];
  }

  /** Forgets what had run out this long ago. */
  sweep(agoMs = 0): Promise<number> {
    return this.store.sweep(wallMs(denoClock) - agoMs);
  }

  #update(
    lease: RegistryLease,
    isReset: boolean,
    put: readonly RegisteredFile[],
    remove: readonly string[],
    forMs = LONG_MS,
  ): Promise<number | "full" | undefined> {
    const revision = (this.#revisions.get(lease) ?? 0) + 1;
    this.#revisions.set(lease, revision);
    const update = { revision, isReset, put, remove: remove.map(fileName) };
    return this.store.update(lease, update, wallMs(denoClock) + forMs);
  }
}
