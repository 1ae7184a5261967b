/**
 * `get`: names in, verified files out. One search, one pool of workers and one coordinator for all
 * names of a run; one download per name.
 */
import { type HashHex, hashHex, type ServerId, type TransferId, transferId } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { Runtime } from "../../io/runtime.ts";
import { JOBS_DEFAULT, RETRIES_DEFAULT, TIMEOUT_MS_DEFAULT } from "../limits.ts";
import { type TransportConfig, transportConfig } from "../../messages/transport_config.ts";
import { parseFileName } from "../../names.ts";
import { Slots } from "../../protocol/base/slots.ts";
import type { FindNews } from "../../protocol/discovery/finder.ts";
import type { Coordinator } from "../../protocol/download/coordinator.ts";
import type { Query } from "../../wire/frames.ts";
import { ClassicFallback } from "./classic_fallback.ts";
import type { DownloadContext } from "./download_context.ts";
import { DownloadDriver } from "./download_driver.ts";
import { ProgressReport } from "./progress_report.ts";
import { type PoolNews, WorkerPool } from "./worker_pool.ts";
import type { DoneEvent, FailedEvent, GetEvent } from "../events.ts";
import type { GetOptions, GetResult } from "../options.ts";
import { MasterSearch } from "../master/master_search.ts";
import { type Find, openSearch, type Search } from "../discovery/search.ts";

/**
 * Fetches every name; resolves when each is done or has failed, and rejects with a ShoalError only
 * when the run could not begin or broke as a whole.
 */
export async function get(options: GetOptions, runtime: Runtime): Promise<GetResult> {
  const queries = options.names.map(queryOf);
  const search = await openSearch(options, runtime);
  const run = new GetRun(runtime, options, queries, search);
  try {
    return await run.ended();
  } finally {
    await run.close();
  }
}

/** `sha256:HEX` asks by content, anything else by name. Throws ShoalError `bad_name` or `usage`. */
function queryOf(text: string): Query {
  const match = /^sha256:(.*)$/s.exec(text);
  if (match !== null) {
    const hex = match[1]!.toLowerCase();
    if (!/^[0-9a-f]{64}$/.test(hex)) {
      throw new ShoalError("usage", "sha256: takes 64 hex digits");
    }
    return { by: "sha256", sha256: hashHex(hex) };
  }
  const parsed = parseFileName(text);
  if (!parsed.ok) throw new ShoalError("bad_name", `not a valid file name: ${parsed.problem}`);
  return { by: "name", name: parsed.name };
}

export class GetRun {
  readonly #runtime: Runtime;
  readonly #options: GetOptions;
  readonly #search: Search;
  readonly #transport: TransportConfig;
  readonly #pool: WorkerPool;
  readonly #progress: ProgressReport;
  readonly #classic: ClassicFallback;
  readonly #masters: MasterSearch;
  readonly #downloads: readonly DownloadDriver[];
  readonly #unended = new Set<DownloadDriver>();
  /** Whose news a transfer's are. */
  readonly #admitted = new Map<TransferId, DownloadDriver>();
  readonly #addresses = new Map<ServerId, string>();
  readonly #finds: Find[] = [];
  readonly #closing = new AbortController();
  readonly #onAbort = (): void => this.#failAll(new ShoalError("interrupted", "interrupted"));
  readonly #pinned: HashHex | undefined;
  #nextTransfer = 1;

  constructor(
    runtime: Runtime,
    options: GetOptions,
    queries: readonly Query[],
    search: Search,
  ) {
    this.#runtime = runtime;
    this.#options = options;
    this.#search = search;
    const { tune, mtuBytes, layers } = options;
    this.#transport = transportConfig({ tune, mtuBytes, layers });
    this.#pinned = options.sha256 === undefined ? undefined : hashHex(options.sha256.toLowerCase());
    this.#pool = this.#startPool();
    this.#progress = new ProgressReport({
      clock: runtime.clock,
      active: () => this.#pool.coordinator.lanes(),
      addresses: this.#addresses,
      emit: (event) => this.#emit(event),
    });
    this.#classic = this.#classicFallback();
    this.#downloads = this.#newDownloads(queries);
    search.onError = (error) => this.#failAll(error);
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#find(this.#downloads);
    for (const download of this.#downloads) {
      this.#unended.add(download);
      download.ended.then(() => this.#unended.delete(download));
    }
    this.#masters = this.#searchMasters(options.masters ?? []);
    if (options.signal?.aborted) this.#onAbort();
    this.#progress.run(this.#downloads, this.#closing.signal);
  }

  /** For whoever watches it work. */
  get coordinator(): Coordinator {
    return this.#pool.coordinator;
  }

  ended(): Promise<(DoneEvent | FailedEvent)[]> {
    return Promise.all(this.#downloads.map((download) => download.ended));
  }

  /** Leaves nothing behind: workers and sockets closed, part files and journals up to date. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#classic.stop();
    await this.#masters.close();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    await Promise.all([this.#pool.close(), this.#search.close(), this.#classic.close()]);
  }

  // — What the run is made of ———————————————————————————————————————————————————————————————————

  #startPool(): WorkerPool {
    const { timeoutMs = TIMEOUT_MS_DEFAULT, rateBytesPerS = 0 } = this.#options;
    return new WorkerPool({
      runtime: this.#runtime,
      firstKind: "datagrams",
      transport: this.#transport,
      timeoutMs,
      rateBytesPerS,
      onAssembler: (reply) => this.#admitted.get(reply.transfer)?.onTarget(reply),
      onNews: (news) => this.#onNews(news),
      onBytes: (server, bytes) => this.#progress.onBytes(server, bytes),
      onFailure: (error) => this.#failAll(error),
      onDetail: (message) => this.#emit({ event: "notice", level: "verbose", message }),
    });
  }

  #newDownloads(queries: readonly Query[]): readonly DownloadDriver[] {
    const { names, outDir, force = false, retries = RETRIES_DEFAULT } = this.#options;
    const { jobs = JOBS_DEFAULT } = this.#options;
    const context = this.#context(new Slots(jobs));
    return queries.map((query, index) =>
      new DownloadDriver(context, {
        name: names[index]!,
        query,
        outDir,
        force,
        retries,
        ...(this.#pinned !== undefined && { pinned: this.#pinned }),
        looksAhead: names.length <= jobs,
      })
    );
  }

  #context(jobs: Slots): DownloadContext {
    return {
      clock: this.#runtime.clock,
      search: this.#search,
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
  #classicFallback(): ClassicFallback {
    const { outDir, force = false, timeoutMs, retries } = this.#options;
    return new ClassicFallback(() => ({
      outDir,
      force,
      targets: this.#search.classicTargets,
      timeoutMs: timeoutMs ?? TIMEOUT_MS_DEFAULT,
      retries: retries ?? RETRIES_DEFAULT,
      runtime: this.#runtime,
      transport: this.#transport,
      ...(this.#pinned !== undefined && { sha256: this.#pinned }),
      emit: (event) => this.#emit(event),
      onFailure: (error) => this.#failAll(error),
    }));
  }

  /** What masters tell of is asked like everybody: their word alone counts for nothing. */
  #searchMasters(masters: readonly string[]): MasterSearch {
    return new MasterSearch({
      masters,
      wanted: () =>
        [...this.#unended]
          .map(({ query }) => query)
          .filter((query) => query.by !== "any"),
      onServers: (endpoints) => {
        for (const find of this.#finds) find.invite(endpoints);
      },
      onProblem: (message) => this.#emit({ event: "notice", level: "warning", message }),
    });
  }

  // — What happens ——————————————————————————————————————————————————————————————————————————————

  /** Starts a search for these downloads; what it finds goes to the one whose query it is about. */
  #find(downloads: readonly DownloadDriver[]): void {
    const queries = downloads.map((download) => download.query);
    const onNews = (news: FindNews): void => {
      if (news.kind === "server") return;
      const download = downloads[news.queryIndex]!;
      if (news.kind === "classicDue") return this.#classic.ask(download);
      download.onFind(
        news,
        news.kind === "timedOut" ? this.#silenceHint(download.query) : undefined,
      );
    };
    const find = this.#search.find(queries, onNews, this.#pinned);
    downloads.forEach((download, index) => download.begin(find, index));
    this.#finds.push(find);
  }

  /** Whom masters told of, and who did not answer. */
  #silenceHint(query: Query): string | undefined {
    const [first, ...others] = this.#masters.serversOf(query);
    if (first === undefined) return undefined;
    const also = others.length === 0 ? "" : ` and ${others.length} more`;
    return `A master names ${first}${also}: open its UDP ports, and check the route to it.`;
  }

  #onNews(news: PoolNews): void {
    if (news.kind !== "server") return this.#admitted.get(news.transfer)?.onTransfer(news);
    const { server: id, state } = news;
    const server = this.#addresses.get(id) ?? id;
    if (state === "dropped") { for (const download of this.#downloads) download.onDropped(id); }
    this.#emit({ event: "server", server, id, state, message: SERVER_STATES[state] });
  }

  #failAll(error: ShoalError): void {
    for (const download of this.#downloads) download.fail(error);
  }

  #emit(event: GetEvent): void {
    const teller = event.event === "offer" ? this.#masters?.tellerOf(event.server) : undefined;
    this.#options.onEvent?.(
      event.event === "offer" && teller !== undefined ? { ...event, master: teller } : event,
    );
  }
}

const SERVER_STATES = {
  active: "sends",
  standby: "stands by",
  silent: "does not answer",
  dropped: "sent bad chunks and is not asked again",
} as const;
