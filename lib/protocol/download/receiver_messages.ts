/** What the machines that fetch chunks are told, and what they say: a receiver's in full. */
import type { Endpoint } from "../../address.ts";
import type { Bytes, SourceId, TransferId } from "../../ids.ts";
import type { Segments } from "../../wire/segment_runs.ts";
import type { Lease } from "./fetch_list.ts";
import type { Report } from "./receiver_report.ts";
import type { DatagramRoute } from "./source_route.ts";

export interface Assignment {
  readonly source: SourceId;
  readonly route: DatagramRoute;
  readonly nonce: bigint;
}

export type ReceiverEvent =
  | { readonly kind: "assign"; readonly assignment: Assignment }
  | { readonly kind: "reroute"; readonly assignment: Assignment }
  | { readonly kind: "lease"; readonly lease: Lease }
  | { readonly kind: "revoke"; readonly transfer: TransferId; readonly chunks: readonly number[] }
  | {
    readonly kind: "allot";
    readonly windowBytesMax: number;
    readonly bufferBytesMax: number;
    readonly rateBytesPerS: number;
  }
  | { readonly kind: "release" }
  /** One datagram, or several that arrived joined. */
  | ({ readonly kind: "datagrams"; readonly from: Endpoint } & Segments)
  /** Buffers come back from the assembler. */
  | { readonly kind: "recycle"; readonly buffers: readonly Bytes[] }
  | { readonly kind: "wakeup" };

export type ReceiverAction =
  | { readonly kind: "send"; readonly datagram: Bytes; readonly to: Endpoint }
  /** A verified chunk; its buffer changes hands. */
  | {
    readonly kind: "chunk";
    readonly transfer: TransferId;
    readonly chunk: number;
    readonly bytes: number;
    readonly buffer: Bytes;
  }
  | { readonly kind: "report"; readonly report: Report }
  | {
    readonly kind: "gone";
    readonly transfer: TransferId;
    readonly source: SourceId;
    readonly reason: "unknown" | "changed" | "unreadable";
    /** Where no more than this is gone: a unit of a folder. */
    readonly chunk?: number;
  };
