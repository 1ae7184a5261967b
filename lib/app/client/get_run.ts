/**
 * A `get` under way: one search, one pool of workers and one coordinator for all names of a run; one download per name.
 */
import type { Endpoint } from "../../address.ts";
import type { HashHex, ServerId, TransferId } from "../../ids.ts";
import { hashHex, transferId } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { Runtime } from "../../io/runtime.ts";
import type { ResolvedGetOptions, ResolvedTcpGetOptions } from "../option_defaults.ts";
import type { DatagramsConfig } from "../../messages/chunk_source.ts";
import { ConcurrencyLimit } from "../../protocol/base/concurrency_limit.ts";
import type { FindNews, Offer, RegistryWord } from "../../protocol/discovery/finder.ts";
import type { Report } from "../../protocol/download/receiver_report.ts";
import type { SearchAdvice } from "../../protocol/download/download_texts.ts";
import { ServerPatience } from "../../protocol/download/server_patience.ts";
import { isTreeReply } from "../../protocol/folder/tree_messages.ts";
import type { AssemblerReply } from "../../messages/assembler_worker.ts";
import type { DownloadSettings } from "../../protocol/download/download_messages.ts";
import type { Query } from "../../wire/frames.ts";
import { sealOf, transportConfig } from "../../messages/transport_config.ts";
import { ClassicFallback } from "./classic_fallback.ts";
import type { DownloadContext } from "./download_context.ts";
import { DownloadDriver } from "./download_driver.ts";
import type { FolderContext, TreeSink } from "./folder_context.ts";
import { FolderDownload } from "./folder_download.ts";
import type { GetExtension } from "./get_extension.ts";
import { type GetTarget, getTargetOf } from "../get_target.ts";
import { ProgressReport } from "./progress_report.ts";
import { NO_OUTSET, type RunOutset, RunTotals } from "./run_totals.ts";
import { Swarm } from "./swarm.ts";
import { type PoolNews, WorkerPool } from "./worker_pool.ts";
import { sourceKinds } from "./source_kinds.ts";
import type { DoneEvent, FailedEvent, GetEvent } from "../events.ts";
import { MasterSearch } from "../master/master_search.ts";
import type { Find, NameSearch } from "../discovery/search.ts";
import { WrittenFiles } from "../../io/files/written_files.ts";
import type { Route } from "../../protocol/download/source_route.ts";
import { RouteDriver } from "./route_driver.ts";
import { Sharing } from "./sharing.ts";
import { StreamProviders } from "./stream_providers.ts";

/** What runs over UDP and over TCP have in common, and what only those over UDP have. */
type RunOptions =
  & Omit<ResolvedTcpGetOptions, "server" | "port" | "dialect">
  & Pick<ResolvedGetOptions, "masters" | "mirror" | "dryRun" | "share" | "shareRateBytesPerS">;

export class GetRun {
  readonly #runtime: Runtime;
  readonly #options: RunOptions;
  readonly #target: GetTarget;
  readonly #search: NameSearch;
  /** What is asked over TCP, and whom it is asked. */
  readonly streams: StreamProviders;
  readonly #routes: RouteDriver;
  readonly #kind: Route["kind"];
  readonly #extension: GetExtension;
  /** The servers that the user named. */
  readonly #hosts: readonly Endpoint[];
  readonly #patience: ServerPatience;
  readonly #datagrams: DatagramsConfig | undefined;
  readonly #pool: WorkerPool;
  readonly #progress: ProgressReport;
  /** What is given to others; `undefined` where nothing is. */
  readonly #sharing: Sharing | undefined;
  /** Who else fetches the same; nobody where everything comes over TCP. */
  readonly #swarm: Swarm | undefined;
  /** Those servers speak UDP alone. */
  readonly #classic: ClassicFallback | undefined;
  readonly #masters: MasterSearch;
  /** One for each query. */
  readonly #sought: readonly (DownloadDriver | FolderDownload)[];
  readonly #ended = new Set<DownloadDriver | FolderDownload>();
  /** The files among these, and those that are parts of folders. */
  readonly #downloads: DownloadDriver[] = [];
  readonly #folders: FolderDownload[] = [];
  readonly #jobs: ConcurrencyLimit;
  readonly #unended = new Set<DownloadDriver>();
  /** Whose news a transfer's are. */
  readonly #admitted = new Map<TransferId, DownloadDriver>();
  readonly #trees = new Map<TransferId, TreeSink>();
  readonly #addresses = new Map<ServerId, string>();
  readonly #finds: Find[] = [];
  /** The latest for each query. */
  readonly #findOf = new Map<Query, { readonly find: Find; readonly queryIndex: number }>();
  /** What no other file of the run replaces; the assembler knows the same. */
  readonly #written: WrittenFiles;
  readonly #closing = new AbortController();
  readonly #onAbort = (): void => this.#failAll(new ShoalError("interrupted", "interrupted"));
  readonly #pinned: HashHex | undefined;
  #nextTransfer = 1;
  #givenBytes = 0;

  /**
   * @param datagrams undefined where everything comes over TCP
   */
  constructor(
    runtime: Runtime,
    options: RunOptions,
    queries: readonly Query[],
    openSearch: (run: GetRun) => NameSearch,
    datagrams: DatagramsConfig | undefined,
    hosts: readonly Endpoint[],
    extension: GetExtension = {},
    outset: RunOutset = NO_OUTSET,
  ) {
    this.#extension = extension;
    this.#runtime = runtime;
    this.#written = new WrittenFiles(runtime.disk);
    this.#options = options;
    this.#target = getTargetOf(options);
    this.#datagrams = datagrams;
    this.#kind = datagrams === undefined ? "stream" : "datagrams";
    this.#hosts = hosts;
    this.#patience = new ServerPatience(options.timeoutMs * options.retries);
    this.streams = this.#newStreams();
    this.#search = openSearch(this);
    this.#pinned = options.sha256 === undefined ? undefined : hashHex(options.sha256.toLowerCase());
    this.#routes = this.#startRoutes();
    this.#pool = this.#startPool();
    this.#sharing = this.#openSharing();
    this.#swarm = datagrams && new Swarm({
      ...{ runtime, search: this.#search, pool: this.#pool, sharing: this.#sharing },
    });
    this.#progress = new ProgressReport({
      clock: runtime.clock,
      active: () => this.#pool.coordinator.lanes(),
      givenBytes: () => this.#givenBytes,
      addresses: this.#addresses,
      totals: new RunTotals(outset),
      emit: (event) => this.#emit(event),
    });
    // What classic servers send is proved at its end only, and can be read by anybody.
    const isClear = sealOf(options.layers) === undefined;
    if (datagrams !== undefined && this.#target.sink === undefined && isClear) {
      this.#classic = this.#classicFallback(datagrams);
    }
    this.#jobs = new ConcurrencyLimit(options.jobs);
    this.#sought = queries.map((query, index) => this.#newSought(query, index));
    for (const each of this.#sought) {
      void each.ended.then((events) => {
        this.#ended.add(each);
        this.#progress.onEnded(each, [events].flat());
      });
    }
    this.#search.onError = (error) => this.#failAll(error);
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#find(this.#sought);
    // Nearly every run needs them; they start while the first question is on its way.
    const isLikelyThere = (each: DownloadDriver | FolderDownload): boolean =>
      each instanceof FolderDownload && each.isKnown;
    if (!this.#sought.every(isLikelyThere)) this.#pool.warmUp(1);
    this.#masters = this.#searchMasters(options.masters);
    if (options.signal?.aborted) this.#onAbort();
    this.#progress.run(() => this.#unendedNames, this.#closing.signal);
    extension.onBegun?.(this.#pool.coordinator);
  }

  get #unendedNames(): readonly (DownloadDriver | FolderDownload)[] {
    return this.#sought.filter((each) => !this.#ended.has(each));
  }

  /** For each query, what became of it. */
  ended(): Promise<(readonly (DoneEvent | FailedEvent)[])[]> {
    return Promise.all(this.#sought.map(async ({ ended }) => [await ended].flat()));
  }

  /** Leaves nothing behind: workers and sockets closed, part files and journals up to date. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#routes.close();
    this.#classic?.stop();
    await this.#masters.close();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    // What others wait for is sent before the files that it is in are closed.
    await this.#sharing?.close();
    if (this.#givenBytes > 0) this.#emit({ event: "given", bytes: this.#givenBytes });
    await this.#search.close();
    await Promise.all([this.#pool.close(), this.streams.close(), this.#classic?.close()]);
  }

  // — What the run is made of ———————————————————————————————————————————————————————————————————

  #startPool(): WorkerPool {
    const { layers, timeoutMs, rateBytesPerS, sparse, portableNames } = this.#options;
    const kinds = sourceKinds({ layers, timeoutMs }, this.#datagrams);
    return new WorkerPool({
      files: { sparse, portableNames },
      sink: this.#target.sink,
      runtime: this.#runtime,
      firstKind: this.#kind,
      kinds: { ...kinds, ...this.#extension.kinds },
      timeoutMs,
      rateBytesPerS,
      onAssembler: (reply) => this.#onAssembler(reply),
      onNews: (news) => this.#onNews(news),
      onReport: (server, report) => this.#onReport(server, report),
      onRefused: (...refused) => this.#search.tellRefused(...refused),
      onFailure: (error) => this.#failAll(error),
      onDetail: (message) => this.#emit({ event: "notice", level: "verbose", message }),
    });
  }

  /** What goes to a reader is not kept for others. */
  #openSharing(): Sharing | undefined {
    const { share, shareRateBytesPerS: rateBytesPerS } = this.#options;
    if (!share || this.#datagrams === undefined || this.#target.sink !== undefined) {
      return undefined;
    }
    const { host, tune, layers } = this.#datagrams.transport;
    return new Sharing({
      ...{ runtime: this.#runtime, rateBytesPerS },
      transport: transportConfig({ host, tune, layers }),
      onGiven: (bytes) => this.#givenBytes += bytes,
      onDetail: (message) => this.#emit({ event: "notice", level: "verbose", message }),
    });
  }

  #newStreams(): StreamProviders {
    const { layers, timeoutMs, retries, signal } = this.#options;
    return new StreamProviders(this.#runtime, {
      layers,
      timeoutMs,
      retries,
      signal,
      onWaiting: (attempt, attempts, message) => {
        if (this.#kind !== "stream") return;
        for (const { name } of this.#unended) {
          this.#emit({ event: "waiting", name, attempt, attempts, message });
        }
      },
    });
  }

  #startRoutes(): RouteDriver {
    const { timeoutMs, retries, masters } = this.#options;
    return new RouteDriver({
      clock: this.#runtime.clock,
      streams: this.streams,
      hosts: this.#hosts,
      peerIds: () => this.#search.peerIds,
      timeoutMs,
      retries,
      pinned: this.#pinned,
      fallsBack: this.#kind !== "stream",
      emit: (event) => this.#emit(event),
      onHeard: () => this.#search.heard(),
      onLacked: (query) => {
        // Where masters are asked, others than those who were named may have it.
        if (masters.length === 0) this.#tellWord(query, { isUnknown: true, similar: [] });
      },
    });
  }

  #tellWord(query: Query, word: RegistryWord): void {
    const about = this.#findOf.get(query);
    about?.find.onRegistries(about.queryIndex, word);
  }

  #newSought(query: Query, index: number): DownloadDriver | FolderDownload {
    const { names, retries, jobs, links, check: checks, portableNames } = this.#options;
    const { mirror, dryRun } = this.#options;
    const { outDir, savedAs, onTaken } = this.#target;
    if (query.by === "tree") {
      const settings = { name: names[index]!, folder: query.name, outDir, mirror, dryRun };
      const options = { ...settings, onTaken, portableNames, links, checks, retries };
      const searchAgain = (): void => this.#find([folder]);
      const folder = new FolderDownload(this.#folderContext(searchAgain), options);
      this.#folders.push(folder);
      return folder;
    }
    return this.#newDownload(this.#context(), {
      name: query.by === "name" ? query.name : names[index]!,
      query,
      outDir,
      ...(savedAs !== undefined && { savedAs }),
      onTaken,
      retries,
      ...(this.#pinned !== undefined && { pinned: this.#pinned }),
      looksAhead: names.length <= jobs,
      asksAnybody: this.#hosts.length === 0 && this.#kind === "datagrams",
      seed: this.#runtime.random.u32(),
    });
  }

  #newDownload(context: DownloadContext, settings: DownloadSettings): DownloadDriver {
    const download = new DownloadDriver(context, settings);
    this.#downloads.push(download);
    this.#unended.add(download);
    download.ended.then(() => {
      this.#unended.delete(download);
      if (!this.#sought.includes(download)) {
        this.#downloads.splice(this.#downloads.indexOf(download), 1);
      }
    });
    return download;
  }

  #folderContext(searchFolderAgain: () => void): FolderContext {
    const { retries } = this.#options;
    const { onTaken } = this.#target;
    return {
      ...this.#context(),
      disk: this.#runtime.disk,
      records: this.#runtime.treeRecords(this.#options.cacheDir),
      addPart: ({ content, ...settings }, offers, emit) => {
        const { sha256 } = content;
        const part = this.#newDownload({ ...this.#context(), emit }, {
          ...{ ...settings, onTaken, retries, pinned: sha256, query: { by: "sha256", sha256 } },
          ...{ looksAhead: true, asksAnybody: false, seed: this.#runtime.random.u32() },
        });
        for (const offer of offers) part.onFind({ kind: "offer", queryIndex: 0, offer });
        return part;
      },
      openTransfer: (folder) => {
        const transfer = transferId(this.#nextTransfer++);
        this.#trees.set(transfer, folder);
        return transfer;
      },
      closeTransfer: (transfer) => void this.#trees.delete(transfer),
      searchFolderAgain,
    };
  }

  #context(): DownloadContext {
    const jobs = this.#jobs;
    return {
      clock: this.#runtime.clock,
      search: this.#search,
      streams: this.streams,
      routes: this.#routes,
      extension: this.#extension,
      ...(this.#swarm !== undefined && { swarm: this.#swarm }),
      onWaited: (download, servers) => this.#onWaited(download, servers),
      onHeard: (server) => this.#patience.onHeard(this.#runtime.clock.nowMs(), server),
      pool: this.#pool,
      emit: (event) => this.#emit(event),
      acquire: (download, admit) =>
        jobs.acquire(() => {
          const transfer = transferId(this.#nextTransfer++);
          this.#admitted.set(transfer, download);
          admit(transfer);
        }),
      release: (transfer) => {
        this.#admitted.delete(transfer);
        jobs.release();
      },
      searchAgain: (download) => this.#find([download]),
      addresses: this.#addresses,
    };
  }

  /** Nobody who speaks Shoal has answered: perhaps somebody speaks classic. */
  #classicFallback({ transport }: DatagramsConfig): ClassicFallback {
    const { sparse, portableNames, timeoutMs, retries } = this.#options;
    return new ClassicFallback(() => ({
      ...this.#target,
      sparse,
      portableNames,
      written: this.#written,
      targets: this.#search.classicTargets,
      timeoutMs,
      retries,
      runtime: this.#runtime,
      transport,
      ...(this.#pinned !== undefined && { sha256: this.#pinned }),
      emit: (event) => this.#emit(event),
      onFailure: (error) => this.#failAll(error),
    }));
  }

  /** Servers that masters name are queried like all others: a master's word alone proves nothing. */
  #searchMasters(masters: readonly string[]): MasterSearch {
    return new MasterSearch({
      runtime: this.#runtime,
      layers: this.#options.layers,
      timeoutMs: this.#options.timeoutMs,
      masters,
      // Who has a part of a folder is known by who has the folder.
      wanted: () => {
        const queries = this.#unendedNames.map(({ query }) => query);
        return queries.filter((query) => query.by !== "any");
      },
      onServers: (endpoints) => {
        for (const find of this.#finds) find.invite(endpoints);
      },
      onWord: (query, word) => this.#tellWord(query, word),
      onProblem: (message) => this.#emit({ event: "notice", level: "warning", message }),
    });
  }

  // — What happens ——————————————————————————————————————————————————————————————————————————————

  /** Starts a search for these downloads; what it finds goes to the one whose query it is about. */
  #find(downloads: readonly (DownloadDriver | FolderDownload)[]): void {
    const queries = downloads.map((download) => download.query);
    const onNews = (news: FindNews): void => {
      if (news.kind === "server") {
        this.#routes.onServer(news);
        return this.#masters.heard(news.path.endpoint.address);
      }
      const download = downloads[news.queryIndex]!;
      if (news.kind === "offer") this.#onOffer(news.offer, download);
      if (news.kind === "classicDue") {
        if (download instanceof DownloadDriver) this.#classic?.ask(download);
        return;
      }
      this.#routes.afterClaims(
        news,
        download.query,
        () => download.onFind(news, this.#adviceOn(news, download.query)),
      );
    };
    const find = this.#search.find(queries, onNews, this.#pinned);
    downloads.forEach((download, queryIndex) => {
      download.begin(find, queryIndex);
      this.#findOf.set(download.query, { find, queryIndex });
    });
    this.#finds.push(find);
    this.#routes.onSearch(downloads);
  }

  #onOffer(offer: Offer, download: DownloadDriver | FolderDownload): void {
    if (!offer.isProved) return this.#routes.handle({ kind: "claimed", download, offer });
    const { server, path: { endpoint } } = offer;
    this.#patience.onHeard(this.#runtime.clock.nowMs(), server);
    this.#routes.handle({ kind: "offered", server, over: this.#kind, endpoint });
  }

  /** What masters say goes before what was seen of the network. */
  #adviceOn(news: FindNews, query: Query): SearchAdvice | undefined {
    if (news.kind !== "notFound" && news.kind !== "timedOut") return undefined;
    const hint = news.kind === "notFound"
      ? this.#masters.unknownHint(query)
      : this.#masters.silenceHint(query);
    if (hint !== undefined) return { hint };
    return news.kind === "timedOut" ? this.#search.silence(this.#masters.lost) : undefined;
  }

  #onReport(server: ServerId, { source, receivedBytes, verified }: Report): void {
    const nowMs = this.#runtime.clock.nowMs();
    const chunkCount = verified.length;
    if (receivedBytes > 0) this.#patience.onHeard(nowMs, server);
    if (chunkCount > 0) this.#patience.onBrought(nowMs, server);
    this.#routes.handle({ kind: "arrived", server, source, bytes: receivedBytes, chunkCount });
    this.#progress.onBytes(server, receivedBytes);
  }

  /** One download has found out for all which servers are not worth waiting for. */
  #onWaited(download: DownloadDriver, servers: readonly ServerId[]): void {
    const { timeoutMs, retries } = this.#options;
    const givenUp = this.#patience.onVainWait(this.#runtime.clock.nowMs(), servers);
    const others = givenUp.length === 0 ? [] : [...this.#unended];
    for (const each of new Set([download, ...others])) each.onGivenUp(givenUp, timeoutMs * retries);
  }

  #onNews(news: PoolNews): void {
    if (news.kind !== "server") {
      const folder = this.#trees.get(news.transfer);
      if (folder !== undefined) return folder.onTransfer(news);
      // Only folders have chunks that can be done without.
      if (news.kind === "unobtainable") return;
      return this.#admitted.get(news.transfer)?.onTransfer(news);
    }
    const { server, source, state } = news;
    const isTaker = this.#pool.coordinator.isTaker(source);
    if (state === "dropped") {
      for (const each of [...this.#downloads, ...this.#folders]) each.onDropped(server);
    }
    // Takers come and go: that is no loss, and no other way leads to them.
    if (isTaker) return;
    const hasBrought = this.#pool.coordinator.hasBrought(source);
    this.#routes.handle({ kind: "state", server, source, state, hasBrought });
  }

  /** Nothing can come of this query any more. */
  fail(query: Query, error: ShoalError): void {
    this.#sought.find((each) => each.query === query)?.fail(error);
  }

  #failAll(error: ShoalError): void {
    for (const each of [...this.#folders, ...this.#downloads]) each.fail(error);
  }

  #onAssembler(reply: Extract<AssemblerReply, { transfer: TransferId }>): void {
    if (isTreeReply(reply)) this.#trees.get(reply.transfer)?.onTree(reply);
    else this.#admitted.get(reply.transfer)?.onTarget(reply);
  }

  #emit(event: GetEvent): void {
    if (event.event === "done" && this.#target.onTaken === "replace") {
      this.#written.add(event.path);
      this.#pool.askAssembler({ kind: "written", path: event.path });
    }
    const teller = event.event === "offer" ? this.#masters?.tellerOf(event.server) : undefined;
    this.#options.onEvent?.(
      event.event === "offer" && teller !== undefined ? { ...event, master: teller } : event,
    );
  }
}
