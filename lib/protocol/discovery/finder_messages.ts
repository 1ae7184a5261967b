/** Events and actions of a {@linkcode Finder}: everything that crosses its boundary. */
import type { Endpoint } from "../../address.ts";
import type { Bytes, PeerId, SafeFileName } from "../../ids.ts";
import type { FrameOf, Query } from "../../wire/frames.ts";
import type { FindAnswer } from "./find_answer.ts";
import type { PeerIds } from "./peer_ids.ts";
import type { ServerPath } from "../base/server_path.ts";
import type { Offer, Patience, PendingNotice, RegistryWord, TimedOut } from "./sought_query.ts";

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
  /** Who is one server, for all that a run asks. Its own by default, of a machine without addresses. */
  readonly peerIds?: PeerIds;
  /** All addresses of this machine, which servers may know us by; none by default. */
  readonly ownAddresses?: readonly string[];
}

export type FinderEvent =
  | {
    readonly kind: "frame";
    readonly from: Endpoint;
    readonly frame: FindAnswer | FrameOf<"alias">;
  }
  /** No more patience is needed for this query: its content is chosen, or comes the classic way. */
  | { readonly kind: "settle"; readonly queryIndex: number }
  /** Nothing more is wanted of this query. */
  | { readonly kind: "finish"; readonly queryIndex: number }
  /** What the server has offered for this query is not believed: as if it lacked it. */
  | { readonly kind: "disbelieve"; readonly queryIndex: number; readonly server: PeerId }
  /** Nothing counts that the server has said of this query, or says later: as if it had not answered. */
  | { readonly kind: "ignore"; readonly queryIndex: number; readonly server: PeerId }
  /** What registries know of it, now. */
  | { readonly kind: "registries"; readonly queryIndex: number; readonly word: RegistryWord }
  /** Nobody can be where servers were said to be, as is known from elsewhere: who is silent is not waited for. */
  | { readonly kind: "vain" }
  /** Somebody says that there are servers here: they are asked as by a broadcast. */
  | { readonly kind: "invite"; readonly endpoints: readonly Endpoint[] }
  | { readonly kind: "wakeup" };

export type FinderAction =
  | {
    readonly kind: "broadcast";
    readonly datagram: Bytes;
    /** A shorter form for narrow paths, and for endpoints where a server is no more than possible. */
    readonly brief: Bytes;
    readonly round: number;
  }
  | {
    readonly kind: "unicast";
    readonly to: Endpoint;
    readonly datagram: Bytes;
    /** It goes where nobody but a claim leads. */
    readonly isProbe?: true;
  }
  /** A server is new, or answers from a new address or with a new token, or somebody says so. */
  | {
    readonly kind: "server";
    readonly server: PeerId;
    readonly path: ServerPath;
    readonly isProved: boolean;
  }
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
