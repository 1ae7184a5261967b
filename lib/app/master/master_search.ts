/** Asks masters repeatedly who has the wanted files, and reports each server once. */
import { type Endpoint, endpointText } from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import type { TcpRuntime } from "../../io/net/tcp_client.ts";
import type { Layers } from "../../messages/transport_config.ts";
import { MASTER_POLL_MS, SIMILAR_ASKED_MAX } from "./limits.ts";
import type { LocatedFile, LocateQuery } from "../../protocol/master/registry_store.ts";
import type { RegistryWord } from "../../protocol/discovery/finder.ts";
import type { Query } from "../../wire/frames.ts";
import { ToldServers } from "../../protocol/master/told_servers.ts";
import type { SafeFileName } from "../../ids.ts";
import { belowAt, locateAt, type MasterTarget, similarAt } from "./master_client.ts";

/** What masters can be asked for; of folders they know the files. */
type MasterQuery = Exclude<Query, { readonly by: "any" }>;

interface MasterSearchOptions {
  readonly runtime: TcpRuntime;
  readonly layers: Layers;
  /** How long one may take to answer. */
  readonly timeoutMs?: number | undefined;
  /** `HOST` or `HOST:PORT`. */
  readonly masters: readonly string[];
  /** What is still looked for; the search pauses while that is nothing. */
  readonly wanted: () => readonly MasterQuery[];
  readonly onServers: (endpoints: readonly Endpoint[]) => void;
  /** All masters that have answered know of nobody who has it, or one knows of somebody now. */
  readonly onWord: (query: MasterQuery, word: RegistryWord) => void;
  /** A master cannot be asked; once each until it can. */
  readonly onProblem: (message: string) => void;
}

export class MasterSearch {
  readonly #options: MasterSearchOptions;
  readonly #ending = new AbortController();
  readonly #loops: Promise<void>;
  /** By endpoint, which master named it. */
  readonly #tellers = new Map<string, string>();
  readonly #told = new ToldServers();

  /** By master and question, the servers it named last. */
  readonly #toldOf = new Map<string, readonly string[]>();
  /** By master and folder, after which name its next page begins. */
  readonly #pageAfter = new Map<string, SafeFileName | undefined>();
  /** Of which master names like which were asked for. */
  readonly #similarAsked = new Set<string>();
  /** Masters that could not be had when they were asked last. */
  readonly #lost = new Set<string>();
  /** By question, the names like it that masters know. */
  readonly #similar = new Map<string, Set<SafeFileName>>();

  constructor(options: MasterSearchOptions) {
    this.#options = options;
    this.#loops = Promise.all(options.masters.map((master) => this.#follow(master))).then(() => {});
  }

  /** Masters that could not be had when they were asked last. */
  get lost(): readonly string[] {
    return [...this.#lost];
  }

  /** The master that named this endpoint; `undefined` if none has. */
  tellerOf(endpoint: string): string | undefined {
    return this.#tellers.get(endpoint);
  }

  /** Endpoints of the servers that have it, as masters say. */
  serversOf(query: Query): string[] {
    const told = this.#options.masters.map((master) =>
      this.#toldOf.get(keyOf(master, query)) ?? []
    );
    return [...new Set(told.flat())];
  }

  /** What to do where no server answered, if masters know anything of that: whom they name, or that they name nobody. */
  silenceHint(query: Query): string | undefined {
    const [first, ...others] = this.serversOf(query);
    if (first !== undefined) {
      const also = others.length === 0 ? "" : ` and ${others.length} more`;
      return `A master names ${first}${also}: open its UDP ports, and check the route to it.`;
    }
    const { masters } = this.#options;
    if (masters.length === 0 || !masters.every((each) => this.#toldOf.has(keyOf(each, query)))) {
      return undefined;
    }
    return this.unknownHint(query);
  }

  /** The same where servers did answer, and do not have it. */
  unknownHint(query: Query): string | undefined {
    if (!this.#isUnknown(query)) return undefined;
    return "The masters that were asked know of nobody who has it: check the name with `list --master`.";
  }

  /** Somebody at this address answers: it need not be left out. */
  heard(address: string): void {
    this.#told.heard(address);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#loops;
  }

  async #follow(master: string): Promise<void> {
    const { signal } = this.#ending;
    const { runtime, layers, timeoutMs, wanted, onServers, onProblem } = this.#options;
    const { clock } = runtime;
    for (let isLost = false; !signal.aborted; await clock.sleep(MASTER_POLL_MS, signal)) {
      const queries = wanted();
      if (queries.length === 0) continue;
      try {
        const except = this.#told.silent(master);
        const target = { master, layers, timeoutMs, signal };
        const found = await this.#locate(target, queries, except);
        isLost = false;
        this.#lost.delete(master);
        queries.forEach((query, i) => this.#onLocated(master, query, found[i]!));
        const servers = found.flat().flatMap((file) => file.servers);
        const fresh = this.#told.add(master, servers.map(({ endpoint }) => endpoint));
        if (!signal.aborted) onServers(fresh);
        await this.#lookForSimilar(target, queries);
        if (!signal.aborted) { for (const query of queries) this.#tellWord(query); }
      } catch (error) {
        if (signal.aborted) return;
        if (!isLost) onProblem(`master: ${ShoalError.from(error).message}`);
        isLost = true;
        this.#lost.add(master);
        // The others' word may have waited for this one's.
        for (const query of queries) this.#tellWord(query);
      }
    }
  }

  /** Of each query, what the master knows. */
  async #locate(
    target: MasterTarget,
    queries: readonly MasterQuery[],
    except: readonly string[],
  ): Promise<(readonly LocatedFile[])[]> {
    const { runtime } = this.#options;
    const plain = queries.filter((query): query is LocateQuery => query.by !== "tree");
    const located = plain.length === 0 ? [] : await locateAt(runtime, target, plain, except);
    const found: (readonly LocatedFile[])[] = [];
    let next = 0;
    for (const query of queries) {
      found.push(query.by === "tree" ? await this.#below(target, query) : located[next++]!);
    }
    return found;
  }

  /** A page of a folder each time, from where the one before ended: who has only later files is found later. */
  async #below(
    target: MasterTarget,
    query: Extract<MasterQuery, { by: "tree" }>,
  ): Promise<readonly LocatedFile[]> {
    const key = keyOf(target.master, query);
    const { files, next } = await belowAt(
      this.#options.runtime,
      target,
      query.name,
      this.#pageAfter.get(key),
    );
    this.#pageAfter.set(key, next);
    return files;
  }

  /** Whether every master has answered that can be had, one at least, and none of them knows of anybody. */
  #isUnknown(query: Query): boolean {
    return this.#isUnknownSoFar(query) &&
      this.#options.masters.every((master) =>
        this.#lost.has(master) || this.#toldOf.has(keyOf(master, query))
      );
  }

  /** Whether some master has answered, and none that has knows of anybody. */
  #isUnknownSoFar(query: Query): boolean {
    const told = this.#options.masters.map((master) => this.#toldOf.get(keyOf(master, query)));
    return told.some((each) => each !== undefined) && told.every((each = []) => each.length === 0);
  }

  /** Names like those that nobody is known to have; of a few, since each costs the master a page or two. */
  async #lookForSimilar(target: MasterTarget, queries: readonly MasterQuery[]): Promise<void> {
    for (const query of queries) {
      if (query.by !== "name" || !this.#isUnknownSoFar(query)) continue;
      const key = `${target.master}\n${query.name}`;
      if (this.#similarAsked.has(key) || this.#similarAsked.size >= SIMILAR_ASKED_MAX) continue;
      this.#similarAsked.add(key);
      // It would have helped, and is not what was asked for.
      const names = await similarAt(this.#options.runtime, target, query.name).catch(() => []);
      const known = this.#similar.get(textOf(query)) ?? new Set();
      this.#similar.set(textOf(query), new Set([...known, ...names]));
    }
  }

  #tellWord(query: MasterQuery): void {
    const similar = [...this.#similar.get(textOf(query)) ?? []];
    this.#options.onWord(query, { isUnknown: this.#isUnknown(query), similar });
  }

  #onLocated(master: string, query: MasterQuery, files: readonly LocatedFile[]): void {
    const servers = files.flatMap((file) => file.servers);
    const told = [...new Set(servers.map(({ endpoint }) => endpointText(endpoint)))];
    // Whom it named before is left out of later answers if he is silent.
    if (told.length === 0 && (this.#toldOf.get(keyOf(master, query)) ?? []).length > 0) return;
    this.#toldOf.set(keyOf(master, query), told);
    for (const each of told) if (!this.#tellers.has(each)) this.#tellers.set(each, master);
  }
}

function keyOf(master: string, query: Query): string {
  return `${master}\n${textOf(query)}`;
}

function textOf(query: Query): string {
  const what = query.by === "sha256" ? query.sha256 : query.by === "any" ? "" : query.name ?? "";
  return `${query.by}\n${what}`;
}
