/**
 * Drives one {@linkcode Download}: feeds it events one at a time, performs its actions in order, and
 * reports progress to the caller as library events.
 */
import { endpointText } from "../../address.ts";
import { claimedIdOf, type ServerId, sourceId, type TransferId } from "../../ids.ts";
import type { ShoalError } from "../../errors.ts";
import type { Wakeup } from "../../io/system/clock.ts";
import type { Find } from "../discovery/search.ts";
import { EventQueue } from "../../protocol/base/event_queue.ts";
import type { FindNews, Offer } from "../../protocol/discovery/finder.ts";
import { Download } from "../../protocol/download/download.ts";
import type {
  DownloadAction,
  DownloadEvent,
  DownloadSettings,
  TransferNews,
} from "../../protocol/download/download_messages.ts";
import type { SearchAdvice } from "../../protocol/download/download_texts.ts";
import type { LayerNews } from "../../protocol/download/layer_fetch.ts";
import type { RouteOffer } from "../../protocol/download/route_fallback.ts";
import type { TargetReply } from "../../protocol/download/target_messages.ts";
import type { Query } from "../../wire/frames.ts";
import type { DownloadContext } from "./download_context.ts";
import type { Provider } from "../../protocol/download/provider.ts";
import type { SwarmMember } from "./swarm.ts";
import { LayerLookup } from "./layer_lookup.ts";
import type { RoutedDownload } from "./route_driver.ts";
import type { DoneEvent, FailedEvent, ServerShare } from "../events.ts";
import { usualPath } from "../usual_path.ts";
import { savedBytesOf } from "./share_sums.ts";

type Done = Extract<DownloadAction, { kind: "done" }>;

export class DownloadDriver implements RoutedDownload {
  readonly name: string;
  readonly query: Query;
  readonly ended: Promise<DoneEvent | FailedEvent>;
  readonly #context: DownloadContext;
  readonly #attempts: number;
  readonly #outDir: string;
  readonly #download: Download;
  readonly #end: (event: DoneEvent | FailedEvent) => void;
  readonly #events = new EventQueue<DownloadEvent>((event) => this.#step(event));
  readonly #timer: Wakeup;
  #find: Find | undefined;
  /** Which query of `#find` is ours. */
  #queryIndex = 0;
  #lookup: LayerLookup | undefined;
  /** Servers of that which have all of it. */
  readonly #confirmed = new Map<ServerId, Provider>();
  #member: SwarmMember | undefined;
  /** Of which layer fetch of the download `#lookup` is. */
  #fetch = 0;
  #startedMs: number;
  #offeredMs: number | undefined;
  /** How it ended, and perhaps not all that is told of it. */
  #outcome: DoneEvent | FailedEvent | undefined;

  constructor(context: DownloadContext, settings: DownloadSettings) {
    this.#context = context;
    this.#timer = context.clock.timer(() => this.#wake());
    this.#startedMs = context.clock.nowMs();
    this.name = settings.name;
    this.query = settings.query;
    this.#attempts = settings.retries;
    this.#outDir = settings.outDir;
    this.#download = new Download(settings);
    ({ promise: this.ended, resolve: this.#end } = Promise.withResolvers());
  }

  /** The search that looks for this name has begun. */
  begin(find: Find, queryIndex: number): void {
    if (this.#find === undefined) this.#startedMs = find.startedMs;
    this.#find = find;
    this.#queryIndex = queryIndex;
  }

  /** When the first FIND for it left. */
  get startedMs(): number {
    return this.#startedMs;
  }

  /** Whether nobody has offered it so far, so that a classic server may. */
  get isSearching(): boolean {
    return this.#download.isSearching;
  }

  get progress(): { readonly bytes: number; readonly sizeBytes: number } | undefined {
    const { current } = this.#download;
    if (current?.transfer === undefined) return undefined;
    let bytes = current.resumedBytes;
    for (const tally of this.#context.pool.coordinator.tallies(current.transfer).values()) {
      bytes += tally.bytes;
    }
    return { bytes, sizeBytes: current.content.sizeBytes };
  }

  #wake(): void {
    const bytes = this.progress?.bytes;
    this.#events.push({ kind: "wakeup", ...(bytes !== undefined && { bytes }) });
  }

  // — What happens ——————————————————————————————————————————————————————————————————————————————

  /** @param advice what is known where the search has found nothing */
  onFind(news: FindNews, advice?: SearchAdvice): void {
    if (news.kind === "offer") this.#offeredMs ??= this.#context.clock.nowMs();
    this.#events.push({ kind: "find", news, ...(advice !== undefined && { advice }) });
  }

  onTarget(reply: TargetReply): void {
    this.#events.push({ kind: "target", reply });
  }

  onTransfer(news: TransferNews): void {
    if (news.kind === "stalled") this.#context.routes.handle({ kind: "stalled", download: this });
    this.#events.push({ kind: "transfer", news });
  }

  /** A server sent bad data, for this download or another. */
  onDropped(server: ServerId): void {
    this.#events.push({ kind: "dropped", server });
  }

  /** Nothing of what this server should send over UDP arrives. */
  askOverTcp(offer: RouteOffer): void {
    this.#lookup?.addOverTcp(offer);
  }

  /** These servers are waited for no longer. */
  onGivenUp(servers: readonly ServerId[], waitedMs: number): void {
    this.#events.push({ kind: "givenUp", servers, waitedMs });
  }

  /** Ends the download; what is verified stays in the part file. */
  fail(error: ShoalError): void {
    this.#events.push({ kind: "fail", error });
  }

  /** A classic server answered first: whether Shoal servers are no longer waited for. */
  yieldToClassic(): boolean {
    this.#events.push({ kind: "classicAnswered" });
    return this.#download.stage === "classic";
  }

  /** A classic server has brought the file, or has failed to after it was yielded to. */
  endElsewhere(event: DoneEvent | FailedEvent): void {
    if (this.#download.stage !== "classic") return;
    this.#conclude(event);
    this.#events.push({ kind: "classicEnded" });
  }

  // — What is done about it —————————————————————————————————————————————————————————————————————

  #step(event: DownloadEvent): void {
    for (const action of this.#download.handle(this.#context.clock.nowMs(), event)) {
      this.#perform(action);
    }
    this.#timer.set(this.#download.nextWakeupMs());
    if (this.#download.stage !== "ended") return;
    this.#timer.clear();
    if (this.#outcome !== undefined) this.#end(this.#outcome);
  }

  #perform(action: DownloadAction): void {
    const { routes, pool, emit, addresses } = this.#context;
    switch (action.kind) {
      case "settle":
        return this.#find?.settle(this.#queryIndex);
      case "finish":
        return this.#find?.finish(this.#queryIndex);
      case "disbelieve":
        return this.#find?.disbelieve(this.#queryIndex, action.server);
      case "searchAgain":
        return this.#context.searchAgain(this);
      case "fetchLayer":
        return this.#lookUp(action);
      case "probe":
        this.#lookup?.add(action.offer);
        return routes.handle({ kind: "candidate", download: this, offer: action.offer });
      case "closeLayerFetch":
        this.#lookup?.close();
        this.#lookup = undefined;
        this.#leaveSwarm();
        return routes.handle({ kind: "closed", download: this });
      case "acquire":
        return this.#context.acquire(
          this,
          (transfer) => this.#events.push({ kind: "admitted", transfer }),
        );
      case "release":
        return this.#context.release(action.transfer);
      case "target":
        return pool.askAssembler(action.request);
      case "coordinate":
        return pool.step(action.event);
      case "waited":
        return this.#context.onWaited(this, action.servers);
      case "begun":
        return this.#joinSwarm(action);
      case "warmUp":
        return pool.warmUp(action.flowCount);
      case "reached":
        addresses.set(action.server, endpointText(action.route.endpoint));
        return routes.onReached(action.server, action.route);
      case "offered":
        return this.#tellOffer(action.offer);
      case "waiting": {
        const { attempt, message } = action;
        const [name, attempts] = [this.name, this.#attempts];
        return emit({ event: "waiting", name, attempt, attempts, message });
      }
      case "notice":
        return emit({ event: "notice", level: action.level, message: action.message });
      case "done":
        return this.#conclude(this.#doneEvent(action));
      case "failed": {
        const { code, message, hint } = action.error;
        return this.#conclude({ event: "failed", name: this.name, code, message, hint });
      }
      default:
        action satisfies never;
    }
  }

  #lookUp({ fetch, content, knownLayer }: Extract<DownloadAction, { kind: "fetchLayer" }>): void {
    const { search, streams, routes, extension } = this.#context;
    this.#fetch = fetch;
    this.#confirmed.clear();
    routes.handle({ kind: "lookup", download: this });
    this.#lookup = new LayerLookup({
      ...{ search, streams, extension, content },
      ...(knownLayer !== undefined && { knownLayer }),
      onNews: (news) => this.#onLayerNews(fetch, news),
      onUnanswered: (server) => routes.handle({ kind: "unanswered", download: this, server }),
    });
  }

  /** Takers are told as servers are; only that no other way leads to them. */
  #joinSwarm(begun: Extract<DownloadAction, { kind: "begun" }>): void {
    const fetch = this.#fetch;
    this.#member = this.#context.swarm?.begin(
      begun,
      (news) => this.#events.push({ kind: "layerFetch", fetch, news }),
    );
    for (const provider of this.#confirmed.values()) this.#member?.onServer(provider);
  }

  #leaveSwarm(): void {
    this.#member?.close();
    // What was published stays where it is.
    if (this.#outcome?.event !== "done") this.#member?.withdraw();
    this.#member = undefined;
  }

  #onLayerNews(fetch: number, news: LayerNews): void {
    if ("server" in news) this.#context.onHeard(news.server);
    if (fetch === this.#fetch) this.#tellRoutes(news);
    if (fetch === this.#fetch && news.kind === "confirmed") {
      this.#confirmed.set(news.server, news);
      this.#member?.onServer(news);
    }
    this.#events.push({ kind: "layerFetch", fetch, news });
  }

  #tellRoutes(news: LayerNews): void {
    const { routes } = this.#context;
    switch (news.kind) {
      case "confirmed":
        return routes.handle({ kind: "answered", download: this, provider: news });
      case "lost":
        return routes.handle({ kind: "lost", download: this, server: news.server });
      case "stalled":
        return routes.handle({ kind: "stalled", download: this });
      case "layer":
      case "failed":
        return;
      default:
        news satisfies never;
    }
  }

  #tellOffer({ server, path, content }: Offer): void {
    this.#context.emit({
      event: "offer",
      name: this.name,
      server: endpointText(path.endpoint),
      id: claimedIdOf(server),
      size: content.sizeBytes,
      sha256: content.sha256,
      root: content.root,
    });
  }

  #doneEvent(
    { transfer, content, name, path, resumedBytes, isPresent, isGrowing }: Done,
  ): DoneEvent {
    const servers = this.#shares(transfer);
    return {
      event: "done",
      name: this.name,
      path,
      ...usualPath(this.#outDir, name, path),
      size: content.sizeBytes,
      sha256: content.sha256,
      root: content.root,
      seconds: (this.#context.clock.nowMs() - this.#startedMs) / 1000,
      ...(this.#offeredMs !== undefined && {
        waitedSeconds: Math.max(0, this.#offeredMs - this.#startedMs) / 1000,
      }),
      resumedBytes,
      savedBytes: savedBytesOf(servers),
      present: isPresent,
      ...(isGrowing && { growing: true }),
      servers,
    };
  }

  #shares(transfer: TransferId): ServerShare[] {
    const { pool, addresses } = this.#context;
    return [...pool.coordinator.tallies(transfer)].map(([id, tally]) => ({
      server: addresses.get(id) ?? "",
      id: claimedIdOf(id),
      ...tally,
      ...(pool.coordinator.isTaker(sourceId(id, "datagrams")) && { taker: true }),
    }));
  }

  #conclude(event: DoneEvent | FailedEvent): void {
    this.#outcome = event;
    this.#context.emit(event);
  }
}
