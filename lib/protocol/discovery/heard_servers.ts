/** The servers that have answered a search: where they answer from, and what they still are asked. */
import { type Endpoint, endpointText, type ServerId, type Token } from "../../ids.ts";
import { PATHS_PER_SERVER_MAX } from "../base/limits.ts";
import { KNOWN_LIFETIME_MS, SERVERS_HEARD_MAX, SERVERS_PER_ADDRESS_MAX } from "./limits.ts";
import { ServerAsks } from "./server_asks.ts";
import { isLoopbackAddress, isSamePath, type ServerPath } from "../base/server_path.ts";

export class HeardServer {
  readonly id: ServerId;
  /** Where it answered from first. */
  readonly address: string;
  readonly asks: ServerAsks;
  heardMs = 0;
  readonly #paths = new Map<string, ServerPath>();

  constructor(nowMs: number, id: ServerId, address: string, queryCount: number) {
    this.id = id;
    this.address = address;
    this.asks = new ServerAsks(nowMs, queryCount);
  }

  /** The path to ask next: loopback first, another one after each miss. */
  get path(): ServerPath | undefined {
    const paths = [...this.#paths.values()];
    const rank = (path: ServerPath) => isLoopbackAddress(path.endpoint.address) ? 0 : 1;
    paths.sort((a, b) => rank(a) - rank(b));
    return paths[this.asks.misses % Math.max(1, paths.length)];
  }

  knownPath(endpoint: Endpoint): ServerPath | undefined {
    return this.#paths.get(endpointText(endpoint));
  }

  /** The same object as long as the token is the same; `undefined` when there are too many. */
  pathAt(endpoint: Endpoint, token: Token): ServerPath | undefined {
    const key = endpointText(endpoint);
    const path: ServerPath = { endpoint, token };
    const before = this.#paths.get(key);
    if (before !== undefined && isSamePath(before, path)) return before;
    if (before === undefined && this.#paths.size >= PATHS_PER_SERVER_MAX) return undefined;
    this.#paths.set(key, path);
    return path;
  }
}

export class HeardServers {
  readonly #queryCount: number;
  readonly #servers = new Map<ServerId, HeardServer>();

  constructor(queryCount: number) {
    this.#queryCount = queryCount;
  }

  get count(): number {
    return this.#servers.size;
  }

  [Symbol.iterator](): IterableIterator<HeardServer> {
    return this.#servers.values();
  }

  /** `undefined` when it is a new one and there are too many, at all or at this address. */
  hear(nowMs: number, id: ServerId, address: string): HeardServer | undefined {
    let server = this.#servers.get(id);
    if (server === undefined) {
      const isCrowded = this.#servers.size >= SERVERS_HEARD_MAX ||
        this.#countAt(address) >= SERVERS_PER_ADDRESS_MAX;
      if (isCrowded) return undefined;
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

  #countAt(address: string): number {
    let count = 0;
    for (const server of this.#servers.values()) if (server.address === address) count += 1;
    return count;
  }

  inFlight(): number {
    let count = 0;
    for (const server of this.#servers.values()) count += server.asks.inFlight;
    return count;
  }
}
