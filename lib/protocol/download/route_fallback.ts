/**
 * When servers are asked over TCP because of what UDP does not bring (docs/PROTOCOL.md, "Networks that drop UDP"), for
 * all downloads of a run: what one of them finds out about a server holds for the others. And what people are told of
 * that: once per server that UDP brings nothing of it, and once that it does again.
 *
 * It knows no socket and no content. `D` stands for a download, whatever its caller knows it by.
 */
import { type Endpoint, endpointKey } from "../../address.ts";
import { type ServerId, type SourceId, sourceId } from "../../ids.ts";
import type { Offer } from "../discovery/finder.ts";
import { ClaimedOffers } from "./claimed_offers.ts";
import type { SourceState } from "./coordinator_messages.ts";
import {
  STREAM_ASK_AFTER_MS,
  STREAM_CANDIDATE_MS,
  STREAM_FALLBACK_MS,
  STREAM_SILENCES,
  STREAM_TRIES_MAX,
} from "./limits.ts";
import { isAsked, type Provider } from "./provider.ts";
import type { Route } from "./source_route.ts";

/** What UDP did not bring: an answer to the search, any data, or more data. */
export type QuietCause = "search" | "data" | "more data";

/** As {@linkcode SourceState}; `resumed` is told of what was silent, or quiet over UDP, and brings chunks again. */
export type ToldState = SourceState | "resumed";

/** What of an offer matters here. */
export type RouteOffer = Pick<Offer, "server" | "party" | "path" | "tcpPort">;

export type RouteFallbackEvent<D> =
  /** It is searched for, from the beginning; `isNamed`: among servers that the user named. */
  | { readonly kind: "search"; readonly download: D; readonly isNamed: boolean }
  /** A server has proved itself there, whatever it has. */
  | { readonly kind: "heard"; readonly endpoint: Endpoint }
  /** Somebody is said to offer it, and nothing proves it. */
  | { readonly kind: "claimed"; readonly download: D; readonly offer: RouteOffer }
  /** It looks for who has its content, from the beginning. */
  | { readonly kind: "lookup"; readonly download: D }
  /** This server is asked for that content over UDP; it has proved to be where the offer says. */
  | { readonly kind: "candidate"; readonly download: D; readonly offer: RouteOffer }
  /** … and has the content, and brings it by this kind of route. */
  | { readonly kind: "answered"; readonly download: D; readonly provider: Provider }
  /** … and has not. */
  | { readonly kind: "lost"; readonly download: D; readonly server: ServerId }
  /** It could not be asked over TCP. */
  | { readonly kind: "unanswered"; readonly download: D; readonly server: ServerId }
  /** Nothing has come for a whole timeout. */
  | { readonly kind: "stalled"; readonly download: D }
  /** It looks no more. */
  | { readonly kind: "closed"; readonly download: D }
  /** A server has proved to offer something, by an answer of this kind from there. */
  | {
    readonly kind: "offered";
    readonly server: ServerId;
    readonly over: Route["kind"];
    readonly endpoint: Endpoint;
  }
  /** What the coordinator says of a source; `hasBrought` a whole chunk, at any time. */
  | {
    readonly kind: "state";
    readonly server: ServerId;
    readonly source: SourceId;
    readonly state: SourceState;
    readonly hasBrought: boolean;
  }
  /** What a source has brought: a few bytes say less than a chunk, since where long datagrams vanish the ends of ranges arrive. */
  | {
    readonly kind: "arrived";
    readonly server: ServerId;
    readonly source: SourceId;
    readonly bytes: number;
    readonly chunkCount: number;
  }
  | { readonly kind: "wakeup" };

export type RouteFallbackAction<D> =
  /**
   * Servers that the user named are asked over TCP for the names of these.
   *
   * @param isStalled those who offer them bring nothing; otherwise it is about what nobody has offered yet
   */
  | { readonly kind: "askNamed"; readonly downloads: readonly D[]; readonly isStalled: boolean }
  /** Who is only said to offer it is asked over TCP for its name. */
  | { readonly kind: "askClaimed"; readonly download: D; readonly offer: RouteOffer }
  /** This server is asked over TCP for the content, and for its piece layer. */
  | { readonly kind: "askStream"; readonly download: D; readonly offer: RouteOffer }
  /** TCP is used for this server, as UDP does not bring what it should from `endpoint`. */
  | {
    readonly kind: "fellBack";
    readonly server: ServerId;
    readonly cause: QuietCause;
    readonly endpoint: Endpoint;
  }
  /** Neither UDP, at `endpoint`, nor TCP, at this port, brings what it should of this server. */
  | {
    readonly kind: "unreached";
    readonly server: ServerId;
    readonly cause: QuietCause;
    readonly endpoint: Endpoint;
    readonly tcpPort: number;
  }
  | {
    readonly kind: "tell";
    readonly server: ServerId;
    readonly source: SourceId;
    readonly state: ToldState;
  };

interface Candidate {
  offer: RouteOffer;
  readonly sinceMs: number;
  isAskedOverTcp: boolean;
}

interface Lookup {
  readonly candidates: Map<ServerId, Candidate>;
  /** Those that have the content and can be asked for chunks. */
  readonly answered: Set<ServerId>;
  /** Since when nobody has answered, or was tried over TCP for that. */
  lackingSinceMs: number;
}

/** What is known of UDP to one server. */
interface ServerUdp {
  quiet?: { readonly cause: QuietCause; readonly endpoint: Endpoint };
  /** How often in a row its source was silent, and whether a chunk had come of it before. */
  silences: number;
  hasBrought: boolean;
  isReachedOverTcp: boolean;
  isTold: boolean;
  /** Whether it was told that neither way leads to it. */
  isUnreachedTold: boolean;
}

export class RouteFallback<D> {
  readonly #fallsBack: boolean;
  /** When the servers that were named are asked over TCP: all after the same time, so in order. */
  readonly #searches = new Map<D, number>();
  /** Those for which servers were named. */
  readonly #named = new Set<D>();
  readonly #lookups = new Map<D, Lookup>();
  readonly #claimed = new ClaimedOffers<D>();
  readonly #servers = new Map<ServerId, ServerUdp>();
  /** Sources of which nothing has come since it was told that they are silent. */
  readonly #silent = new Set<SourceId>();
  /** Nobody is late before this. */
  #lateMs = Infinity;
  #actions: RouteFallbackAction<D>[] = [];

  /** @param fallsBack false where everything comes over TCP from the start: then it only tells of states */
  constructor({ fallsBack }: { readonly fallsBack: boolean }) {
    this.#fallsBack = fallsBack;
  }

  handle(nowMs: number, event: RouteFallbackEvent<D>): readonly RouteFallbackAction<D>[] {
    this.#actions = [];
    switch (event.kind) {
      case "state":
        this.#onState(nowMs, event);
        break;
      case "arrived":
        this.#onArrived(event);
        break;
      default:
        if (this.#fallsBack) this.#on(nowMs, event);
    }
    this.#askNamed(nowMs);
    for (const due of this.#claimed.take(nowMs)) this.#actions.push({ kind: "askClaimed", ...due });
    if (nowMs >= this.#lateMs) this.#askLate(nowMs);
    return this.#actions;
  }

  nextWakeupMs(): number {
    const namedMs = this.#searches.values().next().value ?? Infinity;
    return Math.min(this.#lateMs, namedMs, this.#claimed.nextWakeupMs());
  }

  #on(nowMs: number, event: Exclude<RouteFallbackEvent<D>, { kind: "state" | "arrived" }>): void {
    switch (event.kind) {
      case "search":
        this.#claimed.onSearch(nowMs, event.download);
        if (!event.isNamed) return;
        this.#named.add(event.download);
        this.#searches.delete(event.download);
        this.#searches.set(event.download, nowMs + STREAM_ASK_AFTER_MS);
        return;
      case "lookup": {
        const lookup = { candidates: new Map(), answered: new Set<ServerId>() };
        this.#lookups.set(event.download, { ...lookup, lackingSinceMs: nowMs });
        return;
      }
      case "heard":
        return this.#claimed.onHeard(event.endpoint);
      case "claimed":
        return this.#claimed.onClaimed(event.download, event.offer);
      case "candidate":
        return this.#onCandidate(nowMs, event.download, event.offer);
      case "answered":
        return this.#onAnswered(event.download, event.provider);
      case "lost":
        return this.#forget(nowMs, event.server, this.#lookups.get(event.download));
      case "unanswered": {
        const lookup = this.#lookups.get(event.download);
        const candidate = lookup?.candidates.get(event.server);
        if (lookup === undefined || candidate === undefined) return;
        // While UDP brings nothing there may be a reason to try once more.
        candidate.isAskedOverTcp = false;
        lookup.lackingSinceMs = Math.max(lookup.lackingSinceMs, nowMs);
        this.#tellUnreached(candidate.offer);
        return this.#expect(lookup, candidate);
      }
      case "stalled":
        return this.#onStalled(event.download);
      case "closed":
        this.#named.delete(event.download);
        this.#searches.delete(event.download);
        this.#lookups.delete(event.download);
        return;
      case "offered":
        return this.#onOffered(event);
      case "wakeup":
        return;
      default:
        event satisfies never;
    }
  }

  // — Who is asked ——————————————————————————————————————————————————————————————————————————————

  #onCandidate(nowMs: number, download: D, offer: RouteOffer): void {
    const lookup = this.#lookups.get(download);
    if (lookup === undefined) return;
    const known = lookup.candidates.get(offer.server);
    const candidate = known ?? { offer, sinceMs: nowMs, isAskedOverTcp: false };
    candidate.offer = offer;
    lookup.candidates.set(offer.server, candidate);
    this.#expect(lookup, candidate);
    // Nothing has come from it over UDP for another name: it will not for this one.
    if (this.#servers.get(offer.server)?.quiet !== undefined) this.#ask(download, candidate);
  }

  #onAnswered(download: D, provider: Provider): void {
    const { server, routes: [route] } = provider;
    if (isAsked(provider)) this.#lookups.get(download)?.answered.add(server);
    if (route?.kind !== "stream") return;
    this.#udpOf(server).isReachedOverTcp = true;
    this.#tellFallback(server);
  }

  #forget(nowMs: number, server: ServerId, lookup: Lookup | undefined): void {
    if (lookup === undefined) return;
    lookup.candidates.delete(server);
    const isLast = lookup.answered.delete(server) && lookup.answered.size === 0;
    if (!isLast) return;
    lookup.lackingSinceMs = nowMs;
    for (const candidate of lookup.candidates.values()) this.#expect(lookup, candidate);
  }

  /** Those who answered bring nothing, and those who only offer it may not be reached over UDP. */
  #onStalled(download: D): void {
    const lookup = this.#lookups.get(download);
    if (lookup === undefined) return;
    if (this.#named.has(download)) {
      this.#actions.push({ kind: "askNamed", downloads: [download], isStalled: true });
    }
    for (const candidate of untried(lookup).slice(0, STREAM_TRIES_MAX)) {
      const udp = this.#udpOf(candidate.offer.server);
      if (udp.silences > 0) this.#quiet(udp, candidate.offer);
      this.#ask(download, candidate);
    }
  }

  #askNamed(nowMs: number): void {
    const downloads: D[] = [];
    for (const [download, askMs] of this.#searches) {
      if (askMs > nowMs) break;
      this.#searches.delete(download);
      downloads.push(download);
    }
    if (downloads.length > 0) this.#actions.push({ kind: "askNamed", downloads, isStalled: false });
  }

  /** Somebody offers it, and nobody answers on the ports that the offers name: TCP may pass. */
  #askLate(nowMs: number): void {
    this.#lateMs = Infinity;
    for (const [download, lookup] of this.#lookups) {
      const late = untried(lookup).filter((candidate) => dueMs(lookup, candidate) <= nowMs);
      if (late.length > 0) lookup.lackingSinceMs = nowMs;
      for (const candidate of late.slice(0, STREAM_TRIES_MAX)) {
        const { server, path } = candidate.offer;
        this.#udpOf(server).quiet ??= { cause: "data", endpoint: path.endpoint };
        this.#ask(download, candidate);
      }
      for (const candidate of untried(lookup)) this.#expect(lookup, candidate);
    }
  }

  #expect(lookup: Lookup, candidate: Candidate): void {
    if (mayAsk(candidate)) this.#lateMs = Math.min(this.#lateMs, dueMs(lookup, candidate));
  }

  #ask(download: D, candidate: Candidate): void {
    if (!mayAsk(candidate)) return;
    candidate.isAskedOverTcp = true;
    this.#actions.push({ kind: "askStream", download, offer: candidate.offer });
  }

  // — What UDP brings ———————————————————————————————————————————————————————————————————————————

  #udpOf(server: ServerId): ServerUdp {
    let udp = this.#servers.get(server);
    if (udp === undefined) {
      const told = { isTold: false, isUnreachedTold: false };
      udp = { silences: 0, hasBrought: false, isReachedOverTcp: false, ...told };
      this.#servers.set(server, udp);
    }
    return udp;
  }

  /** Its source is silent, for longer than can be a pause. */
  #quiet(udp: ServerUdp, { path: { endpoint } }: RouteOffer): void {
    udp.quiet ??= { cause: udp.hasBrought ? "more data" : "data", endpoint };
  }

  /** An answer to the search over UDP takes back that there was none. */
  #onOffered(
    { server, over, endpoint }: Extract<RouteFallbackEvent<D>, { kind: "offered" }>,
  ): void {
    const udp = this.#servers.get(server);
    if (over === "datagrams") this.#claimed.onProved(endpoint);
    if (over === "stream") this.#udpOf(server).quiet ??= { cause: "search", endpoint };
    else if (udp?.quiet?.cause === "search" && !udp.isTold) delete udp.quiet;
  }

  /**
   * A server is there, and nothing that it sends over UDP arrives. If a chunk has before, that may be a cable or
   * a pause: then it is given a while longer.
   */
  #onState(nowMs: number, event: Extract<RouteFallbackEvent<D>, { kind: "state" }>): void {
    const { server, source, state, hasBrought } = event;
    if (state === "dropped") {
      for (const lookup of this.#lookups.values()) this.#forget(nowMs, server, lookup);
    }
    const wasSilent = this.#silent.has(source);
    if (state === "silent") this.#silent.add(source);
    if (!wasSilent || state === "dropped") this.#tell(server, source, state);
    const isUdp = this.#fallsBack && source === sourceId(server, "datagrams");
    if (state !== "silent" || !isUdp) return;
    const udp = this.#udpOf(server);
    udp.silences += 1;
    udp.hasBrought = hasBrought;
    if (hasBrought && udp.silences < STREAM_SILENCES) return;
    for (const [download, { candidates }] of this.#lookups) {
      const candidate = candidates.get(server);
      if (candidate === undefined) continue;
      this.#quiet(udp, candidate.offer);
      this.#ask(download, candidate);
    }
    this.#tellFallback(server);
  }

  #onArrived(event: Extract<RouteFallbackEvent<D>, { kind: "arrived" }>): void {
    const { server, source, bytes, chunkCount } = event;
    const udp = source === sourceId(server, "datagrams") ? this.#servers.get(server) : undefined;
    if (udp !== undefined && bytes > 0) udp.silences = 0;
    if (chunkCount === 0) return;
    const wasSilent = this.#silent.delete(source);
    if (wasSilent || udp?.isTold) this.#tell(server, source, "resumed");
    if (udp === undefined) return;
    udp.isTold = udp.isUnreachedTold = false;
    delete udp.quiet;
  }

  // — What people are told ——————————————————————————————————————————————————————————————————————

  #tellFallback(server: ServerId): void {
    const udp = this.#udpOf(server);
    if (udp.quiet === undefined || !udp.isReachedOverTcp || udp.isTold) return;
    const isKnown = this.#isTold(udp.quiet);
    udp.isTold = true;
    if (!isKnown) this.#actions.push({ kind: "fellBack", server, ...udp.quiet });
  }

  #tellUnreached({ server, tcpPort }: RouteOffer): void {
    const udp = this.#udpOf(server);
    if (udp.quiet === undefined || udp.isTold || udp.isUnreachedTold) return;
    udp.isUnreachedTold = true;
    this.#actions.push({ kind: "unreached", server, ...udp.quiet, tcpPort });
  }

  /** Whether it was told of this address under another id: a server that begins anew has a new one. */
  #isTold({ cause, endpoint }: NonNullable<ServerUdp["quiet"]>): boolean {
    const key = endpointKey(endpoint);
    return [...this.#servers.values()].some(({ quiet, isTold }) =>
      isTold && quiet?.cause === cause && endpointKey(quiet.endpoint) === key
    );
  }

  #tell(server: ServerId, source: SourceId, state: ToldState): void {
    this.#actions.push({ kind: "tell", server, source, state });
  }
}

function mayAsk({ offer, isAskedOverTcp }: Candidate): boolean {
  return offer.tcpPort !== 0 && !isAskedOverTcp;
}

function untried({ candidates }: Lookup): readonly Candidate[] {
  return [...candidates.values()].filter(mayAsk);
}

/** When this one is tried over TCP, as nobody answers: who comes late has some of that time to itself. */
function dueMs({ answered, lackingSinceMs }: Lookup, { sinceMs }: Candidate): number {
  if (answered.size > 0) return Infinity;
  return Math.max(lackingSinceMs + STREAM_FALLBACK_MS, sinceMs + STREAM_CANDIDATE_MS);
}
