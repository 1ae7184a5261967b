/**
 * The client's discovery (docs/PROTOCOL.md, "Finding"): who provides what we look for?
 *
 * FINDs are broadcast on a schedule. What answers them is a claim that anybody may make: its endpoint is probed by
 * a FIND of its own, and counts as a server once it has answered that. It is asked everything else by further FINDs;
 * so a thousand names cost one broadcast, and a few dozen datagrams per server. A query ends as not found when all who answered lack it, and as timed out
 * when nobody has answered in all attempts; until its caller finishes it, late servers are still found.
 *
 * Which content to take among those offered is not decided here (see `content_choice.ts`).
 */
import { type Endpoint, isIpv4, isSameEndpoint } from "../../address.ts";
import type { Token } from "../../ids.ts";
import {
  ALIAS_WANT_BYTES_MAX,
  ASK_SLOT_MS,
  ASKS_MAX,
  ASKS_PER_PARTY_MAX,
  ASKS_PER_SERVER_MAX,
  FIND_REPEAT_MS,
  FIND_SCHEDULE_MS,
  PROBE_BYTES_MIN,
} from "./limits.ts";
import { CONTROL_BYTES_MAX } from "../../wire/limits.ts";
import type { Frame, FrameOf } from "../../wire/frames.ts";
import { Aliases } from "./aliases.ts";
import { Candidates } from "./candidates.ts";
import type { FinderAction, FinderEvent, FinderOptions } from "./finder_messages.ts";
import { Invitations } from "./invitations.ts";
import { claimOf, endpointToAsk, type FindAnswer, isAnswerTo, offerOf } from "./find_answer.ts";
import { findBytes, fitFind, fitTo } from "./find_packing.ts";
import { formsFor } from "./find_targets.ts";
import { claimIn, HashingProgress } from "./hashing_progress.ts";
import { type HeardServer, HeardServers } from "./heard_servers.ts";
import { PeerIds } from "./peer_ids.ts";
import { SentFinds } from "./sent_finds.ts";
import type { ServerPath } from "../base/server_path.ts";
import { SoughtQuery } from "./sought_query.ts";
import { Random } from "../base/random.ts";
import { aliasMark } from "../base/tokens.ts";

export type { FindAnswer } from "./find_answer.ts";
export type { FinderAction, FinderEvent, FinderOptions, FindNews } from "./finder_messages.ts";
export type { Offer, PendingNotice, RegistryWord } from "./sought_query.ts";

export class Finder {
  readonly #scheduleMs: readonly number[];
  readonly #overheadBytes: number;
  readonly #queries: readonly SoughtQuery[];
  readonly #unfinished: Set<SoughtQuery>;
  readonly #servers: HeardServers;
  readonly #candidates: Candidates;
  readonly #peerIds: PeerIds;
  readonly #aliases: Aliases;
  readonly #finds: SentFinds<SoughtQuery>;
  readonly #random: Random;
  readonly #hashing = new HashingProgress();
  #isStarted = false;
  #scheduleStartMs = 0;
  #broadcastCount = 0;
  #broadcastMs = 0;
  /** When a server last answered a query that it had not answered before. */
  #progressMs = -Infinity;
  /** No query's patience ends before this. */
  #reviewMs = 0;
  /** When there is room for the next FIND to a single server, if one waits for that. */
  #slotMs = Infinity;
  readonly #invited: Invitations;
  #actions: FinderAction[] = [];

  constructor(options: FinderOptions) {
    this.#scheduleMs = options.scheduleMs ?? FIND_SCHEDULE_MS;
    this.#overheadBytes = options.overheadBytes ?? 0;
    this.#random = new Random(options.seed);
    this.#finds = new SentFinds(options.nextQueryId, this.#overheadBytes);
    this.#queries = options.queries.map((query, index) => new SoughtQuery(index, query, options));
    this.#unfinished = new Set(this.#queries);
    this.#servers = new HeardServers(this.#queries.length);
    this.#candidates = new Candidates(this.#random);
    this.#invited = new Invitations(
      (endpoint) => this.#servers.isProvedAt(endpoint),
      this.#random,
    );
    this.#peerIds = options.peerIds ?? new PeerIds(() => false, () => options.seed);
    this.#aliases = new Aliases(options.ownAddresses ?? []);
  }

  /** Whether a FIND of ours had this id. */
  owns(queryId: bigint): boolean {
    return this.#finds.get(queryId) !== undefined;
  }

  accepts(frame: Frame): frame is FindAnswer | FrameOf<"alias"> {
    return ["offer", "pending", "absent", "retry", "alias"].includes(frame.kind);
  }

  /** Whether a server has proved itself at this address, whatever the port … */
  isHeardAt(address: string): boolean {
    return this.#servers.isHeardAt(address);
  }

  /** … or at this endpoint. */
  isProvedAt(endpoint: Endpoint): boolean {
    return this.#servers.isProvedAt(endpoint);
  }

  get isSeeking(): boolean {
    return this.#unfinished.values().some((sought) => sought.isSeeking);
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
        if (event.frame.kind === "alias") this.#onAlias(nowMs, event.from, event.frame);
        else this.#onFrame(nowMs, event.from, event.frame);
        break;
      case "settle":
        this.#queries[event.queryIndex]?.settle();
        break;
      case "finish":
        this.#finish(this.#queries[event.queryIndex]);
        break;
      case "disbelieve":
      case "ignore":
        this.#change(nowMs, event.queryIndex, (sought) => sought[event.kind](event.server));
        break;
      case "registries":
        this.#change(nowMs, event.queryIndex, (sought) => sought.onRegistries(event.word));
        break;
      case "vain":
        for (const sought of this.#unfinished) sought.onVain();
        this.#reviewMs = nowMs;
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
    let nextMs = Math.min(this.#broadcastMs, this.#reviewMs, this.#slotMs);
    nextMs = Math.min(nextMs, this.#candidates.nextWakeupMs(), this.#aliases.nextWakeupMs());
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
      if (server.asks.hasGivenUp) this.#forget(nowMs, server);
    }
    if (nowMs >= this.#reviewMs) {
      this.#reviewMs = Infinity;
      for (const sought of this.#unfinished) this.#review(nowMs, sought);
    }
    if (this.isDone) return;
    for (const { endpoint, claim } of this.#aliases.takeDue(nowMs)) {
      this.#askAlias(nowMs, endpoint, claim.token);
    }
    for (const { endpoint, claim } of this.#aliases.takeSilent(nowMs)) {
      this.#candidates.add(nowMs, endpoint, claim);
    }
    this.#askServers(nowMs);
    this.#probe(nowMs);
    if (nowMs >= this.#broadcastMs) this.#broadcast(nowMs);
  }

  // — Answers ———————————————————————————————————————————————————————————————————————————————————

  #onFrame(nowMs: number, from: Endpoint, frame: FindAnswer): void {
    const sent = this.#finds.get(frame.kind === "retry" ? frame.echo : frame.queryId);
    if (sent === undefined) return;
    const sought = frame.kind === "retry" ? undefined : sent.asked[frame.queryIndex];
    if (frame.kind !== "retry" && (sought === undefined || !isAnswerTo(sought.query, frame))) {
      return;
    }
    if (sent.to === undefined) return this.#onClaim(nowMs, from, sought, frame);
    // Who overheard what was sent to another proves nothing by repeating it.
    if (sent.to.address !== from.address) return;
    if (sent.asksAlias !== true) {
      if (this.#aliases.isWaitedFor(sent.to)) return this.#candidates.remove(nowMs, sent.to);
      if (this.#mayBeAlias(nowMs, sent.to, from, frame)) {
        return this.#askAlias(nowMs, sent.to, frame.token);
      }
    } else if (!this.#aliases.mayAnswer(sent.to)) return;
    this.#onProved(nowMs, from, sent.to, sought, frame);
  }

  /** Whether who has proved itself at `to` may be a server that is known by another address. */
  #mayBeAlias(nowMs: number, to: Endpoint, from: Endpoint, frame: FindAnswer): boolean {
    const { server: id } = frame;
    if (!this.#servers.isHeardElsewhere(id, to.address)) return false;
    if (this.#servers.find(id, endpointToAsk(from, frame), frame.token)) return false;
    return this.#aliases.asks(nowMs, id, to, claimOf(frame));
  }

  #askAlias(nowMs: number, to: Endpoint, token: Token): void {
    this.#candidates.remove(nowMs, to);
    const bytesMax = CONTROL_BYTES_MAX - this.#overheadBytes - ALIAS_WANT_BYTES_MAX;
    const asked = fitFind(this.#soughtFirst(), 0, this.#overheadBytes, bytesMax);
    const text = { token, round: 0, known: [], asked };
    const datagram = this.#finds.askAlias(to, text, this.#aliases.addresses);
    this.#actions.push({ kind: "unicast", to, datagram });
  }

  /** It is the one that has issued what it shows, if that was meant for us: what follows is heard as its. */
  #onAlias(
    nowMs: number,
    from: Endpoint,
    { queryId, server, token, seen, marks }: FrameOf<"alias">,
  ): void {
    const sent = this.#finds.get(queryId);
    if (sent?.asksAlias !== true || sent.to?.address !== from.address) return;
    if (this.#aliases.isOwn(seen)) {
      this.#peerIds.join(server, token, (known) => marks.includes(aliasMark(known, queryId, seen)));
    }
    const claim = this.#aliases.shown(sent.to);
    if (claim !== undefined) this.#candidates.add(nowMs, sent.to, claim);
  }

  /** An answer to what everybody was sent: whoever is said to have given it is asked himself. */
  #onClaim(
    nowMs: number,
    from: Endpoint,
    sought: SoughtQuery | undefined,
    frame: FindAnswer,
  ): void {
    const endpoint = endpointToAsk(from, frame);
    const known = this.#servers.find(frame.server, endpoint, frame.token);
    const isKnown = known?.isValidatedAt(endpoint) === true;
    const isNews = frame.kind === "retry" || sought === undefined
      ? !isKnown
      : !sought.isFinished && (!isKnown || sought.isNews(known.id, frame));
    if (!isNews) return;
    const claim = claimOf(frame);
    this.#candidates.add(nowMs, endpoint, claim);
    // Where it answered from is worth a try where its data port is not reached.
    if (endpoint !== from) this.#candidates.add(nowMs, from, { ...claim, named: endpoint });
    // A session may be this server's: only a proof says so, and until then it would be two.
    if (known === undefined && this.#peerIds.awaitsProof(frame.server, endpoint.address)) return;
    const server = known?.id ?? this.#peerIds.of(frame.server, endpoint, frame.token);
    const path = { endpoint, token: frame.token };
    if (!isKnown) this.#actions.push({ kind: "server", server, path, isProved: false });
    if (frame.kind !== "offer" || sought === undefined) return;
    const party = this.#peerIds.partyAt(from.address);
    const offer = offerOf(frame, { server, party, isProved: false, path });
    this.#actions.push({ kind: "offer", queryIndex: sought.index, offer });
  }

  /** An answer that only a receiver at `to` can have given. */
  #onProved(
    nowMs: number,
    from: Endpoint,
    to: Endpoint,
    sought: SoughtQuery | undefined,
    frame: FindAnswer,
  ): void {
    const heard = this.#hear(nowMs, from, to, frame);
    if (heard === undefined) return;
    const { server, path } = heard;
    if (frame.kind === "retry" || sought === undefined) return this.#onRetry(server);
    server.asks.answered(sought.index);
    if (sought.isFinished) return;
    if (frame.kind !== "pending" && !sought.isAnsweredBy(server.id)) this.#progressMs = nowMs;
    switch (frame.kind) {
      case "offer": {
        const { id } = server;
        // A network of IPv6 is shared with others: who has an address of IPv4 has a vote by that.
        const party = isIpv4(server.party) ? server.party : this.#peerIds.partyAt(from.address);
        this.#hashing.onReady(id, sought.index);
        const offer = sought.onOffer(offerOf(frame, { server: id, party, isProved: true, path }));
        if (offer !== undefined) {
          this.#actions.push({ kind: "offer", queryIndex: sought.index, offer });
        }
        break;
      }
      case "pending": {
        const { id, party } = server;
        const earnedMs = this.#hashing.onPending(nowMs, id, sought.index, frame);
        sought.onPending(nowMs, id, earnedMs);
        server.asks.pending(nowMs, sought.index);
        const pending = { ...claimIn(frame), server: id, party, endpoint: from, earnedMs };
        this.#actions.push({ kind: "pending", queryIndex: sought.index, pending });
        break;
      }
      case "absent":
        sought.onAbsent(server, frame.similar);
        break;
      default:
        frame satisfies never;
    }
    this.#review(nowMs, sought);
  }

  /** The token was missing or stale. Where the question was who is there, that is the answer. */
  #onRetry(server: HeardServer): void {
    server.asks.refused();
    for (const sought of this.#unfinished.values().filter(({ query }) => query.by === "any")) {
      sought.onAbsent(server, []);
      server.asks.answered(sought.index);
    }
  }

  /**
   * Takes down who answered, and from where; `undefined` when there are too many.
   *
   * @param to where it was asked
   */
  #hear(
    nowMs: number,
    from: Endpoint,
    to: Endpoint,
    frame: FindAnswer,
  ): { readonly server: HeardServer; readonly path: ServerPath } | undefined {
    this.#candidates.remove(nowMs, to);
    this.#aliases.heard(to);
    const endpoint = endpointToAsk(from, frame);
    const known = this.#servers.find(frame.server, endpoint, frame.token);
    // Who answers at a port that servers share speaks for another port only where none of its own has answered.
    if (known === undefined && !isSameEndpoint(endpoint, to)) {
      this.#candidates.add(nowMs, endpoint, claimOf(frame));
      if (this.#servers.isHeardAt(endpoint.address)) return undefined;
    }
    const id = known?.id ?? this.#peerIds.ofProved(frame.server, endpoint, frame.token);
    const server = this.#servers.hear(nowMs, id, this.#peerIds.partyAt(from.address));
    const before = server?.knownPath(endpoint);
    const path = server?.pathAt(endpoint, frame.token, this.#random);
    if (server === undefined || path === undefined) return undefined;
    const shared = server.knownPath(from);
    const beside = endpoint === from ? shared : server.pathAt(from, frame.token, this.#random);
    for (const each of [to, from]) {
      server.validate(each);
      this.#peerIds.prove(server.id, each);
    }
    const fresh = [path === before ? [] : path, beside === shared ? [] : beside ?? []].flat();
    const about = { kind: "server", server: id, isProved: true } as const;
    for (const each of fresh) this.#actions.push({ ...about, path: each });
    return { server, path };
  }

  /** It was asked and asked, and is silent: if it comes back, it is found again. */
  #forget(nowMs: number, server: HeardServer): void {
    this.#servers.forget(server.id);
    this.#hashing.forget(server.id);
    for (const sought of this.#unfinished) sought.forget(nowMs, server.id);
    this.#reviewMs = 0;
  }

  // — Patience ——————————————————————————————————————————————————————————————————————————————————

  #review(nowMs: number, sought: SoughtQuery): void {
    const heard = { count: this.#servers.count, progressMs: this.#progressMs };
    let verdict = sought.review(nowMs, heard);
    while (verdict !== undefined) {
      const { index: queryIndex } = sought;
      const isChanging = verdict.kind === "timedOut" && this.#hashing.isChanging(queryIndex);
      this.#actions.push({ ...verdict, queryIndex, ...(isChanging && { isChanging }) });
      if (verdict.kind === "attempt") {
        this.#hashing.restart(queryIndex);
        if (this.#scheduleStartMs !== nowMs) this.#restartSchedule(nowMs);
      }
      verdict = sought.review(nowMs, heard);
    }
    if (sought.isFinished) this.#unfinished.delete(sought);
    this.#reviewMs = Math.min(this.#reviewMs, sought.nextReviewMs(nowMs));
  }

  /** Something else counts of a query from now on. */
  #change(nowMs: number, queryIndex: number, change: (sought: SoughtQuery) => void): void {
    const sought = this.#queries[queryIndex];
    if (sought === undefined || sought.isFinished) return;
    change(sought);
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
    const { full, brief } = this.#finds.broadcast({ round, known, asked });
    this.#actions.push({ kind: "broadcast", datagram: full, brief, round });
    for (const to of this.#invited) {
      for (const form of formsFor(round, this.isHeardAt(to.address), this.isSeeking)) {
        const datagram = form === "full" ? full : brief;
        this.#actions.push({ kind: "unicast", to, datagram });
      }
    }
  }

  /** Those who are new are asked at once, all of them at every broadcast: a datagram may be lost. */
  #invite(endpoints: readonly Endpoint[]): void {
    const fresh = this.#invited.add(endpoints);
    if (fresh.length === 0 || this.isDone) return;
    const asked = fitFind(this.#soughtFirst(), 0, this.#overheadBytes);
    const { full } = this.#finds.broadcast({ round: 0, known: [], asked });
    for (const to of fresh) this.#actions.push({ kind: "unicast", to, datagram: full });
  }

  *#soughtFirst(): Generator<SoughtQuery> {
    for (const sought of this.#unfinished) if (sought.isSeeking) yield sought;
    for (const sought of this.#unfinished) if (!sought.isSeeking) yield sought;
  }

  /** Whoever does not answer keeps nobody from being asked for long, and a party no more than its share. */
  #askServers(nowMs: number): void {
    this.#slotMs = Infinity;
    let slots = ASKS_MAX - this.#servers.inFlight(nowMs - ASK_SLOT_MS);
    for (let round = 0; round < ASKS_PER_SERVER_MAX; round++) {
      for (const server of this.#servers.byPromise()) {
        const { path } = server;
        if (path === undefined || this.#servers.inFlightTo(server.party) >= ASKS_PER_PARTY_MAX) {
          continue;
        }
        const { misses, isBrief } = server.asks;
        const asked = fitTo(isBrief, this.#unanswered(server), this.#overheadBytes);
        if (asked.length === 0) continue;
        if (slots <= 0) {
          this.#slotMs = nowMs + ASK_SLOT_MS;
          return;
        }
        slots -= 1;
        server.asks.asked(nowMs, asked.map((sought) => sought.index));
        this.#ask(path, misses, asked);
      }
    }
  }

  /** Asks endpoints that nobody has proved to be a server's. */
  #probe(nowMs: number): void {
    const asked = (bytesMax: number): SoughtQuery[] =>
      fitFind(this.#soughtFirst(), 0, this.#overheadBytes, bytesMax);
    const bytes = (bytesMax: number): number =>
      bytesMax === Infinity
        ? CONTROL_BYTES_MAX
        : Math.max(PROBE_BYTES_MIN, findBytes(asked(bytesMax)));
    for (const { endpoint, token, round, bytesMax } of this.#candidates.take(nowMs, bytes)) {
      const text = { token, round, known: [], asked: asked(bytesMax) };
      const datagram = this.#finds.ask(endpoint, text);
      this.#actions.push({ kind: "unicast", to: endpoint, datagram, isProbe: true });
    }
  }

  #ask({ endpoint, token }: ServerPath, round: number, asked: readonly SoughtQuery[]): void {
    const datagram = this.#finds.ask(endpoint, { token, round, known: [], asked });
    this.#actions.push({ kind: "unicast", to: endpoint, datagram });
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
