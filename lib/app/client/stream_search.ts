/**
 * The search of `get --tcp`: asks the one server that the user named, over TCP, for each name. It
 * reports like any search, so a download does not know the difference.
 */
import { type Endpoint, endpointText } from "../../address.ts";
import { type HashHex, hashHex, type ServerId, serverId, timeOf } from "../../ids.ts";
import { toHex } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { Clock } from "../../io/system/clock.ts";
import { NO_TOKEN } from "../../protocol/base/tokens.ts";
import { sha256 } from "../../protocol/base/sha256.ts";
import { HashingProgress } from "../../protocol/discovery/hashing_progress.ts";
import type { PeerIds } from "../../protocol/discovery/peer_ids.ts";
import type { FindNews } from "../../protocol/discovery/finder.ts";
import type { Query } from "../../wire/frames.ts";
import type { JsonObject } from "../../wire/session_json.ts";
import { isMarked, unmarked } from "../../marked_name.ts";
import { parseFileName } from "../../names.ts";
import type { Find, NameSearch } from "../discovery/search.ts";
import { PENDING_PAUSE_MS, STREAM_ASK_AGAIN_MS } from "../limits.ts";
import type { StreamExchange } from "./stream_exchange.ts";
import type { StreamProviders } from "./stream_providers.ts";

interface StreamSearchOptions {
  readonly clock: Clock;
  readonly endpoint: Endpoint;
  readonly providers: StreamProviders;
  readonly peerIds: PeerIds;
  /** How the server is asked for what a query stands for. */
  readonly questionOf: (query: Query) => JsonObject;
  /** How long a server that is hashing a file, and gets no further, is waited for. */
  readonly timeoutMs: number;
  /** … and how often. */
  readonly attempts: number;
  /** The server cannot be asked for this query: it ends. */
  readonly onFailure: (query: Query, error: ShoalError) => void;
  /** A server that is not there is asked again for as long as this says so; not at all by default. */
  readonly isWanted?: (query: Query) => boolean;
}

export class StreamSearch implements NameSearch {
  readonly peerIds: PeerIds;
  readonly classicTargets: readonly Endpoint[] = [];
  onError: ((error: ShoalError) => void) | undefined;
  readonly #options: StreamSearchOptions;
  readonly #exchange: StreamExchange;
  readonly #hashing = new HashingProgress();
  readonly #closing = new AbortController();

  constructor(options: StreamSearchOptions) {
    this.#options = options;
    this.peerIds = options.peerIds;
    this.#exchange = options.providers.exchangeWith(options.endpoint);
  }

  /** It sends no datagrams. */
  tellRefused(): void {}

  /** Who does not take its connection is told by that. */
  silence(): undefined {}

  heard(): void {}

  find(
    queries: readonly Query[],
    onNews: (news: FindNews) => void,
    pinned?: HashHex,
  ): Find {
    const finished = new Set<number>();
    queries.forEach((query, queryIndex) => {
      const isOver = (): boolean => finished.has(queryIndex) || this.#closing.signal.aborted;
      const ask = () => this.#ask(query, queryIndex, isOver, onNews, pinned);
      this.#askWhileWanted(query, ask, isOver).catch((thrown: unknown) => {
        if (!isOver()) this.#options.onFailure(query, ShoalError.from(thrown));
      });
    });
    // The one server is asked no more once it has answered.
    const isNotThere = (queryIndex: number): void => {
      if (!finished.has(queryIndex)) onNews({ kind: "notFound", queryIndex, similar: [] });
    };
    return {
      startedMs: this.#options.clock.nowMs(),
      settle: () => {},
      finish: (queryIndex) => finished.add(queryIndex),
      disbelieve: isNotThere,
      ignore: isNotThere,
      onVain: () => {},
      invite: () => {},
      onRegistries: () => {},
    };
  }

  fetchLayer: NameSearch["fetchLayer"] = (content, onNews, knownLayer) =>
    this.#options.providers.fetchLayer(content, onNews, knownLayer);

  close(): Promise<void> {
    this.#closing.abort();
    return Promise.resolve();
  }

  async #askWhileWanted(
    query: Query,
    ask: () => Promise<void>,
    isOver: () => boolean,
  ): Promise<void> {
    const { clock } = this.#options;
    const isWanted = (): boolean => this.#options.isWanted?.(query) === true;
    for (;;) {
      try {
        return await ask();
      } catch (thrown) {
        const isAway = ShoalError.from(thrown).code === "no_server";
        if (!isAway || !isWanted() || isOver()) throw thrown;
        await clock.sleep(STREAM_ASK_AGAIN_MS, this.#closing.signal);
        if (!isWanted() || isOver()) throw thrown;
      }
    }
  }

  async #ask(
    query: Query,
    queryIndex: number,
    isOver: () => boolean,
    onNews: (news: FindNews) => void,
    pinned: HashHex | undefined,
  ): Promise<void> {
    const { clock, endpoint, questionOf, timeoutMs, attempts } = this.#options;
    const server = this.peerIds.ofSession(idOf(endpoint), endpoint);
    let [attempt, attemptEndMs] = [1, clock.nowMs() + timeoutMs];
    while (!isOver()) {
      const said = await this.#exchange.describe(questionOf(query));
      if (isOver()) return;
      if (said.kind === "file") {
        const { content, name, isGrowing } = said;
        if (pinned !== undefined && pinned !== content.sha256) {
          return onNews({ kind: "notFound", queryIndex, similar: [] });
        }
        const path = { endpoint, token: NO_TOKEN };
        const offer = {
          server: said.server === undefined
            ? server
            : this.peerIds.ofSession(said.server, endpoint),
          party: this.peerIds.partyAt(endpoint.address),
          // Nobody else can have answered on a connection.
          isProved: true,
          path,
          content,
          ...timeOf(said),
          name,
          ...(isGrowing && { isGrowing }),
          tcpPort: endpoint.port,
        };
        this.#hashing.onReady(server, queryIndex);
        return onNews({ kind: "offer", queryIndex, offer });
      }
      const nowMs = clock.nowMs();
      const earnedMs = this.#hashing.onPending(nowMs, server, queryIndex, said.claim);
      const party = this.peerIds.partyAt(endpoint.address);
      const pending = { ...said.claim, server, party, endpoint, earnedMs };
      onNews({ kind: "pending", queryIndex, pending });
      attemptEndMs = Math.max(attemptEndMs, Math.min(attemptEndMs + earnedMs, nowMs + timeoutMs));
      if (nowMs >= attemptEndMs) {
        if (attempt >= attempts) {
          const isChanging = this.#hashing.isChanging(queryIndex);
          const timedOut = { kind: "timedOut", queryIndex, isHashing: true } as const;
          return onNews({ ...timedOut, ...(isChanging && { isChanging }) });
        }
        attempt += 1;
        attemptEndMs = nowMs + timeoutMs;
        this.#hashing.restart(queryIndex);
        onNews({ kind: "attempt", queryIndex, attempt });
      }
      await clock.sleep(PENDING_PAUSE_MS, this.#closing.signal);
    }
  }
}

/** A server without an id is known by its address. */
function idOf(endpoint: Endpoint): ServerId {
  return serverId(toHex(sha256(new TextEncoder().encode(endpointText(endpoint)))).slice(0, 32));
}

/** How a server is asked for what the user typed: `sha256:HEX`, `md5:HEX`, a bare digest, a name, or a folder's and a slash. */
export function questionOf(typed: string): JsonObject {
  const text = unmarked(typed);
  const match = isMarked(typed)
    ? null
    : /^(?:(sha256|md5):)?([0-9a-fA-F]{32}|[0-9a-fA-F]{64})$/.exec(text);
  if (match !== null) {
    const hex = match[2]!.toLowerCase();
    const kind = hex.length === 32 ? "md5" : "sha256";
    if (match[1] === undefined || match[1] === kind) return { [kind]: hashHex(hex) };
  }
  const isFolder = text.endsWith("/");
  const parsed = parseFileName(isFolder ? text.slice(0, -1) : text);
  if (!parsed.ok) {
    throw new ShoalError("bad_name", `that is not a valid file name: ${parsed.problem}`);
  }
  return { [isFolder ? "tree" : "name"]: parsed.name };
}

/** How a server is asked for what it is asked for by datagrams otherwise. */
export function questionFor(query: Query): JsonObject {
  switch (query.by) {
    case "name":
      return { name: query.name };
    case "sha256":
      return { sha256: query.sha256 };
    case "tree":
      return { tree: query.name ?? "" };
    case "any":
      throw new ShoalError("internal", "what is asked for over TCP has a name");
    default:
      return query satisfies never;
  }
}
