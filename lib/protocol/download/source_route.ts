/**
 * The ways in which chunks come to us. A kind of source is a route here, a machine beside
 * `receiver.ts`, a driver for it in `lib/io/workers`, and a line in `lib/app/client/source_kinds.ts`; the
 * coordinator treats all of them alike.
 */
import type { Endpoint } from "../../address.ts";
import type { Token } from "../../ids.ts";

/** A route as the coordinator sees it: what else is in it concerns the driver of its kind only. */
export interface SourceRoute {
  readonly kind: string;
  /** Where its chunks come from. */
  readonly endpoint: Endpoint;
  /** Round trip time in milliseconds; 0 if not known. */
  readonly rttMs: number;
}

/** Datagrams from a server's data port: we ask for ranges, it answers (docs/PROTOCOL.md, "Fetching"). */
export interface DatagramRoute extends SourceRoute {
  readonly kind: "datagrams";
  readonly token: Token;
}

/** A session over TCP (docs/PROTOCOL.md, "Sessions over TCP"). */
export interface StreamRoute extends SourceRoute {
  readonly kind: "stream";
}

/** The routes to a server that has answered us. */
export type Route = DatagramRoute | StreamRoute;
