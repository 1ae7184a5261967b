/**
 * Searches, layer fetches and listings on the client's main socket: one socket carries any number of
 * them at the same time.
 */
import { type Endpoint, isGroupAddress, isIpv4, UNSPECIFIED_ADDRESS } from "../../address.ts";
import type { Bytes, Content, HashHex, PeerId, SafeFileName, ServerId } from "../../ids.ts";
import { claimedIdOf } from "../../ids.ts";
import type { ShoalError } from "../../errors.ts";
import type { RandomSource } from "../../io/system/random_source.ts";
import { findTargets } from "../../protocol/discovery/find_targets.ts";
import { type SendRefusal, SendRefusals } from "../../protocol/base/send_refusals.ts";
import {
  Finder,
  type FindNews,
  type Offer,
  type RegistryWord,
} from "../../protocol/discovery/finder.ts";
import { AnsweredPaths } from "../../protocol/download/answered_paths.ts";
import {
  type MissingChunks,
  TakerSearch,
  type TakerSearchAction,
} from "../../protocol/download/taker_search.ts";
import { LayerFetch, type LayerNews } from "../../protocol/download/layer_fetch.ts";
import { PeerIds } from "../../protocol/discovery/peer_ids.ts";
import { ListFetch } from "../../protocol/discovery/list_fetch.ts";
import type { ServerPath } from "../../protocol/base/server_path.ts";
import type { ListingEntry, Query } from "../../wire/frames.ts";
import type { Runtime } from "../../io/runtime.ts";
import { transportConfig } from "../../messages/transport_config.ts";
import { ClientSocket } from "./client_socket.ts";
import { Exchange } from "./exchange.ts";
import type { NoticeEvent } from "../events.ts";
import { type ResolvedFindOptions, searchWaitMs } from "../option_defaults.ts";
import type { Silence } from "./silence.ts";
import { SilenceWatch } from "./silence_watch.ts";
import { Sweep } from "./sweep.ts";
import { resolveTargets, type Targets } from "./targets.ts";

interface ListHandlers {
  /** @param tcpPort where sessions bring the same; 0 for nowhere */
  onEntries(entries: readonly ListingEntry[], tcpPort: number): void;
  /** Read what follows `after` over TCP from `from`, and tell the handle how that ended. */
  onRest(from: Endpoint, after: SafeFileName): void;
  /** Everything was listed, or the server has fallen silent. */
  onEnded(isComplete: boolean): void;
}

/** What finds who has a name, and whether they do: over UDP, or over TCP (`stream_search.ts`). */
export interface NameSearch {
  /** Who is one server, of all that this run hears of. */
  readonly peerIds: PeerIds;
  /** Where a classic request goes, one at a time. */
  readonly classicTargets: readonly Endpoint[];
  /** Something that should not happen did: the search is of no use any more. */
  set onError(handler: ((error: ShoalError) => void) | undefined);
  /** @param pinned the SHA-256 that offers must have; others are told, but count as absent */
  find(queries: readonly Query[], onNews: (news: FindNews) => void, pinned?: HashHex): Find;
  /** @param knownLayer proved by an earlier run: servers are only probed then */
  fetchLayer(
    content: Content,
    onNews: (news: LayerNews) => void,
    knownLayer?: Bytes,
  ): LayerFetchHandle;
  /** Who else fetches this content, and what he has of it; absent where nobody can be asked. */
  findTakers?(
    content: Content,
    missing: MissingChunks,
    onNews: (news: TakerNews) => void,
  ): TakerHandle;
  /** Somebody has answered, by whatever way. */
  heard(): void;
  /**
   * Why nobody has answered so far; `undefined` where somebody has, or that is not looked at.
   *
   * @param lostMasters those that cannot be had
   */
  silence(lostMasters: readonly string[]): Silence | undefined;
  /** The system refuses to send this, from whichever socket of the run. */
  tellRefused(refusal: SendRefusal, to: Endpoint): void;
  close(): Promise<void>;
}

/** The names that a run looks for. */
export interface Find {
  /** When the first FIND left. */
  readonly startedMs: number;
  /** Stops patience and classic for this query; FINDs continue, slowly, so that late servers can join. */
  settle(queryIndex: number): void;
  /** Stops asking for this query at all. */
  finish(queryIndex: number): void;
  /** What the server has offered for this query counts as if it lacked it, until it offers it again. */
  disbelieve(queryIndex: number, server: PeerId): void;
  /** Nothing counts that the server has said of this query, or says later: as if it had not answered. */
  ignore(queryIndex: number, server: PeerId): void;
  /** Nobody can be where servers were said to be: who is silent is not waited for. */
  onVain(): void;
  /** Asks servers that others named. */
  invite(endpoints: readonly Endpoint[]): void;
  /** What masters know of what this query is about, now. */
  onRegistries(queryIndex: number, word: RegistryWord): void;
}

/** What of an offer matters to whoever asks for the layer. */
export type LayerOffer = Pick<Offer, "server" | "party" | "path" | "tcpPort">;

export interface LayerFetchHandle {
  /** Probes the server at the path of its offer; the same path again with a new token is fine. */
  add(offer: LayerOffer): void;
  /** Until this is called late servers are still probed. */
  close(): void;
}

/** What comes of a search for takers. */
export type TakerNews = Exclude<TakerSearchAction, { kind: "send" }>;

export interface TakerHandle {
  /** This server has proved to have all of it, and may know who else fetches it. */
  addServer(path: ServerPath): void;
  /** What we have is given at this port from now on, by who calls itself `id`. */
  gives(port: number, id: ServerId): void;
  close(): void;
}

export interface ListHandle {
  /** Another way to the server; the first one starts the fetch. */
  addPath(path: ServerPath): void;
  /** @param after the last name that came over TCP, if any did */
  restRead(isComplete: boolean, after?: SafeFileName): void;
  close(): void;
}

/** For a run that begins now: the machine's own addresses are those of now. */
export function peerIdsOn({ net, random }: Pick<Runtime, "net" | "random">): PeerIds {
  const own = new Set(net.subnets().map(({ address }) => address));
  return new PeerIds((address) => own.has(address), () => random.u32());
}

/** What the system refused, as people are told of it. */
export interface ToldRefusal {
  readonly refusal: SendRefusal;
  readonly to: Endpoint;
  readonly message: string;
}

type SearchOptions = ResolvedFindOptions & {
  /** Told what the system refuses to send. */
  readonly onEvent?: (event: NoticeEvent) => void;
};

/** Opens the socket. Throws ShoalError `usage` for a `--server` that cannot be asked. */
export async function openSearch(options: SearchOptions, runtime: Runtime): Promise<Search> {
  return new Search(runtime, options, await resolveTargets(options, runtime));
}

export class Search implements NameSearch {
  readonly #options: SearchOptions;
  readonly #refusals = new SendRefusals();
  readonly #targets: Targets;
  readonly #random: RandomSource;
  readonly #socket: ClientSocket;
  readonly #answeredPaths = new AnsweredPaths();
  readonly #sweep: Sweep;
  readonly #watch: SilenceWatch;
  readonly #finds: Find[] = [];
  readonly #told: ToldRefusal[] = [];
  readonly #ownAddresses: readonly string[];
  readonly peerIds: PeerIds;

  constructor(runtime: Runtime, options: SearchOptions, targets: Targets) {
    this.#options = options;
    this.#random = runtime.random;
    this.#targets = targets;
    this.peerIds = peerIdsOn(runtime);
    this.#ownAddresses = runtime.net.subnets().map(({ address }) => address);
    this.#socket = new ClientSocket(
      runtime,
      transportConfig({ host: UNSPECIFIED_ADDRESS, tune: options.tune, layers: options.layers }),
      (refusal, to) => this.tellRefused(refusal, to),
    );
    const { clock } = runtime;
    this.#sweep = new Sweep(targets.sweep(), clock, (bytes, to) => this.send(bytes, to));
    const hosts = options.servers.length > 0 ? targets.classic() : [];
    this.#watch = new SilenceWatch(runtime, options, hosts, {
      onVain: () => this.#finds.forEach((find) => find.onVain()),
      onNotice: (message) => options.onEvent?.({ event: "notice", level: "info", message }),
    });
  }

  heard(): void {
    this.#watch.heard();
  }

  /** The same platform; what becomes of its connections is seen, for the case that nobody answers. */
  watched(runtime: Runtime): Runtime {
    return this.#watch.watched(runtime);
  }

  silence(lostMasters: readonly string[]): Silence | undefined {
    return this.#watch.silence(lostMasters);
  }

  tellRefused(refusal: SendRefusal, to: Endpoint): void {
    this.#watch.onRefused(refusal, to);
    // A link may have addresses of IPv6 and no routers or groups; that is nobody's mistake.
    if (refusal === "no route" && !isIpv4(to.address) && isGroupAddress(to.address, [])) return;
    const message = this.#refusals.notice(refusal, to);
    if (message === undefined) return;
    this.#told.push({ refusal, to, message });
    this.#options.onEvent?.({ event: "notice", level: "warning", message });
  }

  /** What the system has not sent so far, each of its kind once for an address. */
  get refusals(): readonly ToldRefusal[] {
    return this.#told;
  }

  /** Where a classic request goes, one at a time. */
  get classicTargets(): readonly Endpoint[] {
    return this.#targets.classic();
  }

  /** Something that should not happen did: the search is of no use any more. */
  set onError(handler: ((error: ShoalError) => void) | undefined) {
    this.#socket.onError = handler;
  }

  /**
   * Looks for all queries at once.
   *
   * @param pinned the SHA-256 that offers must have; others are told, but count as absent
   * @param scheduleMs when FINDs leave, from the beginning of an attempt; the finder's own by default
   */
  find(
    queries: readonly Query[],
    onNews: (news: FindNews) => void,
    pinned?: HashHex,
    scheduleMs?: readonly number[],
  ): Find {
    const finder = new Finder({
      queries,
      nextQueryId: () => this.#random.u64(),
      seed: this.#random.u32(),
      overheadBytes: this.#socket.overheadBytes,
      peerIds: this.peerIds,
      ownAddresses: this.#ownAddresses,
      timeoutMs: this.#options.timeoutMs,
      attempts: this.#options.retries,
      waitMs: searchWaitMs(this.#options),
      ...(pinned !== undefined && { pinned }),
      ...(scheduleMs !== undefined && { scheduleMs }),
    });
    const exchange = new Exchange(this.#socket, finder, (action) => {
      switch (action.kind) {
        case "broadcast":
          for (const { to, form } of findTargets(action.round, this.#targets.find(), finder)) {
            this.send(form === "full" ? action.datagram : action.brief, to);
          }
          return this.#sweep.begin(action.datagram);
        case "unicast":
          return action.isProbe === true
            ? this.#probe(action.datagram, action.to)
            : this.send(action.datagram, action.to);
        default:
          if (action.kind === "server" && action.isProved) {
            this.#sweep.heard(action.path.endpoint);
            this.heard();
          }
          onNews(action);
      }
    });
    const startedMs = this.#socket.clock.nowMs();
    this.#watch.begin();
    exchange.handle({ kind: "wakeup" });
    const endpoints = this.#sweep.found;
    if (endpoints.length > 0) exchange.handle({ kind: "invite", endpoints });
    const find: Find = {
      startedMs,
      settle: (queryIndex) => exchange.handle({ kind: "settle", queryIndex }),
      finish: (queryIndex) => exchange.handle({ kind: "finish", queryIndex }),
      disbelieve: (queryIndex, server) =>
        exchange.handle({ kind: "disbelieve", queryIndex, server }),
      ignore: (queryIndex, server) => exchange.handle({ kind: "ignore", queryIndex, server }),
      onVain: () => exchange.handle({ kind: "vain" }),
      invite: (endpoints) => exchange.handle({ kind: "invite", endpoints }),
      onRegistries: (queryIndex, word) => exchange.handle({ kind: "registries", queryIndex, word }),
    };
    this.#finds.push(find);
    return find;
  }

  /**
   * Lives until its handle is closed.
   *
   * @param knownLayer proved by an earlier run: servers are only probed then
   */
  fetchLayer(
    content: Content,
    onNews: (news: LayerNews) => void,
    knownLayer?: Bytes,
  ): LayerFetchHandle {
    const fetch = new LayerFetch(content, {
      timeoutMs: this.#options.timeoutMs,
      answeredPaths: this.#answeredPaths,
      ...(knownLayer !== undefined && { knownLayer }),
    });
    const exchange = new Exchange(this.#socket, fetch, (action) => {
      if (action.kind === "send") this.send(action.datagram, action.to);
      else onNews(action);
    });
    return {
      add: ({ server, party, path }) =>
        exchange.handle({ kind: "path", server, party, path, nonce: this.#random.u64() }),
      close: () => exchange.close(),
    };
  }

  /** Lives until its handle is closed. */
  findTakers(
    content: Content,
    missing: MissingChunks,
    onNews: (news: TakerNews) => void,
  ): TakerHandle {
    const search = new TakerSearch({
      ...missing,
      ...{ content, seed: this.#random.u32(), nextNonce: () => this.#random.u64() },
      partyAt: (address) => this.peerIds.partyAt(address),
    });
    const exchange = new Exchange(this.#socket, search, (action) => {
      // Anybody may be said to be a taker: that nobody is there says nothing of this machine.
      if (action.kind === "send") this.#probe(action.datagram, action.to);
      else onNews(action);
    });
    return {
      addServer: ({ endpoint, token }) =>
        exchange.handle({ kind: "server", endpoint, token, nonce: this.#random.u64() }),
      gives: (port, id) => exchange.handle({ kind: "gives", port, id }),
      close: () => exchange.close(),
    };
  }

  /** Everything that one server offers. */
  fetchList(server: PeerId, handlers: ListHandlers): ListHandle {
    const fetch = new ListFetch(claimedIdOf(server), this.#random.u64());
    const exchange = new Exchange(this.#socket, fetch, (action) => {
      switch (action.kind) {
        case "send":
          return this.send(action.datagram, action.to);
        case "entries":
          return handlers.onEntries(action.entries, action.tcpPort);
        case "rest":
          return handlers.onRest(action.from, action.after);
        case "ended":
          return handlers.onEnded(action.isComplete);
        default:
          action satisfies never;
      }
    });
    return {
      addPath: (path) => exchange.handle({ kind: "path", path }),
      restRead: (isComplete, after) =>
        exchange.handle({
          kind: "restRead",
          isComplete,
          ...(after !== undefined && { after }),
        }),
      close: () => exchange.close(),
    };
  }

  /** Sends in order; leave `bytes` alone from now on. */
  send(bytes: Bytes, to: Endpoint): void {
    this.#socket.send(bytes, to);
  }

  /** Anybody may claim an address that no route leads to: that says nothing of this machine. */
  #probe(bytes: Bytes, to: Endpoint): void {
    this.#socket.send(bytes, to, (refusal) => {
      if (refusal === "blocked" || refusal === "too long") this.tellRefused(refusal, to);
    });
  }

  /** Ends everything that was begun; no handler is called any more. */
  async close(): Promise<void> {
    this.#sweep.end();
    await this.#watch.close();
    await this.#socket.close();
  }
}
