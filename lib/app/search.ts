/**
 * The client's main socket at work: who has what we want, and what are its layers? One socket, one
 * search for all names of a run, and any number of layer fetches beside it.
 */
import type { Bytes, Content, Endpoint, HashHex, ServerId } from "../ids.ts";
import type { ShoalError } from "../errors.ts";
import type { Path } from "../protocol/coordinator.ts";
import type { Offer, PendingNotice } from "../protocol/finder.ts";
import type { Query } from "../wire/frames.ts";

export interface FindHandlers {
  /** A server, a path to it, its content or its token is new. */
  onOffer(queryIndex: number, offer: Offer): void;
  /** A server has the name but is still hashing the file. */
  onPending(queryIndex: number, pending: PendingNotice): void;
  /** Attempt `attempt` (from 2) of a query begins: nobody has offered it so far. */
  onAttempt(queryIndex: number, attempt: number): void;
  /** Every server that answered lacks it. */
  onNotFound(queryIndex: number, similar: readonly string[]): void;
  /** Nobody has answered in all attempts. */
  onTimedOut(queryIndex: number): void;
  /** Time to ask the classic way as well; once a query. */
  onClassicDue(queryIndex: number): void;
}

export interface LayerHandlers {
  /** `server` has answered at these paths, best first, and holds the content. */
  onConfirmed(server: ServerId, paths: readonly Path[]): void;
  /** The whole layer, proved; once. At once where it was known or follows from the root. */
  onLayer(layer: Bytes): void;
  /** Asked no more: it has not the content (any more), or what it sent for it was not the layer. */
  onLost(server: ServerId, reason: "gone" | "lying"): void;
}

/** The names that a run looks for. */
export interface Find {
  /** When the first FIND left. */
  readonly startedMs: number;
  /** Stops patience and classic for this query; FINDs go on, slowly, so that late servers can join. */
  settle(queryIndex: number): void;
  /** Stops asking for this query at all. */
  finish(queryIndex: number): void;
}

export interface LayerFetchHandle {
  /** Probes the server at this path; the same path again with a new token is fine. */
  addServer(server: ServerId, endpoint: Endpoint, token: Offer["path"]["token"]): void;
  /** Until this is called late servers are still probed. */
  close(): void;
}

export interface Search {
  /** Where a FIND goes: the broadcast addresses, or the ports of the hosts that were named. */
  readonly targets: readonly Endpoint[];
  /** Where a classic request goes, one at a time. */
  readonly classicTargets: readonly Endpoint[];
  /** Datagrams that are no Shoal frames; the bytes are lent until it returns. */
  onForeign: ((bytes: Bytes, from: Endpoint) => void) | undefined;
  /** Something that should not happen did: the search is of no use any more. */
  onError: ((error: ShoalError) => void) | undefined;
  /** `pinned` is the SHA-256 that offers must have; others are told, but count as absent. */
  find(
    queries: readonly Query[],
    handlers: FindHandlers,
    pinned?: HashHex,
  ): Find;
  fetchLayer(content: Content, handlers: LayerHandlers, knownLayer?: Bytes): LayerFetchHandle;
  /** Sends in order; `bytes` is ours from here on. */
  send(bytes: Bytes, to: Endpoint): void;
  close(): Promise<void>;
}
