/**
 * Drives the {@linkcode RouteFallback} of a run: asks over TCP whom it names, and tells people what it wants told.
 */
import { type Endpoint, endpointText } from "../../address.ts";
import { claimedIdOf, type HashHex, type ServerId, type SourceId, sourceId } from "../../ids.ts";
import type { Clock, Wakeup } from "../../io/system/clock.ts";
import { EventQueue } from "../../protocol/base/event_queue.ts";
import type { PeerIds } from "../../protocol/discovery/peer_ids.ts";
import { fellBack, unreached } from "../../protocol/download/download_texts.ts";
import {
  RouteFallback,
  type RouteFallbackAction,
  type RouteFallbackEvent,
  type RouteOffer,
  type ToldState,
} from "../../protocol/download/route_fallback.ts";
import type { ServerPath } from "../../protocol/base/server_path.ts";
import type { SourceRoute } from "../../protocol/download/source_route.ts";
import type { FindNews } from "../../protocol/discovery/finder.ts";
import type { Query } from "../../wire/frames.ts";
import type { GetEvent } from "../events.ts";
import type { StreamProviders } from "./stream_providers.ts";
import { questionFor, StreamSearch } from "./stream_search.ts";

/** A download, as far as it matters by which routes its content comes. */
export interface RoutedDownload {
  readonly query: Query;
  /** Whether nobody has offered it so far. */
  readonly isSearching: boolean;
  onFind(news: FindNews): void;
  /** Asks this server over TCP for its content. */
  askOverTcp(offer: RouteOffer): void;
}

interface RouteDriverOptions {
  readonly clock: Clock;
  readonly streams: StreamProviders;
  /** The servers that the user named, for when they do not answer over UDP. */
  readonly hosts: readonly Endpoint[];
  readonly peerIds: () => PeerIds;
  readonly timeoutMs: number;
  readonly retries: number;
  /** The only SHA-256 that will do. */
  readonly pinned: HashHex | undefined;
  /** Whether UDP is used at all. */
  readonly fallsBack: boolean;
  readonly emit: (event: GetEvent) => void;
  /** Somebody has answered over TCP. */
  readonly onHeard: () => void;
  /** All servers that the user named say over TCP that they lack it. */
  readonly onLacked: (query: Query) => void;
}

/** A server that is asked over TCP for names. */
interface HostQuestion {
  readonly endpoint: Endpoint;
  /** Where it is said to be over UDP; its TCP endpoint by default. */
  readonly path?: ServerPath;
  /** Of whom its answers are taken. */
  readonly isWanted: (download: RoutedDownload) => boolean;
  /** Whether it is asked again while it is not there. */
  readonly isAskedAgain: (download: RoutedDownload) => boolean;
  readonly onLacked: (query: Query) => void;
  readonly onOffered?: () => void;
  readonly onFailed?: () => void;
}

type RouteEvent = RouteFallbackEvent<RoutedDownload>;

export class RouteDriver {
  readonly #options: RouteDriverOptions;
  readonly #machine: RouteFallback<RoutedDownload>;
  readonly #events = new EventQueue<RouteEvent>((event) => this.#step(event));
  readonly #timer: Wakeup;
  readonly #searches: StreamSearch[] = [];
  /** Those who are only said to have it and are being asked over TCP, and who waits for them. */
  readonly #claims = new Map<
    Query,
    { underWay: number; readonly ended: PromiseWithResolvers<void> }
  >();
  /** Waits for their answers, which end with the run. */
  readonly #waits = new Set<AbortController>();
  /** Which of the hosts say that they lack it. */
  readonly #lacking = new Map<Query, Set<Endpoint>>();
  /** Where the bytes of a source come from, for people. */
  readonly #places = new Map<SourceId, string>();

  constructor(options: RouteDriverOptions) {
    this.#options = options;
    this.#machine = new RouteFallback(options);
    this.#timer = options.clock.timer(() => this.handle({ kind: "wakeup" }));
  }

  handle(event: RouteEvent): void {
    this.#events.push(event);
  }

  /** These are searched for, from the beginning. */
  onSearch(downloads: readonly RoutedDownload[]): void {
    const isNamed = this.#options.hosts.length > 0;
    for (const download of downloads) this.handle({ kind: "search", download, isNamed });
  }

  /** A server is there, or is said to be. */
  onServer({ isProved, path: { endpoint } }: Extract<FindNews, { kind: "server" }>): void {
    if (isProved) this.handle({ kind: "heard", endpoint });
  }

  /**
   * Calls `tell` now; where the news is that a search has found nothing, once those have answered who are being asked over TCP
   * whether they have it: who can prove itself over TCP alone is not there for nothing.
   */
  afterClaims({ kind }: FindNews, query: Query, tell: () => void): void {
    const claims = kind === "notFound" || kind === "timedOut" ? this.#claims.get(query) : undefined;
    if (claims === undefined) tell();
    else void claims.ended.promise.then(tell);
  }

  onReached(server: ServerId, { kind, endpoint }: SourceRoute): void {
    this.#places.set(sourceId(server, kind), endpointText(endpoint));
  }

  close(): void {
    this.#timer.clear();
    for (const search of this.#searches) void search.close();
    for (const wait of this.#waits) wait.abort();
  }

  #step(event: RouteEvent): void {
    const nowMs = this.#options.clock.nowMs();
    for (const action of this.#machine.handle(nowMs, event)) this.#perform(action);
    this.#timer.set(this.#machine.nextWakeupMs());
  }

  #perform(action: RouteFallbackAction<RoutedDownload>): void {
    const { emit } = this.#options;
    switch (action.kind) {
      case "askNamed":
        return action.isStalled
          ? this.#askNamed(action.downloads, () => true)
          : this.#askNamed(action.downloads, ({ isSearching }) => isSearching);
      case "askClaimed":
        return this.#askClaimed(action.download, action.offer);
      case "askStream":
        return action.download.askOverTcp(action.offer);
      case "fellBack": {
        const message = fellBack(action.cause, action.endpoint);
        return emit({ event: "notice", level: "warning", message });
      }
      case "unreached": {
        const message = unreached(action.cause, action.endpoint, action.tcpPort);
        return emit({ event: "notice", level: "warning", message });
      }
      case "tell": {
        const { server, source, state } = action;
        const id = claimedIdOf(server);
        const place = this.#places.get(source) ?? id;
        return emit({ event: "server", server: place, id, state, message: STATE_TEXTS[state] });
      }
      default:
        action satisfies never;
    }
  }

  #askNamed(
    named: readonly RoutedDownload[],
    isWanted: (download: RoutedDownload) => boolean,
  ): void {
    const downloads = named.filter(isWanted);
    if (downloads.length === 0) return;
    for (const endpoint of this.#options.hosts) {
      this.#askHost(downloads, {
        ...{ endpoint, isWanted },
        isAskedAgain: ({ isSearching }) => isSearching,
        onLacked: (query) => this.#onLacked(query, endpoint),
      });
    }
  }

  /** For so long as a server may bring nothing, the search is not over without its answer. */
  #askClaimed(download: RoutedDownload, { path, tcpPort }: RouteOffer): void {
    if (!download.isSearching) return;
    const { query } = download;
    const claims = this.#claims.get(query) ?? { underWay: 0, ended: Promise.withResolvers() };
    this.#claims.set(query, claims);
    claims.underWay += 1;
    const answered = Promise.withResolvers<void>();
    this.#askHost([download], {
      endpoint: { address: path.endpoint.address, port: tcpPort },
      path,
      isWanted: ({ isSearching }) => isSearching,
      isAskedAgain: () => false,
      onLacked: () => answered.resolve(),
      onOffered: () => answered.resolve(),
      onFailed: () => answered.resolve(),
    });
    const { clock, timeoutMs } = this.#options;
    const wait = new AbortController();
    this.#waits.add(wait);
    void Promise.race([answered.promise, clock.sleep(timeoutMs, wait.signal)]).then(() => {
      wait.abort();
      this.#waits.delete(wait);
      claims.underWay -= 1;
      if (claims.underWay > 0) return;
      this.#claims.delete(query);
      claims.ended.resolve();
    });
  }

  #askHost(
    downloads: readonly RoutedDownload[],
    { endpoint, path, isWanted, isAskedAgain, onLacked, onOffered, onFailed }: HostQuestion,
  ): void {
    const { clock, streams: providers, timeoutMs, retries: attempts, pinned } = this.#options;
    const search = new StreamSearch({
      ...{ clock, endpoint, providers, timeoutMs, attempts },
      peerIds: this.#options.peerIds(),
      questionOf: questionFor,
      isWanted: (query) => downloads.some((each) => each.query === query && isAskedAgain(each)),
      // UDP may work yet, and decides.
      onFailure: (query, { code }) => {
        if (code === "not_found") onLacked(query);
        else onFailed?.();
      },
    });
    this.#searches.push(search);
    const find = search.find(downloads.map(({ query }) => query), (news) => {
      if (news.kind === "notFound") {
        return onLacked(downloads[news.queryIndex]!.query);
      }
      if (news.kind !== "offer" && news.kind !== "pending") return;
      const download = downloads[news.queryIndex]!;
      this.#options.onHeard();
      if (!isWanted(download)) return find.finish(news.queryIndex);
      if (news.kind === "offer") {
        const { server } = news.offer;
        this.handle({
          kind: "offered",
          server,
          over: "stream",
          endpoint: path?.endpoint ?? endpoint,
        });
      }
      const isStalled = !download.isSearching;
      if (news.kind === "pending") return download.onFind(news);
      const offer = path === undefined ? news.offer : { ...news.offer, path };
      download.onFind({ ...news, offer });
      if (isStalled) download.askOverTcp(offer);
      onOffered?.();
    }, pinned);
  }

  #onLacked(query: Query, endpoint: Endpoint): void {
    const { hosts, onHeard, onLacked } = this.#options;
    onHeard();
    const lacking = this.#lacking.get(query) ?? new Set();
    this.#lacking.set(query, lacking.add(endpoint));
    if (lacking.size === hosts.length) onLacked(query);
  }
}

const STATE_TEXTS: Readonly<Record<ToldState, string>> = {
  active: "is sending",
  standby: "is standing by",
  silent: "has stopped answering",
  resumed: "is back",
  dropped: "sent bad chunks and is no longer used",
};
