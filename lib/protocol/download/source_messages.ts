/** What every machine that brings chunks is told, and what it says; each kind of source has more of its own. */
import type { Bytes, SourceId, TransferId } from "../../ids.ts";
import type { Lease } from "./fetch_list.ts";
import type { Report } from "./receiver_report.ts";

/** What concerns its leases, whatever its kind. */
export type SourceOrderEvent =
  | { readonly kind: "lease"; readonly lease: Lease }
  | { readonly kind: "revoke"; readonly transfer: TransferId; readonly chunks: readonly number[] }
  | {
    readonly kind: "allot";
    readonly windowBytesMax: number;
    readonly bufferBytesMax: number;
    readonly rateBytesPerS: number;
  }
  /** Buffers come back from the assembler. */
  | { readonly kind: "recycle"; readonly buffers: readonly Bytes[] };

/** `Assigned` says what it works for, and by which route. */
export type SourceEvent<Assigned> =
  | SourceOrderEvent
  | ({ readonly kind: "assign" | "reroute" } & Assigned)
  | { readonly kind: "release" }
  | { readonly kind: "wakeup" };

export type GoneReason = "unknown" | "changed" | "unreadable";

export type SourceAction =
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
    readonly reason: GoneReason;
    /** Where no more than this is gone: a unit of a folder. */
    readonly chunk?: number;
  };
