/**
 * `list`: what all servers offer. Finds the servers, reads their listings in parallel, and ends when
 * all servers that answered in time have sent theirs.
 */
import { type Endpoint, endpointText, partyOf } from "../../address.ts";
import { claimedIdOf, NO_SERVER_ID, type PeerId, peerId, type SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { denoRuntime, type Runtime } from "../../io/runtime.ts";
import {
  LIST_CLAIMS_MAX,
  LIST_ENTRIES_PER_PARTY_MAX,
  LIST_GATHER_MS,
  LIST_SCHEDULE_MS,
  LIST_TCP_PATIENCE_MS,
} from "./limits.ts";
import { type ResolvedListOptions, resolveList } from "../option_defaults.ts";
import type { ListingEntry } from "../../wire/frames.ts";
import { STREAM_ASK_AFTER_MS } from "../../protocol/download/limits.ts";
import type { ServerPath } from "../../protocol/base/server_path.ts";
import { HiddenServers } from "./hidden_servers.ts";
import { listingEntry, ListingMerge } from "./listing_merge.ts";
import { tellingOfSeal } from "../sealed_events.ts";
import type { ListOptions, ListResult } from "../options.ts";
import { listAt } from "../master/master_client.ts";
import { type ListHandle, openSearch, type Search } from "../discovery/search.ts";
import { listingOverTcp, restOfListing } from "./tcp_list.ts";

/**
 * Lists what every server on the network offers. Different contents of one name are listed apart.
 *
 * @param options where to look, and how long
 * @returns one event per content and name, in the order of the names
 * @throws {ShoalError} `usage` for a host that cannot be asked, `no_server` if nobody answers, `network` if no
 * socket can be opened, `interrupted` through the signal
 *
 * @example List what this machine offers
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { list, serve } from "@shoal/shoal";
 *
 * const dir = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${dir}/notes.txt`, "hello");
 * const server = await serve({ dir, cacheDir: await Deno.makeTempDir(), port: 0 });
 *
 * const files = await list({ port: server.ready.port, broadcast: ["127.255.255.255"] });
 * assertEquals(files.map(({ name, size }) => [name, size]), [["notes.txt", 5]]);
 * await server.close();
 * ```
 */
export async function list(options: ListOptions): Promise<ListResult> {
  return await listIn(denoRuntime(), options);
}

/** The same on a platform that is handed in. */
export async function listIn(
  runtime: Runtime,
  given: ListOptions,
  /** Whether there is one server to be asked and no other, so that nobody else is waited for. */
  isAlone = false,
): Promise<ListResult> {
  return await tellingOfSeal(resolveList(given), async (options) => {
    const search = await openSearch(options, runtime);
    try {
      return await new ListRun(search.watched(runtime), options, search, isAlone).run();
    } finally {
      await search.close();
    }
  });
}

interface Reading {
  readonly endpoint: Endpoint;
  readonly handle: ListHandle;
  /** Whether it has proved to be there; who is only said to be is not waited for. */
  isProved: boolean;
  hasEnded: boolean;
}

class ListRun {
  readonly #runtime: Runtime;
  readonly #options: ResolvedListOptions;
  readonly #search: Search;
  readonly #merge = new ListingMerge(LIST_ENTRIES_PER_PARTY_MAX);
  readonly #readings = new Map<PeerId, Reading>();
  /** Of whose listings something is left out. */
  readonly #cutParties = new Set<string>();
  readonly #ended = Promise.withResolvers<void>();
  /** Aborted when the run is over, however it ended. */
  readonly #ending = new AbortController();
  /** Masters that have not told everything yet. */
  #mastersUnended = 0;
  /** Servers that are asked over TCP and have not told everything yet. */
  #streamsUnended = 0;
  /** Whether one has, because it does not answer over UDP. */
  #hasStream = false;
  #isGathering: boolean;
  readonly #lostMasters: string[] = [];
  /** Whether a master has sent its whole listing. */
  #hasMaster = false;
  /** Those that do not come by datagrams. */
  readonly #hidden: HiddenServers;
  /** Whether they had their time to, and are asked over TCP. */
  #hasAskedHidden = false;
  /** Whether the broadcasts went unanswered and the wait for answers is over. */
  #isTimedOut = false;

  constructor(runtime: Runtime, options: ResolvedListOptions, search: Search, isAlone: boolean) {
    this.#isGathering = !isAlone;
    this.#runtime = runtime;
    this.#options = options;
    this.#search = search;
    const { port, servers } = options;
    this.#hidden = new HiddenServers(port, servers.length > 0 ? search.classicTargets : []);
  }

  async run(): Promise<ListResult> {
    const { signal } = this.#options;
    const onAbort = () => this.#ended.reject(new ShoalError("interrupted", "interrupted"));
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#search.onError = (error) => this.#ended.reject(error);
    try {
      signal?.aborted && onAbort();
      this.#find();
      for (const master of this.#options.masters) this.#readMaster(master);
      this.#gather();
      this.#askHidden();
      await this.#ended.promise;
    } finally {
      this.#ending.abort();
      signal?.removeEventListener("abort", onAbort);
    }
    const files = this.#merge.files();
    for (const file of files) this.#options.onEvent?.(file);
    return files;
  }

  #find(): void {
    const find = this.#search.find(
      [{ by: "any" }],
      (news) => {
        switch (news.kind) {
          case "server":
            if (news.isProved) find.settle(0);
            this.#hidden.onServer(news.server, news.path.endpoint, news.isProved);
            return this.#read(news.server, news.path, news.isProved);
          case "attempt":
            return this.#tellWaiting(news.attempt);
          case "timedOut":
            this.#isTimedOut = true;
            return this.#endIfComplete();
          default:
            // A query for any server has no other answers.
        }
      },
      undefined,
      LIST_SCHEDULE_MS,
    );
  }

  async #gather(): Promise<void> {
    await this.#runtime.clock.sleep(LIST_GATHER_MS, this.#ending.signal);
    if (this.#ending.signal.aborted) return;
    this.#isGathering = false;
    if (this.#proved.length === 0 && !this.#hasMaster) this.#tellWaiting(1);
    this.#endIfComplete();
  }

  /** A listing that is asked for proves itself: who is only said to be there is asked as well, if few are. */
  #read(server: PeerId, path: ServerPath, isProved: boolean): void {
    const known = this.#readings.get(server);
    if (known !== undefined) {
      known.isProved ||= isProved;
      return known.handle.addPath(path);
    }
    if (!isProved && this.#readings.size - this.#proved.length >= LIST_CLAIMS_MAX) return;
    const { endpoint } = path;
    const handle = this.#search.fetchList(server, {
      onEntries: (entries, tcpPort) => {
        reading.isProved = true;
        this.#hidden.onServer(server, endpoint, true);
        this.#hidden.onListed(server, tcpPort);
        if (!this.#add(server, endpoint, entries)) this.#cut(reading);
      },
      onRest: (from, after) => this.#readRest(server, endpoint, from, after),
      onEnded: (isComplete) => {
        reading.hasEnded = true;
        if (isComplete) reading.isProved = true;
        else if (reading.isProved) this.#tellSilent(server, endpoint);
        if (!reading.isProved) this.#readings.delete(server);
        this.#endIfComplete();
      },
    });
    const reading: Reading = { endpoint, handle, isProved, hasEnded: false };
    this.#readings.set(server, reading);
    handle.addPath(path);
  }

  /** `false` if the host has listed more than anybody may: then nothing of it is taken. */
  #add(server: PeerId, endpoint: Endpoint, entries: readonly ListingEntry[]): boolean {
    const isTaken = this.#merge.add(server, endpoint, entries);
    if (!isTaken) this.#tellCut(endpoint);
    return isTaken;
  }

  #cut(reading: Reading): void {
    if (reading.hasEnded) return;
    reading.hasEnded = true;
    reading.handle.close();
    this.#endIfComplete();
  }

  #tellCut({ address }: Endpoint): void {
    const party = partyOf(address);
    if (this.#cutParties.has(party)) return;
    this.#cutParties.add(party);
    const message = `${address} lists more than ${LIST_ENTRIES_PER_PARTY_MAX} names: ` +
      "the rest is left out. Name what you want to get.";
    this.#options.onEvent?.({ event: "notice", level: "warning", message });
  }

  get #proved(): readonly Reading[] {
    return [...this.#readings.values()].filter(({ isProved }) => isProved);
  }

  /** Most of a long listing comes over TCP; by datagrams where that is closed. */
  async #readRest(
    server: PeerId,
    endpoint: Endpoint,
    from: Endpoint,
    after: SafeFileName,
  ): Promise<void> {
    let last: SafeFileName | undefined;
    const isComplete = await restOfListing(
      this.#runtime,
      { from, layers: this.#options.layers },
      after,
      (files) => {
        if (!this.#add(server, endpoint, files.map(listingEntry))) {
          const reading = this.#readings.get(server);
          if (reading !== undefined) this.#cut(reading);
          throw new ShoalError("refused", "the listing never ends");
        }
        last = files.at(-1)?.name ?? last;
      },
      this.#ending.signal,
    ).then(() => true, () => false);
    const reading = this.#readings.get(server);
    if (this.#ending.signal.aborted || reading === undefined || reading.hasEnded) return;
    reading.handle.restRead(isComplete, last);
  }

  /** A master lists what its servers have; where broadcasts reach them too, that is one listing. */
  async #readMaster(master: string): Promise<void> {
    this.#mastersUnended += 1;
    try {
      const { layers, timeoutMs, retries } = this.#options;
      const target = { master, layers, timeoutMs, retries, signal: this.#ending.signal };
      await listAt(this.#runtime, target, (files) => {
        for (const file of files) {
          for (const { server, endpoint } of file.servers) {
            const peer = this.#search.peerIds.at(server, endpoint);
            this.#add(peer, endpoint, [listingEntry(file)]);
          }
        }
      });
      this.#hasMaster = true;
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      this.#lostMasters.push(master);
      const message = `master: ${ShoalError.from(error).message}`;
      this.#options.onEvent?.({ event: "notice", level: "warning", message });
    }
    this.#mastersUnended -= 1;
    this.#endIfComplete();
  }

  /** Servers that the user named, or that are said to be where others are, and that list nothing over UDP. */
  async #askHidden(): Promise<void> {
    const { clock } = this.#runtime;
    await clock.sleep(STREAM_ASK_AFTER_MS, this.#ending.signal);
    if (this.#ending.signal.aborted) return;
    this.#hasAskedHidden = true;
    const { servers, timeoutMs, retries } = this.#options;
    // Beside servers that answer, nobody is waited for long.
    const patience = servers.length > 0 && this.#proved.length === 0
      ? { timeoutMs, retries }
      : { timeoutMs: LIST_TCP_PATIENCE_MS, retries: 0 };
    for (const endpoint of this.#hidden.endpoints) this.#readStream(endpoint, patience);
    this.#endIfComplete();
  }

  async #readStream(
    endpoint: Endpoint,
    { timeoutMs, retries }: Pick<ResolvedListOptions, "timeoutMs" | "retries">,
  ): Promise<void> {
    this.#streamsUnended += 1;
    const { port, layers } = this.#options;
    const server = endpointText(endpoint);
    const target = { server, port, layers, timeoutMs, retries, signal: this.#ending.signal };
    try {
      const peer = peerId(NO_SERVER_ID, endpointText(endpoint));
      await listingOverTcp(this.#runtime, target, (files) => {
        if (this.#add(peer, endpoint, files.map(listingEntry))) return;
        throw new ShoalError("refused", "the listing never ends");
      });
      this.#hasStream = true;
      this.#search.heard();
      const message = `${server} does not answer over UDP: listing over TCP instead`;
      this.#options.onEvent?.({ event: "notice", level: "warning", message });
    } catch {
      // UDP may work yet, and decides.
    }
    this.#streamsUnended -= 1;
    this.#endIfComplete();
  }

  #endIfComplete(): void {
    const readings = this.#proved;
    if (this.#isGathering || this.#mastersUnended > 0) return;
    if (this.#streamsUnended > 0) return;
    if (!this.#hasAskedHidden && readings.length > 0 && this.#hidden.endpoints.length > 0) return;
    if (readings.some(({ hasEnded }) => !hasEnded)) return;
    if (readings.length > 0 || this.#hasMaster || this.#hasStream) this.#ended.resolve();
    else if (this.#isTimedOut) {
      const silence = this.#search.silence(this.#lostMasters);
      this.#ended.reject(
        silence === undefined
          ? new ShoalError("no_server", "no server answered")
          : new ShoalError("no_server", `no server answered: ${silence.why}`, silence),
      );
    }
  }

  #tellWaiting(attempt: number): void {
    this.#options.onEvent?.({
      event: "waiting",
      name: "",
      attempt,
      attempts: this.#options.retries,
      message: "no server has answered yet",
    });
  }

  #tellSilent(id: PeerId, endpoint: Endpoint): void {
    this.#options.onEvent?.({
      event: "server",
      server: endpointText(endpoint),
      id: claimedIdOf(id),
      state: "silent",
      message: "stopped answering before its listing was complete",
    });
  }
}
