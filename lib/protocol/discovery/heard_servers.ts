/** The servers that have answered a search: where they answer from, and what they still are asked. */
import { type Endpoint, endpointKey, isLoopback, partyOf } from "../../address.ts";
import type { ServerId, Token } from "../../ids.ts";
import { PATHS_PER_SERVER_MAX } from "../base/limits.ts";
import { KNOWN_LIFETIME_MS, SERVERS_HEARD_MAX, SERVERS_PER_ADDRESS_MAX } from "./limits.ts";
import type { Random } from "../base/random.ts";
import { chooseUnvalidated } from "../base/validated_first.ts";
import { ServerAsks } from "./server_asks.ts";
import { isSamePath, type ServerPath } from "../base/server_path.ts";

export class HeardServer {
  readonly id: ServerId;
  /** Whose share of what is remembered it takes, by where it answered from first. */
  readonly party: string;
  readonly asks: ServerAsks;
  heardMs = 0;
  readonly #paths = new Map<string, ServerPath>();
  /** Where it has answered a question that was sent there and nowhere else. */
  readonly #validated = new Set<string>();

  constructor(nowMs: number, id: ServerId, address: string, queryCount: number) {
    this.id = id;
    this.party = partyOf(address);
    this.asks = new ServerAsks(nowMs, queryCount);
  }

  /** The path to ask next: loopback first, another one after each miss. */
  get path(): ServerPath | undefined {
    const paths = [...this.#paths.values()];
    const rank = (path: ServerPath) => isLoopback(path.endpoint.address) ? 0 : 1;
    paths.sort((a, b) => rank(a) - rank(b));
    return paths[this.asks.misses % Math.max(1, paths.length)];
  }

  knownPath(endpoint: Endpoint): ServerPath | undefined {
    return this.#paths.get(endpointKey(endpoint));
  }

  /** Whether it is there, at one path at least, and not only somebody's word. */
  get isValidated(): boolean {
    return this.#validated.size > 0;
  }

  /** It has answered from here what only a receiver of our datagrams there can answer. */
  validate(endpoint: Endpoint): void {
    this.#validated.add(endpointKey(endpoint));
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
  readonly #random: Random;
  readonly #onEvicted: (server: HeardServer) => void;
  readonly #servers = new Map<ServerId, HeardServer>();

  /** @param onEvicted it had to make room, and is not remembered any more */
  constructor(queryCount: number, random: Random, onEvicted: (server: HeardServer) => void) {
    this.#queryCount = queryCount;
    this.#random = random;
    this.#onEvicted = onEvicted;
  }

  get count(): number {
    return this.#servers.size;
  }

  [Symbol.iterator](): IterableIterator<HeardServer> {
    return this.#servers.values();
  }

  get(id: ServerId): HeardServer | undefined {
    return this.#servers.get(id);
  }

  /**
   * A server that has answered. Where there are too many, at all or at this address, one that proved
   * nothing makes room for a new one; `undefined` where all have.
   */
  hear(nowMs: number, id: ServerId, address: string): HeardServer | undefined {
    let server = this.#servers.get(id);
    if (server === undefined) {
      const party = partyOf(address);
      const neighbours = [...this.#servers.values()].filter((each) => each.party === party);
      if (neighbours.length >= SERVERS_PER_ADDRESS_MAX) {
        if (!this.evictOneOf(neighbours)) return undefined;
      } else if (this.#servers.size >= SERVERS_HEARD_MAX) {
        if (!this.evictOneOf(this.#servers.values())) return undefined;
      }
      server = new HeardServer(nowMs, id, address, this.#queryCount);
      this.#servers.set(id, server);
    }
    server.heardMs = nowMs;
    return server;
  }

  forget(id: ServerId): void {
    this.#servers.delete(id);
  }

  /** Those that need not answer a broadcast, the latest heard first. */
  known(nowMs: number): ServerId[] {
    return [...this.#servers.values()]
      .filter((server) => nowMs - server.heardMs < KNOWN_LIFETIME_MS)
      .sort((a, b) => b.heardMs - a.heardMs)
      .map((server) => server.id);
  }

  /** Forgets one of `servers` that proved nothing, at random; `false` where all have. */
  evictOneOf(servers: Iterable<HeardServer>): boolean {
    const evicted = chooseUnvalidated(servers, (server) => server.isValidated, this.#random);
    if (evicted === undefined) return false;
    this.#servers.delete(evicted.id);
    this.#onEvicted(evicted);
    return true;
  }

  inFlight(): number {
    let count = 0;
    for (const server of this.#servers.values()) count += server.asks.inFlight;
    return count;
  }
}
