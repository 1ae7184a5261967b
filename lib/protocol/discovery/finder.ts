/**
 * The client's discovery (docs/PROTOCOL.md, "Finding"): who provides what we look for?
 *
 * FINDs are broadcast on a schedule. A server that answers, in whatever way, has given a token, and
 * is asked everything else by FINDs of its own; so a thousand names cost one broadcast, and a few
 * dozen datagrams per server. A query ends as not found when all who answered lack it, and as timed out
 * when nobody has answered in all attempts; until its caller finishes it, late servers are still found.
 *
 * Which content to take among those offered is not decided here (see `content_choice.ts`).
 */
import { type Endpoint, endpointKey } from "../../address.ts";
import type { Bytes, SafeFileName, ServerId } from "../../ids.ts";
import { ASKS_MAX, FIND_REPEAT_MS, FIND_SCHEDULE_MS, INVITED_MAX } from "./limits.ts";
import { isSameText } from "../../names.ts";
import type { Frame, FrameOf, Query } from "../../wire/frames.ts";
import { fitFind } from "./find_packing.ts";
import { HashingProgress } from "./hashing_progress.ts";
import { type HeardServer, HeardServers } from "./heard_servers.ts";
import { SentFinds } from "./sent_finds.ts";
import type { ServerPath } from "../base/server_path.ts";
import {
  type Offer,
  type Patience,
  type PendingNotice,
  SoughtQuery,
  type TimedOut,
} from "./sought_query.ts";
import { Random } from "../base/random.ts";
import { NO_TOKEN } from "../base/tokens.ts";

export type { Offer, PendingNotice } from "./sought_query.ts";

export type FindAnswer = FrameOf<"offer" | "pending" | "absent" | "retry">;

export interface FinderOptions extends Patience {
  readonly queries: readonly Query[];
  /** A random id for each FIND that asks something else: none may follow from another. */
  readonly nextQueryId: () => bigint;
  /** Of chances that decide whom to forget where too many have answered. */
  readonly seed: number;
  /** When FIND is broadcast, from the start of an attempt. */
  readonly scheduleMs?: readonly number[];
  /** What the transport adds to a datagram; 0 by default. */
  readonly overheadBytes?: number;
}

export type FinderEvent =
  | { readonly kind: "frame"; readonly from: Endpoint; readonly frame: FindAnswer }
  /** No more patience is needed for this query: its content is chosen, or comes the classic way. */
  | { readonly kind: "settle"; readonly queryIndex: number }
  /** Nothing more is wanted of this query. */
  | { readonly kind: "finish"; readonly queryIndex: number }
  /** What the server has offered for this query is not believed: as if it lacked it. */
  | { readonly kind: "disbelieve"; readonly queryIndex: number; readonly server: ServerId }
  /** Somebody says that there are servers here: they are asked as by a broadcast. */
  | { readonly kind: "invite"; readonly endpoints: readonly Endpoint[] }
  | { readonly kind: "wakeup" };

export type FinderAction =
  | { readonly kind: "broadcast"; readonly datagram: Bytes }
  | { readonly kind: "unicast"; readonly to: Endpoint; readonly datagram: Bytes }
  /** A server is new, or answers from a new address or with a new token. */
  | { readonly kind: "server"; readonly server: ServerId; readonly path: ServerPath }
  /** The server, the path (or its token) or the content is new. */
  | { readonly kind: "offer"; readonly queryIndex: number; readonly offer: Offer }
  | { readonly kind: "pending"; readonly queryIndex: number; readonly pending: PendingNotice }
  /** Attempt number `attempt`, from 2, begins. */
  | { readonly kind: "attempt"; readonly queryIndex: number; readonly attempt: number }
  /** All servers that answered lack it; the query is finished. */
  | {
    readonly kind: "notFound";
    readonly queryIndex: number;
    readonly similar: readonly SafeFileName[];
  }
  /** Nobody has offered it in all attempts; the query is finished. */
  | (TimedOut & { readonly queryIndex: number })
  /** Nobody has offered it for a while: ask the classic way as well. Once a query. */
  | { readonly kind: "classicDue"; readonly queryIndex: number };

/** What a search has found: everything but the datagrams that it takes. */
export type FindNews = Exclude<FinderAction, { kind: "broadcast" | "unicast" }>;

export class Finder {
  readonly #scheduleMs: readonly number[];
  readonly #overheadBytes: number;
  readonly #queries: readonly SoughtQuery[];
  readonly #unfinished: Set<SoughtQuery>;
  readonly #servers: HeardServers;
  readonly #finds: SentFinds<SoughtQuery>;
  readonly #random: Random;
  readonly #hashing = new HashingProgress();
  #isStarted = false;
  #scheduleStartMs = 0;
  #broadcastCount = 0;
  #broadcastMs = 0;
  /** No query's patience ends before this. */
  #reviewMs = 0;
  /** Endpoints that others have told us of. */
  readonly #invited = new Map<string, Endpoint>();
  #actions: FinderAction[] = [];

  constructor(options: FinderOptions) {
    this.#scheduleMs = options.scheduleMs ?? FIND_SCHEDULE_MS;
    this.#overheadBytes = options.overheadBytes ?? 0;
    this.#random = new Random(options.seed);
    this.#finds = new SentFinds(options.nextQueryId, this.#overheadBytes);
    this.#queries = options.queries.map((query, index) => new SoughtQuery(index, query, options));
    this.#unfinished = new Set(this.#queries);
    this.#servers = new HeardServers(
      this.#queries.length,
      this.#random,
      (server) => this.#forgetAnswers(server),
    );
  }

  /** Whether a FIND of ours had this id. */
  owns(queryId: bigint): boolean {
    return this.#finds.owns(queryId);
  }

  accepts(frame: Frame): frame is FindAnswer {
    return ["offer", "pending", "absent", "retry"].includes(frame.kind);
  }

  /** Whether nothing is looked for any more. */
  get isDone(): boolean {
    return this.#unfinished.size === 0;
  }

  /** The first call starts the search. */
  handle(nowMs: number, event: FinderEvent): readonly FinderAction[] {
    this.#actions = [];
    if (!this.#isStarted) this.#start(nowMs);
    switch (event.kind) {
      case "frame":
        this.#onFrame(nowMs, event.from, event.frame);
        break;
      case "settle":
        this.#queries[event.queryIndex]?.settle();
        break;
      case "finish":
        this.#finish(this.#queries[event.queryIndex]);
        break;
      case "disbelieve":
        this.#disbelieve(nowMs, this.#queries[event.queryIndex], event.server);
        break;
      case "invite":
        this.#invite(event.endpoints);
        break;
      case "wakeup":
        break;
      default:
        event satisfies never;
    }
    this.#goOn(nowMs);
    return this.#actions;
  }

  nextWakeupMs(): number {
    if (this.isDone) return Infinity;
    let nextMs = Math.min(this.#broadcastMs, this.#reviewMs);
    for (const { asks } of this.#servers) nextMs = Math.min(nextMs, asks.nextWakeupMs());
    return nextMs;
  }

  #start(nowMs: number): void {
    this.#isStarted = true;
    this.#restartSchedule(nowMs);
    for (const sought of this.#queries) sought.start(nowMs);
  }

  #goOn(nowMs: number): void {
    for (const server of this.#servers) {
      server.asks.wake(nowMs);
      if (server.asks.hasGivenUp) this.#forget(server);
    }
    if (nowMs >= this.#reviewMs) {
      this.#reviewMs = Infinity;
      for (const sought of this.#unfinished) this.#review(nowMs, sought);
    }
    if (this.isDone) return;
    this.#askServers(nowMs);
    if (nowMs >= this.#broadcastMs) this.#broadcast(nowMs);
  }

  // — Answers ———————————————————————————————————————————————————————————————————————————————————

  #onFrame(nowMs: number, from: Endpoint, frame: FindAnswer): void {
    if (frame.kind === "retry") {
      if (!this.#finds.owns(frame.echo)) return;
      const heard = this.#hear(nowMs, from, frame);
      if (heard !== undefined) this.#onRetry(heard.server);
      return;
    }
    const sought = this.#finds.at(frame.queryId, frame.queryIndex);
    if (sought === undefined || !isAnswerTo(sought.query, frame)) return;
    const heard = this.#hear(nowMs, from, frame);
    if (heard === undefined) return;
    heard.server.asks.answered(sought.index);
    if (sought.isFinished) return;
    switch (frame.kind) {
      case "offer": {
        this.#hashing.onReady(frame.server, sought.index);
        if (!this.#makeRoom(sought, frame)) return;
        const offer = sought.onOffer(frame, heard.path);
        if (offer !== undefined) {
          this.#actions.push({ kind: "offer", queryIndex: sought.index, offer });
        }
        break;
      }
      case "pending": {
        const { server, sizeBytes, hashedBytes, rateBytesPerS } = frame;
        const earnedMs = this.#hashing.onPending(nowMs, server, sought.index, frame);
        sought.onPending(nowMs, server, earnedMs);
        heard.server.asks.pending(nowMs, sought.index);
        const pending = { server, endpoint: from, sizeBytes, hashedBytes, rateBytesPerS };
        this.#actions.push({ kind: "pending", queryIndex: sought.index, pending });
        break;
      }
      case "absent":
        sought.onAbsent(frame.server, frame.similar);
        break;
      default:
        frame satisfies never;
    }
    this.#review(nowMs, sought);
  }

  /** The token was missing or stale. Where the question was who is there, that is the answer. */
  #onRetry(server: HeardServer): void {
    server.asks.refused();
    for (const sought of this.#unfinished) {
      if (sought.query.by !== "any") continue;
      sought.onAbsent(server.id, []);
      server.asks.answered(sought.index);
    }
  }

  /** Takes down who answered, and from where; `undefined` when there are too many. */
  #hear(
    nowMs: number,
    from: Endpoint,
    frame: FindAnswer,
  ): { readonly server: HeardServer; readonly path: ServerPath } | undefined {
    const endpoint = endpointToAsk(from, frame);
    const server = this.#servers.hear(nowMs, frame.server, endpoint.address);
    const before = server?.knownPath(endpoint);
    const path = server?.pathAt(endpoint, frame.token, this.#random);
    if (server === undefined || path === undefined) return undefined;
    if (this.#isToldByReceiver(frame)) server.validate(from);
    // Where it answered from is worth a try where its data port is not reached.
    if (endpoint !== from) server.pathAt(from, frame.token, this.#random);
    if (path !== before) this.#actions.push({ kind: "server", server: server.id, path });
    return { server, path };
  }

  /** Whether the answer shows that its sender has received a FIND that nobody else was sent. */
  #isToldByReceiver(frame: FindAnswer): boolean {
    return this.#finds.isUnicast(frame.kind === "retry" ? frame.echo : frame.queryId);
  }

  /** Of too many offers under one name, one of a server that proved nothing makes room. */
  #makeRoom(sought: SoughtQuery, frame: FrameOf<"offer">): boolean {
    const crowd = sought.crowdFor(frame);
    if (crowd.length === 0) return true;
    return this.#servers.evictOneOf(crowd.flatMap((id) => this.#servers.get(id) ?? []));
  }

  /** It was asked and asked, and is silent: if it comes back, it is found again. */
  #forget(server: HeardServer): void {
    this.#servers.forget(server.id);
    this.#forgetAnswers(server);
  }

  #forgetAnswers(server: HeardServer): void {
    this.#hashing.forget(server.id);
    for (const sought of this.#unfinished) sought.forget(server.id);
    this.#reviewMs = 0;
  }

  // — Patience ——————————————————————————————————————————————————————————————————————————————————

  #review(nowMs: number, sought: SoughtQuery): void {
    let verdict = sought.review(nowMs, this.#servers.count);
    while (verdict !== undefined) {
      this.#actions.push({ ...verdict, queryIndex: sought.index });
      if (verdict.kind === "attempt") this.#hashing.restart(sought.index);
      if (verdict.kind === "attempt" && this.#scheduleStartMs !== nowMs) {
        this.#restartSchedule(nowMs);
      }
      verdict = sought.review(nowMs, this.#servers.count);
    }
    if (sought.isFinished) this.#unfinished.delete(sought);
    this.#reviewMs = Math.min(this.#reviewMs, sought.nextReviewMs(nowMs));
  }

  #disbelieve(nowMs: number, sought: SoughtQuery | undefined, server: ServerId): void {
    if (sought === undefined || sought.isFinished) return;
    sought.onAbsent(server, []);
    this.#review(nowMs, sought);
  }

  #finish(sought: SoughtQuery | undefined): void {
    if (sought === undefined) return;
    sought.finish();
    this.#unfinished.delete(sought);
  }

  // — Questions —————————————————————————————————————————————————————————————————————————————————

  #restartSchedule(nowMs: number): void {
    this.#scheduleStartMs = nowMs;
    this.#broadcastCount = 0;
    this.#broadcastMs = nowMs;
  }

  /** Asks servers that have not answered yet; they are asked for the rest when they do. */
  #broadcast(nowMs: number): void {
    const round = this.#broadcastCount;
    this.#broadcastCount += 1;
    const dueMs = this.#scheduleMs[this.#broadcastCount];
    this.#broadcastMs = dueMs === undefined
      ? nowMs + FIND_REPEAT_MS
      : Math.max(nowMs, this.#scheduleStartMs + dueMs);
    const known = this.#servers.known(nowMs);
    const asked = fitFind(this.#soughtFirst(), known.length, this.#overheadBytes);
    const datagram = this.#finds.broadcast({ token: NO_TOKEN, round, known, asked });
    this.#actions.push({ kind: "broadcast", datagram });
    for (const to of this.#invited.values()) this.#actions.push({ kind: "unicast", to, datagram });
  }

  /** Those who are new are asked at once, all of them at every broadcast: a datagram may be lost. */
  #invite(endpoints: readonly Endpoint[]): void {
    const fresh = endpoints.filter((each) => !this.#invited.has(endpointKey(each)))
      .slice(0, INVITED_MAX - this.#invited.size);
    for (const each of fresh) this.#invited.set(endpointKey(each), each);
    if (fresh.length === 0 || this.isDone) return;
    const asked = fitFind(this.#soughtFirst(), 0, this.#overheadBytes);
    const datagram = this.#finds.broadcast({ token: NO_TOKEN, round: 0, known: [], asked });
    for (const to of fresh) this.#actions.push({ kind: "unicast", to, datagram });
  }

  *#soughtFirst(): Generator<SoughtQuery> {
    for (const sought of this.#unfinished) if (sought.isSeeking) yield sought;
    for (const sought of this.#unfinished) if (!sought.isSeeking) yield sought;
  }

  #askServers(nowMs: number): void {
    let slots = ASKS_MAX - this.#servers.inFlight();
    for (const server of this.#servers) {
      for (; slots > 0; slots--) {
        const { path } = server;
        const asked = fitFind(this.#unanswered(server), 0, this.#overheadBytes);
        if (path === undefined || asked.length === 0) break;
        server.asks.asked(nowMs, asked.map((sought) => sought.index));
        const datagram = this.#finds.ask({
          token: path.token,
          round: server.asks.misses,
          known: [],
          asked,
        });
        this.#actions.push({ kind: "unicast", to: path.endpoint, datagram });
      }
    }
  }

  *#unanswered(server: HeardServer): Generator<SoughtQuery> {
    for (const index of server.asks.due((each) => this.#isOpen(each, server))) {
      const sought = this.#queries[index];
      if (sought !== undefined) yield sought;
    }
  }

  #isOpen(index: number, server: HeardServer): boolean {
    const sought = this.#queries[index];
    return sought !== undefined && !sought.isFinished && !sought.isAnsweredBy(server.id);
  }
}

/** A server that answers from the port that it shares with others says where its own is. */
function endpointToAsk(from: Endpoint, frame: FindAnswer): Endpoint {
  if (frame.kind === "retry" || frame.dataPort === 0) return from;
  return { address: from.address, port: frame.dataPort };
}

/** Whether an answer fits its question: a server may say anything. */
function isAnswerTo(query: Query, frame: Exclude<FindAnswer, FrameOf<"retry">>): boolean {
  if (frame.kind !== "offer") return true;
  if (query.by === "name") return isSameText(frame.name, query.name);
  return query.by === "sha256" && frame.sha256 === query.sha256;
}
