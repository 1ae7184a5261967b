/** Events and actions of the coordinator. */
import type { ServerId, SourceId, TransferId } from "../../ids.ts";
import type { Crowd } from "./chunk_order.ts";
import type { Lease } from "./fetch_list.ts";
import type { Provider } from "./provider.ts";
import type { Report } from "./receiver_report.ts";
import type { SourceRoute } from "./source_route.ts";
import type { TransferStart } from "./transfer_state.ts";

export type CoordinatorEvent =
  /** A file to be fetched. */
  | ({ readonly kind: "transfer" } & TransferStart)
  /** The transfer is over, however it ended. */
  | { readonly kind: "forget"; readonly transfer: TransferId }
  /** `source` has the content of `transfer`, or chunks of it. */
  | ({
    readonly kind: "provider";
    readonly source: SourceId;
    readonly transfer: TransferId;
  } & Provider)
  | { readonly kind: "report"; readonly report: Report }
  /** `source` has the content of `transfer` no more, or that one chunk of it. */
  | {
    readonly kind: "gone";
    readonly source: SourceId;
    readonly transfer: TransferId;
    readonly chunk?: number;
  }
  /** Chunks on disk that failed their proof. */
  | { readonly kind: "unproved"; readonly transfer: TransferId; readonly chunks: readonly number[] }
  /** Chunks of `transfer` up to this one may be fetched now. */
  | { readonly kind: "window"; readonly transfer: TransferId; readonly endChunk: number }
  /** So many fetch the content of `transfer` now, and this is our place among them. */
  | ({ readonly kind: "crowd"; readonly transfer: TransferId } & Crowd)
  | { readonly kind: "wakeup" };

/** "silent": asked, and nothing comes. "dropped": it sent bad chunks and is not asked again. */
export type SourceState = "active" | "standby" | "silent" | "dropped";

export type CoordinatorAction =
  /** Put this source to work; no more than `RECEIVERS_MAX` are at a time. */
  | { readonly kind: "assign"; readonly source: SourceId; readonly route: SourceRoute }
  /** Go on with the same source by another route. */
  | { readonly kind: "reroute"; readonly source: SourceId; readonly route: SourceRoute }
  | { readonly kind: "release"; readonly source: SourceId }
  | { readonly kind: "lease"; readonly source: SourceId; readonly lease: Lease }
  | {
    readonly kind: "revoke";
    readonly source: SourceId;
    readonly transfer: TransferId;
    readonly chunks: readonly number[];
  }
  | {
    readonly kind: "allot";
    readonly source: SourceId;
    readonly windowBytesMax: number;
    readonly bufferBytesMax: number;
    readonly rateBytesPerS: number;
  }
  | {
    readonly kind: "server";
    readonly server: ServerId;
    readonly source: SourceId;
    readonly state: SourceState;
  }
  /** Nobody who is left has this chunk of a folder: it counts as done with, and the others are fetched. */
  | { readonly kind: "unobtainable"; readonly transfer: TransferId; readonly chunk: number }
  /** Every chunk is verified, or done with. */
  | { readonly kind: "complete"; readonly transfer: TransferId }
  /** Nothing verified for this transfer in a whole timeout, so many times in a row. */
  | { readonly kind: "stalled"; readonly transfer: TransferId; readonly inARow: number }
  /** Nobody that we know holds this transfer's content any more. */
  | { readonly kind: "orphaned"; readonly transfer: TransferId };
