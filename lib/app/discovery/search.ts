/**
 * The client's main socket at work: who has what we want, what is its layer, what else is there? One
 * socket carries any number of finds, layer fetches and listings beside each other.
 */
import type {
  Bytes,
  Content,
  Endpoint,
  HashHex,
  SafeFileName,
  ServerId,
  Token,
} from "../../ids.ts";
import type { ShoalError } from "../../errors.ts";
import { nowMs } from "../../io/system/clock.ts";
import { randomU64 } from "../../io/system/random_source.ts";
import { RETRIES_DEFAULT, TIMEOUT_MS_DEFAULT } from "../limits.ts";
import { Finder, type Offer, type PendingNotice } from "../../protocol/discovery/finder.ts";
import { type ConfirmedPath, LayerFetch } from "../../protocol/download/layer_fetch.ts";
import { ListFetch } from "../../protocol/discovery/list_fetch.ts";
import type { ServerPath } from "../../protocol/base/server_path.ts";
import type { ListingEntry, Query } from "../../wire/frames.ts";
import type { Runtime } from "../../io/runtime.ts";
import { transportConfig } from "../../messages/transport_config.ts";
import { ClientSocket } from "./client_socket.ts";
import { Conversation } from "./conversation.ts";
import type { FindOptions } from "../options.ts";
import { resolveTargets, type Targets } from "./targets.ts";

export interface FindHandlers {
  /** A server, or a path to one, is new, whatever it has. */
  onServer?(server: ServerId, path: ServerPath): void;
  /** A server, a path to it, its content or its token is new. */
  onOffer(queryIndex: number, offer: Offer): void;
  /** A server has the name but is still hashing the file. */
  onPending(queryIndex: number, pending: PendingNotice): void;
  /** Attempt `attempt` (from 2) of a query begins: nobody has offered it so far. */
  onAttempt(queryIndex: number, attempt: number): void;
  /** Every server that answered lacks it; the query is finished. */
  onNotFound(queryIndex: number, similar: readonly string[]): void;
  /** Nobody has offered it in all attempts; the query is finished. */
  onTimedOut(queryIndex: number): void;
  /** Time to ask the classic way as well; once a query. */
  onClassicDue(queryIndex: number): void;
}

export interface LayerHandlers {
  /** `server` has answered at these paths, best first, and holds the content. */
  onConfirmed(server: ServerId, paths: readonly ConfirmedPath[]): void;
  /** The whole layer, proved; once. Needs no server where it was known or follows from the root. */
  onLayer(layer: Bytes): void;
  /** No page has come for a whole timeout, and some are missing; told again after as long. */
  onStalled?(): void;
  /** Asked no more: it has not the content (any more), or what it sent for it was not the layer. */
  onLost(server: ServerId, reason: "gone" | "lying"): void;
}

export interface ListHandlers {
  onEntries(entries: readonly ListingEntry[]): void;
  /** Read what follows `after` over TCP from `from`, and tell the handle how that ended. */
  onRest(from: Endpoint, after: SafeFileName): void;
  /** Everything was told, or the server has fallen silent. */
  onEnded(isComplete: boolean): void;
}

/** The names that a run looks for. */
export interface Find {
  /** When the first FIND left. */
  readonly startedMs: number;
  /** Stops patience and classic for this query; FINDs go on, slowly, so that late servers can join. */
  settle(queryIndex: number): void;
  /** Stops asking for this query at all. */
  finish(queryIndex: number): void;
  /** What the server has offered for this query counts as if it lacked it, until it offers anew. */
  disbelieve(queryIndex: number, server: ServerId): void;
  /** Asks servers of which others have told. */
  invite(endpoints: readonly Endpoint[]): void;
}

export interface LayerFetchHandle {
  /** Probes the server at this path; the same path again with a new token is fine. */
  addServer(server: ServerId, endpoint: Endpoint, token: Token): void;
  /** Until this is called late servers are still probed. */
  close(): void;
}

export interface ListHandle {
  /** Another way to the server; the first one starts the fetch. */
  addPath(path: ServerPath): void;
  /** @param after the last name that came over TCP, if any did */
  restRead(isComplete: boolean, after?: SafeFileName): void;
  close(): void;
}

/** How patient a find is where that is not what the options of the search say. */
export interface FindPatience {
  readonly timeoutMs?: number;
  readonly attempts?: number;
  readonly scheduleMs?: readonly number[];
}

/** Opens the socket. Throws ShoalError `usage` for a `--server` that cannot be asked. */
export async function openSearch(options: FindOptions, runtime: Runtime): Promise<Search> {
  return new Search(runtime, options, await resolveTargets(options));
}

export class Search {
  readonly #options: FindOptions;
  readonly #targets: Targets;
  readonly #socket: ClientSocket;

  constructor(runtime: Runtime, options: FindOptions, targets: Targets) {
    this.#options = options;
    this.#targets = targets;
    this.#socket = new ClientSocket(
      runtime,
      transportConfig({ tune: options.tune, layers: options.layers }),
    );
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? TIMEOUT_MS_DEFAULT;
  }

  /** Where a classic request goes, one at a time. */
  get classicTargets(): readonly Endpoint[] {
    return this.#targets.classic();
  }

  /** Something that should not happen did: the search is of no use any more. */
  set onError(handler: (error: ShoalError) => void) {
    this.#socket.onError = handler;
  }

  /**
   * Looks for all queries at once.
   *
   * @param pinned the SHA-256 that offers must have; others are told, but count as absent
   */
  find(
    queries: readonly Query[],
    handlers: FindHandlers,
    pinned?: HashHex,
    patience: FindPatience = {},
  ): Find {
    const finder = new Finder({
      queries,
      firstQueryId: randomU64(),
      overheadBytes: this.#socket.overheadBytes,
      timeoutMs: this.#timeoutMs,
      attempts: this.#options.retries ?? RETRIES_DEFAULT,
      ...(pinned !== undefined && { pinned }),
      ...patience,
    });
    const conversation = new Conversation(this.#socket, finder, (action) => {
      switch (action.kind) {
        case "broadcast":
          for (const to of this.#targets.find()) this.send(action.datagram, to);
          return;
        case "unicast":
          return this.send(action.datagram, action.to);
        case "server":
          return handlers.onServer?.(action.server, action.path);
        case "offer":
          return handlers.onOffer(action.queryIndex, action.offer);
        case "pending":
          return handlers.onPending(action.queryIndex, action.pending);
        case "attempt":
          return handlers.onAttempt(action.queryIndex, action.attempt);
        case "notFound":
          return handlers.onNotFound(action.queryIndex, action.similar);
        case "timedOut":
          return handlers.onTimedOut(action.queryIndex);
        case "classicDue":
          return handlers.onClassicDue(action.queryIndex);
        default:
          action satisfies never;
      }
    });
    const startedMs = nowMs();
    conversation.handle({ kind: "wakeup" });
    return {
      startedMs,
      settle: (queryIndex) => conversation.handle({ kind: "settle", queryIndex }),
      finish: (queryIndex) => conversation.handle({ kind: "finish", queryIndex }),
      disbelieve: (queryIndex, server) =>
        conversation.handle({ kind: "disbelieve", queryIndex, server }),
      invite: (endpoints) => conversation.handle({ kind: "invite", endpoints }),
    };
  }

  /** @param knownLayer proved by an earlier run: servers are only probed then */
  fetchLayer(content: Content, handlers: LayerHandlers, knownLayer?: Bytes): LayerFetchHandle {
    const fetch = new LayerFetch(content, {
      timeoutMs: this.#timeoutMs,
      ...(knownLayer !== undefined && { knownLayer }),
    });
    const conversation = new Conversation(this.#socket, fetch, (action) => {
      switch (action.kind) {
        case "send":
          return this.send(action.datagram, action.to);
        case "confirmed":
          return handlers.onConfirmed(action.server, action.paths);
        case "layer":
          return handlers.onLayer(action.layer);
        case "stalled":
          return handlers.onStalled?.();
        case "lost":
          return handlers.onLost(action.server, action.reason);
        default:
          action satisfies never;
      }
    });
    return {
      addServer(server, endpoint, token) {
        conversation.handle({
          kind: "path",
          server,
          path: { endpoint, token },
          nonce: randomU64(),
        });
      },
      close: () => conversation.close(),
    };
  }

  /** Everything that one server offers. */
  fetchList(server: ServerId, handlers: ListHandlers): ListHandle {
    const fetch = new ListFetch(server, randomU64());
    const conversation = new Conversation(this.#socket, fetch, (action) => {
      switch (action.kind) {
        case "send":
          return this.send(action.datagram, action.to);
        case "entries":
          return handlers.onEntries(action.entries);
        case "rest":
          return handlers.onRest(action.from, action.after);
        case "ended":
          return handlers.onEnded(action.isComplete);
        default:
          action satisfies never;
      }
    });
    return {
      addPath: (path) => conversation.handle({ kind: "path", path }),
      restRead: (isComplete, after) =>
        conversation.handle({
          kind: "restRead",
          isComplete,
          ...(after !== undefined && { after }),
        }),
      close: () => conversation.close(),
    };
  }

  /** Sends in order; leave `bytes` alone from now on. */
  send(bytes: Bytes, to: Endpoint): void {
    this.#socket.send(bytes, to);
  }

  /** Ends everything that was begun; no handler is called any more. */
  close(): Promise<void> {
    return this.#socket.close();
  }
}
