/**
 * The ways in which chunks come to us. A kind of source is a route here, a driver for it in
 * `lib/io/workers`, and a line in `lib/app/client/worker_pool.ts` that starts it; the coordinator
 * treats all of them alike.
 */
import type { Endpoint } from "../../address.ts";
import type { Token } from "../../ids.ts";

/** Datagrams from a server's data port: we ask for ranges, it answers (docs/PROTOCOL.md, "WANT"). */
export interface DatagramRoute {
  readonly kind: "datagrams";
  readonly endpoint: Endpoint;
  readonly token: Token;
  /** Round trip time in milliseconds; 0 if not known. */
  readonly rttMs: number;
}

/** A session over TCP (docs/PROTOCOL.md, "Sessions over TCP"). */
export interface StreamRoute {
  readonly kind: "stream";
  readonly endpoint: Endpoint;
  readonly rttMs: number;
}

export type Route = DatagramRoute | StreamRoute;
