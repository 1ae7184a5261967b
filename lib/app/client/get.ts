/**
 * `get`: names in, verified files out. One search, one pool of workers and one coordinator for all
 * names of a run; a {@linkcode Download} a name.
 */
import { type HashHex, hashHex, type ServerId, transferId } from "../../ids.ts";
import type { SafeFileName, TransferId } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { PROGRESS_INTERVAL_MS } from "../../limits.ts";
import { CLASSIC_DOWNLOADS_MAX } from "./limits.ts";
import { JOBS_DEFAULT, RETRIES_DEFAULT, TIMEOUT_MS_DEFAULT } from "../limits.ts";
import type { Runtime } from "../../io/runtime.ts";
import { nowMs, sleep } from "../../io/system/clock.ts";
import { type TransportConfig, transportConfig } from "../../messages/transport_config.ts";
import { parseFileName } from "../../names.ts";
import { RateMeter } from "../../protocol/base/rate_meter.ts";
import type { Query } from "../../wire/frames.ts";
import { ClassicDownload } from "./classic_download.ts";
import { type PoolNews, WorkerPool } from "./worker_pool.ts";
import { Download } from "./download.ts";
import type { DownloadContext } from "./download_context.ts";
import type { DoneEvent, FailedEvent, GetEvent } from "../events.ts";
import type { GetOptions, GetResult } from "../options.ts";
import { MasterSearch } from "../master/master_search.ts";
import { type Find, openSearch, type Search } from "../discovery/search.ts";
import { Slots } from "../../protocol/base/slots.ts";

/**
 * Fetches every name; resolves when each is done or has failed, and rejects with a ShoalError only
 * when the run could not begin or broke as a whole.
 */
export async function get(
  options: GetOptions,
  runtime: Runtime,
): Promise<GetResult> {
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
  if (!parsed.ok) throw new ShoalError("bad_name", `that is no name for a file: ${parsed.problem}`);
  return { by: "name", name: parsed.name };
}

class GetRun {
  readonly #runtime: Runtime;
  readonly #options: GetOptions;
  readonly #search: Search;
  readonly #transport: TransportConfig;
  readonly #crew: WorkerPool;
  readonly #downloads: readonly Download[];
  readonly #adopted = new Map<TransferId, Download>();
  readonly #addresses = new Map<ServerId, string>();
  readonly #laneMeters = new Map<ServerId, RateMeter>();
  readonly #laneBytes = new Map<ServerId, number>();
  readonly #meters = new Map<Download, { readonly meter: RateMeter; bytes: number }>();
  readonly #classics: ClassicDownload[] = [];
  readonly #classicSlots = new Slots(CLASSIC_DOWNLOADS_MAX);
  readonly #closing = new AbortController();
  readonly #onAbort = (): void => this.#failAll(new ShoalError("interrupted", "interrupted"));
  readonly #pinned: HashHex | undefined;
  readonly #finds: Find[] = [];
  readonly #unended = new Set<Download>();
  readonly #masters: MasterSearch;
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
    this.#crew = new WorkerPool({
      runtime,
      firstKind: "datagrams",
      transport: this.#transport,
      timeoutMs: options.timeoutMs ?? TIMEOUT_MS_DEFAULT,
      rateBytesPerS: options.rateBytesPerS ?? 0,
      onAssembler: (reply) => this.#adopted.get(reply.transfer)?.onAssembler(reply),
      onNews: (news) => this.#onNews(news),
      onBytes: (server, bytes) => this.#onBytes(server, bytes),
      onFailure: (error) => this.#failAll(error),
      onDetail: (message) => this.#emit({ event: "notice", level: "verbose", message }),
    });
    const context = this.#context();
    this.#downloads = queries.map((query, i) => new Download(context, options.names[i]!, query));
    search.onError = (error) => this.#failAll(error);
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#find(this.#downloads);
    for (const download of this.#downloads) {
      this.#unended.add(download);
      download.ended.then(() => this.#unended.delete(download));
    }
    this.#masters = this.#searchMasters(options.masters ?? []);
    if (options.signal?.aborted) this.#onAbort();
    this.#reportProgress();
  }

  ended(): Promise<(DoneEvent | FailedEvent)[]> {
    return Promise.all(this.#downloads.map((download) => download.ended));
  }

  /** Leaves nothing behind: workers and sockets closed, part files and journals up to date. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#masters.close();
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    const classics = this.#classics.map((classic) => classic.close());
    await Promise.all([this.#crew.close(), this.#search.close(), ...classics]);
  }

  #context(): DownloadContext {
    const { outDir, force, jobs = JOBS_DEFAULT, names, retries } = this.#options;
    const slots = new Slots(jobs);
    return {
      search: this.#search,
      crew: this.#crew,
      outDir,
      force: force ?? false,
      retries: retries ?? RETRIES_DEFAULT,
      pinned: this.#pinned,
      looksAhead: names.length <= jobs,
      emit: (event) => this.#emit(event),
      adopt: (download) => {
        const id = transferId(this.#nextTransfer++);
        this.#adopted.set(id, download);
        return id;
      },
      acquire: (start) => slots.acquire(start),
      release: () => slots.release(),
      searchAgain: (download) => this.#find([download]),
      addresses: this.#addresses,
    };
  }

  /** Starts a search for these downloads; what it says goes to the one whose query it is about. */
  #find(downloads: readonly Download[]): void {
    const queries = downloads.map((download) => download.query);
    const at = (index: number): Download => downloads[index]!;
    const find = this.#search.find(queries, {
      onOffer: (index, offer) => at(index).onOffer(index, offer),
      onPending: (index, pending) => at(index).onPending(index, pending),
      onAttempt: (index, attempt) => at(index).onAttempt(index, attempt),
      onNotFound: (index, similar) => at(index).onNotFound(index, similar),
      onTimedOut: (index) => at(index).onTimedOut(index, this.#silenceHint(at(index).query)),
      onClassicDue: (index) => this.#askClassic(at(index)),
    }, this.#pinned);
    downloads.forEach((download, index) => download.begin(find, index));
    this.#finds.push(find);
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

  /** Whom masters told of, and who did not answer. */
  #silenceHint(query: Query): string | undefined {
    const [first, ...others] = this.#masters.serversOf(query);
    if (first === undefined) return undefined;
    const also = others.length === 0 ? "" : ` and ${others.length} more`;
    return `A master tells of ${first}${also}: open the UDP ports there, and the way to them.`;
  }

  /** Nobody who speaks Shoal has answered: perhaps somebody speaks classic. */
  #askClassic(download: Download): void {
    const { query } = download;
    if (query.by !== "name") return;
    const { name } = query;
    this.#classicSlots.acquire(() => {
      this.#fetchClassic(download, name)
        .catch((error: unknown) => this.#failAll(ShoalError.from(error)))
        .finally(() => this.#classicSlots.release());
    });
  }

  async #fetchClassic(download: Download, name: SafeFileName): Promise<void> {
    if (!download.isSearching || this.#closing.signal.aborted) return;
    const { outDir, force, timeoutMs, retries } = this.#options;
    const classic = new ClassicDownload({
      runtime: this.#runtime,
      name,
      outDir,
      force: force ?? false,
      targets: this.#search.classicTargets,
      timeoutMs: timeoutMs ?? TIMEOUT_MS_DEFAULT,
      retries: retries ?? RETRIES_DEFAULT,
      transport: this.#transport,
      startedMs: download.startedMs,
      onAnswer: () => download.yieldToClassic(),
      emit: (event) => this.#emit(event),
      ...(this.#pinned === undefined ? {} : { sha256: this.#pinned }),
    });
    this.#classics.push(classic);
    // However the download ends, nobody waits for this any more.
    download.ended.then(() => classic.close());
    const event = await classic.ended;
    // What comes of it counts only if the search has yielded to it.
    if (event !== undefined) download.endElsewhere(event);
  }

  #onNews(news: PoolNews): void {
    if (news.kind !== "server") return this.#adopted.get(news.transfer)?.onNews(news);
    const { server: id, state } = news;
    const server = this.#addresses.get(id) ?? id;
    if (state === "dropped") { for (const download of this.#downloads) download.onDropped(id); }
    this.#emit({ event: "server", server, id, state, message: SERVER_STATES[state] });
  }

  #onBytes(server: ServerId, bytes: number): void {
    this.#laneBytes.set(server, (this.#laneBytes.get(server) ?? 0) + bytes);
    let meter = this.#laneMeters.get(server);
    if (meter === undefined) this.#laneMeters.set(server, meter = new RateMeter(nowMs()));
    meter.add(bytes);
  }

  async #reportProgress(): Promise<void> {
    const { signal } = this.#closing;
    for (;;) {
      await sleep(PROGRESS_INTERVAL_MS, signal);
      if (signal.aborted) return;
      const now = nowMs();
      const lanes = this.#crew.coordinator.lanes().map(({ server }) => ({
        server: this.#addresses.get(server) ?? server,
        rate: this.#laneMeters.get(server)?.read(now) ?? 0,
        bytes: this.#laneBytes.get(server) ?? 0,
      }));
      for (const download of this.#downloads) {
        const progress = download.progress;
        if (progress === undefined) continue;
        const { bytes, sizeBytes: size } = progress;
        const rate = this.#rateOf(download, bytes, now);
        this.#emit({ event: "progress", name: download.name, bytes, size, rate, lanes });
      }
    }
  }

  #rateOf(download: Download, bytes: number, now: number): number {
    let metered = this.#meters.get(download);
    if (metered === undefined) {
      metered = { meter: new RateMeter(now - PROGRESS_INTERVAL_MS), bytes };
      this.#meters.set(download, metered);
    }
    metered.meter.add(Math.max(0, bytes - metered.bytes));
    metered.bytes = bytes;
    return metered.meter.read(now);
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
