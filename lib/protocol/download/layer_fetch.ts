/**
 * Fetches a piece layer (docs/PROTOCOL.md, "Piece layers"), and confirms the servers that really have a
 * content: each offered server is asked for at least one page, and its first good answer confirms
 * that it is there, that it accepts our token, and how far away it is. A path that has lately answered
 * another fetch is confirmed without that. Pages are proved one by one,
 * so they may come from any server; what is lost is asked for again, from the fastest server.
 *
 * Lives as long as its transfer: servers that join late are probed in the same way.
 */
import { type Endpoint, preferenceOf } from "../../address.ts";
import { type Bytes, claimedIdOf, type Content, type ServerId, type Token } from "../../ids.ts";
import { LAYER_PAGES_PER_WANT_MAX } from "../../wire/limits.ts";
import type { ErrorMessage } from "../../errors.ts";
import {
  OFFERS_PER_NAME_MAX,
  PATHS_PER_SERVER_MAX,
  SERVERS_PER_PARTY_MAX,
} from "../base/limits.ts";
import {
  INTEGRITY_FAILURES_MAX,
  LAYER_PAGES_ASKED_MAX,
  LAYER_PAGES_PER_PARTY_MAX,
} from "./limits.ts";
import type { Frame, FrameOf } from "../../wire/frames.ts";
import { LayerPages, type PageRange } from "./layer_pages.ts";
import { LayerPath } from "./layer_path.ts";
import { AnsweredPaths } from "./answered_paths.ts";
import { Random } from "../base/random.ts";
import { NO_TOKEN } from "../base/tokens.ts";
import { chooseUnvalidated } from "../base/validated_first.ts";
import type { Provider } from "./provider.ts";
import type { DatagramRoute } from "./source_route.ts";
import type { ServerPath } from "../base/server_path.ts";

type LayerAnswer = FrameOf<"layer" | "layer_part" | "gone" | "retry" | "busy">;

export type LayerFetchEvent =
  /** A server offers the content at this path; `nonce` is random and new. */
  | {
    readonly kind: "path";
    readonly server: ServerId;
    /** Whose share and blame it takes. */
    readonly party: string;
    readonly path: ServerPath;
    readonly nonce: bigint;
  }
  | { readonly kind: "frame"; readonly from: Endpoint; readonly frame: LayerAnswer }
  | { readonly kind: "wakeup" };

export type LayerFetchAction =
  | { readonly kind: "send"; readonly to: Endpoint; readonly datagram: Bytes }
  /** A path of this server has answered, or needs another token: all its paths, best first. */
  | ({ readonly kind: "confirmed" } & Provider<DatagramRoute>)
  /** The whole layer; once. */
  | { readonly kind: "layer"; readonly layer: Bytes }
  /** No page has come for the whole timeout, and some are missing; told again after as long. */
  | { readonly kind: "stalled"; readonly inARow: number }
  /** Asked no more: it has not the content (any more), or what it sent was not proved. */
  | { readonly kind: "lost"; readonly server: ServerId; readonly reason: "gone" | "lying" };

/** What comes of a layer fetch, by whatever route. */
export type LayerNews =
  | Exclude<LayerFetchAction, { kind: "send" | "confirmed" }>
  /** This server holds the content, or chunks of it, and brings them by these routes: by all that it has of this kind. */
  | ({ readonly kind: "confirmed" } & Provider)
  /** Nobody else can bring the layer, and who could does not. */
  | { readonly kind: "failed"; readonly error: ErrorMessage };

interface LayerFetchOptions {
  readonly timeoutMs: number;
  /** Proved by an earlier run: servers are only probed then. */
  readonly knownLayer?: Bytes;
  /** Shared by the fetches of a run; its own by default. */
  readonly answeredPaths?: AnsweredPaths;
}

interface Server {
  readonly id: ServerId;
  /** Whose share it takes, as it was offered first. */
  readonly party: string;
  readonly paths: LayerPath[];
  state: "asked" | "gone" | "lying";
}

const FIRST_PAGE: PageRange = { firstPage: 0, pageCount: 1 };

export class LayerFetch {
  /** Late servers may always come: its owner ends it. */
  readonly isDone = false;
  readonly #content: Content;
  readonly #timeoutMs: number;
  readonly #pages: LayerPages;
  readonly #answeredPaths: AnsweredPaths;
  readonly #servers = new Map<ServerId, Server>();
  /** Pages that proved themselves wrong, by who sent them: a party may call itself by many ids. */
  readonly #badPages = new Map<string, number>();
  #isLayerTold = false;
  /** When a page is overdue; never, before the first server and after the last page. */
  #stallMs = Infinity;
  #stallsInARow = 0;
  /** As of the latest event. */
  #nowMs = -Infinity;
  #actions: LayerFetchAction[] = [];

  constructor(content: Content, options: LayerFetchOptions) {
    this.#content = content;
    this.#timeoutMs = options.timeoutMs;
    this.#pages = new LayerPages(content, options.knownLayer);
    this.#answeredPaths = options.answeredPaths ?? new AnsweredPaths();
  }

  /** Whether answers with this nonce are for this fetch. */
  owns(nonce: bigint): boolean {
    for (const server of this.#servers.values()) {
      if (server.paths.some((path) => path.nonce === nonce)) return true;
    }
    return false;
  }

  accepts(frame: Frame): frame is LayerAnswer {
    return ["layer", "layer_part", "gone", "retry", "busy"].includes(frame.kind);
  }

  handle(nowMs: number, event: LayerFetchEvent): readonly LayerFetchAction[] {
    this.#actions = [];
    this.#nowMs = nowMs;
    switch (event.kind) {
      case "path":
        this.#addPath(nowMs, event);
        this.#stallMs = Math.min(this.#stallMs, nowMs + this.#timeoutMs);
        break;
      case "frame":
        this.#onFrame(nowMs, event.from, event.frame);
        break;
      case "wakeup":
        break;
      default:
        event satisfies never;
    }
    for (const { paths } of this.#servers.values()) {
      for (const path of paths) this.#pages.giveBack(path.expire(nowMs));
    }
    this.#tellLayer();
    this.#watch(nowMs);
    // In this order: pages go to who answers, and only what is left to who may not be there at all.
    this.#fetch(nowMs);
    this.#probe(nowMs);
    return this.#actions;
  }

  nextWakeupMs(): number {
    let nextMs = this.#stallMs;
    for (const { paths } of this.#servers.values()) {
      for (const path of paths) nextMs = Math.min(nextMs, path.nextDeadlineMs(this.#nowMs));
    }
    return nextMs;
  }

  // — Servers ———————————————————————————————————————————————————————————————————————————————————

  #addPath(
    nowMs: number,
    { server: id, party, path, nonce }: Extract<LayerFetchEvent, { kind: "path" }>,
  ): void {
    let server = this.#servers.get(id);
    if (server === undefined) {
      if (!this.#makeRoomFor(party, nonce)) return;
      server = { id, party, paths: [], state: "asked" };
      this.#servers.set(id, server);
    }
    if (server.state === "lying") return;
    server.state = "asked";
    const known = server.paths.find((each) => each.isAt(path.endpoint));
    if (known !== undefined) this.#renewToken(server, known, path.token);
    else if (server.paths.length < PATHS_PER_SERVER_MAX || this.#evictPath(server, nonce)) {
      const last = this.#answeredPaths.last(nowMs, id, path.endpoint);
      server.paths.push(new LayerPath(path, nonce, last));
      if (last !== undefined) this.#confirm(server);
    }
  }

  /**
   * Of too many servers, at all or of this party, one that has never answered makes room; `nonce` is the
   * chance that decides.
   */
  #makeRoomFor(party: string, nonce: bigint): boolean {
    const servers = [...this.#servers.values()];
    const neighbours = servers.filter((each) => each.party === party);
    if (neighbours.length >= SERVERS_PER_PARTY_MAX) return this.#evictServer(neighbours, nonce);
    return servers.length < OFFERS_PER_NAME_MAX || this.#evictServer(servers, nonce);
  }

  #evictServer(servers: readonly Server[], nonce: bigint): boolean {
    const isValidated = (each: Server): boolean => each.paths.some((path) => path.isConfirmed);
    const evicted = chooseUnvalidated(servers, isValidated, new Random(Number(nonce)));
    if (evicted === undefined) return false;
    for (const path of evicted.paths) this.#pages.giveBack(path.drop());
    return this.#servers.delete(evicted.id);
  }

  /** The same for the paths of one server. */
  #evictPath({ paths }: Server, nonce: bigint): boolean {
    const isValidated = (path: LayerPath): boolean => path.isConfirmed;
    const evicted = chooseUnvalidated(paths, isValidated, new Random(Number(nonce)));
    if (evicted === undefined) return false;
    this.#pages.giveBack(evicted.drop());
    paths.splice(paths.indexOf(evicted), 1);
    return true;
  }

  #renewToken(server: Server, path: LayerPath, token: Token): void {
    path.token = token;
    if (path.isConfirmed) this.#confirm(server);
  }

  #confirm(server: Server): void {
    const confirmed = server.paths.filter((path) => path.isConfirmed);
    const routes = confirmed.sort(byPreference).map(({ endpoint, token, rttMs }) => ({
      kind: "datagrams" as const,
      ...{ endpoint, token, rttMs },
    }));
    const { id, party } = server;
    this.#actions.push({ kind: "confirmed", server: id, party, routes });
  }

  #lose(server: Server, reason: "gone" | "lying"): void {
    server.state = reason;
    for (const path of server.paths) this.#pages.giveBack(path.drop());
    server.paths.length = 0;
    this.#actions.push({ kind: "lost", server: server.id, reason });
  }

  // — Answers ———————————————————————————————————————————————————————————————————————————————————

  #onFrame(nowMs: number, from: Endpoint, frame: LayerAnswer): void {
    const nonce = "echo" in frame ? frame.echo : frame.nonce;
    for (const server of this.#servers.values()) {
      const path = server.paths.find((each) => each.nonce === nonce);
      if (path === undefined) continue;
      if (path.isAt(from)) this.#onAnswer(nowMs, server, path, frame);
      return;
    }
  }

  #onAnswer(nowMs: number, server: Server, path: LayerPath, frame: LayerAnswer): void {
    switch (frame.kind) {
      case "layer":
        return this.#onPage(nowMs, server, path, frame);
      case "layer_part": {
        const page = path.join(this.#content.sizeBytes, frame);
        if (page !== undefined) this.#onPage(nowMs, server, path, { ...frame, ...page });
        return;
      }
      case "gone":
        if (!path.isWaitingFor(frame.number) || frame.root !== this.#content.root) return;
        return this.#lose(server, "gone");
      case "retry": {
        // Where it is known by a session alone, another server may have the UDP port of that number.
        if (path.token === NO_TOKEN && frame.server !== claimedIdOf(server.id)) return;
        const refused = path.refused(frame.number);
        if (refused === undefined) return;
        this.#pages.giveBack(refused);
        return this.#renewToken(server, path, frame.token);
      }
      case "busy":
        return this.#pages.giveBack(path.postpone(frame.number, nowMs + frame.waitMs));
      default:
        frame satisfies never;
    }
  }

  #onPage(
    nowMs: number,
    server: Server,
    path: LayerPath,
    { number, page: index, ...page }: Omit<FrameOf<"layer">, "kind">,
  ): void {
    if (!path.answered(nowMs, number, index)) return;
    this.#pages.giveBack(path.overtaken(number, index));
    if (!this.#pages.accept(index, page)) {
      this.#pages.giveBack([index]);
      const badPages = 1 + (this.#badPages.get(server.party) ?? 0);
      this.#badPages.set(server.party, badPages);
      // What its neighbours have used up is not there for it to use.
      if (badPages >= INTEGRITY_FAILURES_MAX) this.#lose(server, "lying");
      return;
    }
    this.#stallMs = nowMs + this.#timeoutMs;
    this.#stallsInARow = 0;
    this.#answeredPaths.note(nowMs, server.id, path.endpoint, path);
    if (path.isConfirmed) return;
    path.isConfirmed = true;
    this.#confirm(server);
  }

  #tellLayer(): void {
    const layer = this.#pages.complete;
    if (layer === undefined || this.#isLayerTold) return;
    this.#isLayerTold = true;
    this.#actions.push({ kind: "layer", layer });
  }

  #watch(nowMs: number): void {
    if (this.#isLayerTold) this.#stallMs = Infinity;
    if (nowMs < this.#stallMs) return;
    this.#stallMs = nowMs + this.#timeoutMs;
    this.#stallsInARow += 1;
    this.#actions.push({ kind: "stalled", inARow: this.#stallsInARow });
  }

  // — Questions —————————————————————————————————————————————————————————————————————————————————

  /** One page of each path that has not proved itself, or that was silent while it is needed. */
  #probe(nowMs: number): void {
    for (const { paths } of this.#servers.values()) {
      for (const path of paths) {
        const isNeeded = !path.isConfirmed || (path.misses > 0 && !this.#isLayerTold);
        if (!isNeeded || path.pagesAsked > 0 || path.isBusy(nowMs)) continue;
        this.#ask(nowMs, path, this.#pages.take(1) ?? FIRST_PAGE);
      }
    }
  }

  /** Spreads the missing pages over the servers that answer. */
  #fetch(nowMs: number): void {
    if (this.#isLayerTold) return;
    for (;;) {
      const path = this.#idlest(nowMs);
      const range = path && this.#pages.take(LAYER_PAGES_PER_WANT_MAX);
      if (path === undefined || range === undefined) return;
      this.#ask(nowMs, path, range);
    }
  }

  #ask(nowMs: number, path: LayerPath, range: PageRange): void {
    const datagram = path.ask(nowMs, this.#content, range);
    this.#actions.push({ kind: "send", to: path.endpoint, datagram });
  }

  /**
   * The best path of a server of the party that was asked for least, if more may be asked for at all. Probes of
   * the silent do not count: however many servers only say that they are there, the others continue.
   */
  #idlest(nowMs: number): LayerPath | undefined {
    const answering = [...this.#servers.values()].flatMap(({ party, paths }) => {
      const isFree = (each: LayerPath) => each.misses === 0 && !each.isBusy(nowMs);
      const best = paths.filter((each) => each.isConfirmed && isFree(each))
        .sort(byPreference)[0];
      const asked = paths.reduce((sum, each) => sum + each.pagesAsked, 0);
      return best === undefined ? [] : [{ party, best, asked }];
    });
    const askedOf = new Map<string, number>();
    for (const { party, asked } of answering) {
      askedOf.set(party, (askedOf.get(party) ?? 0) + asked);
    }
    let idlest: LayerPath | undefined;
    let leastAsked = LAYER_PAGES_PER_PARTY_MAX - LAYER_PAGES_PER_WANT_MAX + 1;
    let total = 0;
    for (const { party, best, asked } of answering) {
      total += asked;
      if (askedOf.get(party)! >= leastAsked) continue;
      idlest = best;
      leastAsked = askedOf.get(party)!;
    }
    return total + LAYER_PAGES_PER_WANT_MAX <= LAYER_PAGES_ASKED_MAX ? idlest : undefined;
  }
}

/** Loopback first, then by distance. */
function byPreference(a: LayerPath, b: LayerPath): number {
  const rank = (path: LayerPath) => preferenceOf(path.endpoint.address);
  return rank(a) - rank(b) || a.rttMs - b.rttMs;
}
