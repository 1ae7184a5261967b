/** What the receiver of datagrams is told, and what it says, beside what all sources are and do. */
import type { Endpoint } from "../../address.ts";
import type { Bytes, SourceId } from "../../ids.ts";
import type { Segments } from "../../wire/segment_runs.ts";
import type { SourceAction, SourceEvent } from "./source_messages.ts";
import type { DatagramRoute } from "./source_route.ts";

export interface Assignment {
  readonly source: SourceId;
  readonly route: DatagramRoute;
  readonly nonce: bigint;
  /** The longest datagram that the route is known to take; where that is known. */
  readonly routeBytes?: number;
}

export type ReceiverEvent =
  | SourceEvent<{ readonly assignment: Assignment }>
  /** One datagram, or several that arrived joined. */
  | ({ readonly kind: "datagrams"; readonly from: Endpoint } & Segments);

export type ReceiverAction =
  | SourceAction
  | { readonly kind: "send"; readonly datagram: Bytes; readonly to: Endpoint };
