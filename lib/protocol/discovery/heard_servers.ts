/**
 * The servers that have proved themselves to a search: where they answer from, and what they still are
 * asked. Nobody is here for what he claims, so nobody makes room for another.
 */
import { type Endpoint, endpointKey, preferenceOf } from "../../address.ts";
import { claimedIdOf, type PeerId, type ServerId, type Token } from "../../ids.ts";
import { PATHS_PER_SERVER_MAX, SERVERS_PER_PARTY_MAX } from "../base/limits.ts";
import { KNOWN_LIFETIME_MS, SERVERS_HEARD_MAX } from "./limits.ts";
import type { Random } from "../base/random.ts";
import { chooseUnvalidated } from "../base/validated_first.ts";
import { ServerAsks } from "./server_asks.ts";
import { isSamePath, type ServerPath } from "../base/server_path.ts";

export class HeardServer {
  readonly id: PeerId;
  /** Whose share of what is remembered it takes. */
  readonly party: string;
  readonly asks: ServerAsks;
  heardMs = 0;
  readonly #paths = new Map<string, ServerPath>();
  /** Where it has answered a question that was sent there and nowhere else. */
  readonly #validated = new Set<string>();

  constructor(nowMs: number, id: PeerId, party: string, queryCount: number) {
    this.id = id;
    this.party = party;
    this.asks = new ServerAsks(nowMs, queryCount);
  }

  /** The path to ask next: a validated one first, among those loopback; another one after each miss. */
  get path(): ServerPath | undefined {
    const paths = [...this.#paths.values()];
    const rank = ({ endpoint }: ServerPath): number =>
      (this.#validated.has(endpointKey(endpoint)) ? 0 : 3) + preferenceOf(endpoint.address);
    paths.sort((a, b) => rank(a) - rank(b));
    return paths[this.asks.misses % Math.max(1, paths.length)];
  }

  /** What it has issued to us; it recognises itself by these. */
  get tokens(): readonly Token[] {
    const tokens: Token[] = [];
    for (const { token } of this.#paths.values()) {
      if (!tokens.some((each) => isSameToken(each, token))) tokens.push(token);
    }
    return tokens;
  }

  knownPath(endpoint: Endpoint): ServerPath | undefined {
    return this.#paths.get(endpointKey(endpoint));
  }

  isValidatedAt(endpoint: Endpoint): boolean {
    return this.#validated.has(endpointKey(endpoint));
  }

  isValidatedOn(address: string): boolean {
    for (const [key, { endpoint }] of this.#paths) {
      if (endpoint.address === address && this.#validated.has(key)) return true;
    }
    return false;
  }

  issued(token: Token): boolean {
    return this.tokens.some((each) => isSameToken(each, token));
  }

  /** It has answered from here what only a receiver of our datagrams there can answer. */
  validate(endpoint: Endpoint): void {
    const key = endpointKey(endpoint);
    if (this.#paths.has(key)) this.#validated.add(key);
  }

  /**
   * The same object as long as the token is the same. Of too many paths one that is not validated makes
   * room; `undefined` where all are.
   */
  pathAt(endpoint: Endpoint, token: Token, random: Random): ServerPath | undefined {
    const key = endpointKey(endpoint);
    const path: ServerPath = { endpoint, token };
    const before = this.#paths.get(key);
    if (before !== undefined && isSamePath(before, path)) return before;
    if (before === undefined && this.#paths.size >= PATHS_PER_SERVER_MAX) {
      const isValidated = (each: string): boolean => this.#validated.has(each);
      const evicted = chooseUnvalidated(this.#paths.keys(), isValidated, random);
      if (evicted === undefined) return undefined;
      this.#paths.delete(evicted);
    }
    this.#paths.set(key, path);
    return path;
  }
}

export class HeardServers {
  readonly #queryCount: number;
  readonly #servers = new Map<PeerId, HeardServer>();

  constructor(queryCount: number) {
    this.#queryCount = queryCount;
  }

  get count(): number {
    return this.#servers.size;
  }

  [Symbol.iterator](): IterableIterator<HeardServer> {
    return this.#servers.values();
  }

  get(id: PeerId): HeardServer | undefined {
    return this.#servers.get(id);
  }

  /** The server of this id that was proved at `endpoint`, or that has issued `token`. */
  find(id: ServerId, endpoint: Endpoint, token: Token): HeardServer | undefined {
    for (const server of this.#servers.values()) {
      if (claimedIdOf(server.id) !== id) continue;
      if (server.isValidatedAt(endpoint) || server.issued(token)) return server;
    }
    return undefined;
  }

  /** Whether a server has proved itself at this address, whatever the port. */
  isHeardAt(address: string): boolean {
    for (const server of this.#servers.values()) {
      if (server.isValidatedOn(address)) return true;
    }
    return false;
  }

  /** Whether a server of this id has proved itself, and not at this address. */
  isHeardElsewhere(id: ServerId, address: string): boolean {
    for (const server of this.#servers.values()) {
      if (claimedIdOf(server.id) === id && !server.isValidatedOn(address)) return true;
    }
    return false;
  }

  /** Whether a server has proved itself at this endpoint. */
  isProvedAt(endpoint: Endpoint): boolean {
    for (const server of this.#servers.values()) {
      if (server.isValidatedAt(endpoint)) return true;
    }
    return false;
  }

  /** A server that has proved itself; `undefined` where there are too many, at all or of this party. */
  hear(nowMs: number, id: PeerId, party: string): HeardServer | undefined {
    let server = this.#servers.get(id);
    if (server === undefined) {
      if (this.#servers.size >= SERVERS_HEARD_MAX) return undefined;
      if (this.#countOf(party) >= SERVERS_PER_PARTY_MAX) return undefined;
      server = new HeardServer(nowMs, id, party, this.#queryCount);
      this.#servers.set(id, server);
    }
    server.heardMs = nowMs;
    return server;
  }

  forget(id: PeerId): void {
    this.#servers.delete(id);
  }

  /** Tokens of those that need not answer a broadcast, the latest heard first. */
  known(nowMs: number): Token[] {
    return [...this.#servers.values()]
      .filter((server) => nowMs - server.heardMs < KNOWN_LIFETIME_MS)
      .sort((a, b) => b.heardMs - a.heardMs)
      .flatMap((server) => server.tokens);
  }

  /** In the order in which they are asked: who lets no question expire or wait, and was heard last. */
  byPromise(): HeardServer[] {
    return [...this.#servers.values()].sort((a, b) =>
      a.asks.misses - b.asks.misses || a.asks.inFlight() - b.asks.inFlight() ||
      b.heardMs - a.heardMs
    );
  }

  /** FINDs under way that were sent after `sinceMs`. */
  inFlight(sinceMs: number): number {
    let count = 0;
    for (const { asks } of this.#servers.values()) count += asks.inFlight(sinceMs);
    return count;
  }

  /** FINDs under way to servers of this party. */
  inFlightTo(party: string): number {
    let count = 0;
    for (const server of this.#servers.values()) {
      if (server.party === party) count += server.asks.inFlight();
    }
    return count;
  }

  #countOf(party: string): number {
    let count = 0;
    for (const server of this.#servers.values()) if (server.party === party) count += 1;
    return count;
  }
}

function isSameToken(a: Token, b: Token): boolean {
  return a.every((byte, i) => byte === b[i]);
}
