/**
 * Main thread ⇄ receiver worker. A receiver works for one server at a time and for any number of
 * files on it; what it verifies goes straight to the assembler (`chunk_feed.ts`), and only counts
 * come here.
 *
 * Lifetime: `init → ready → (assign … release → released)* → stop → stopped`.
 */
import type { Bytes, Endpoint, HashHex, ServerId, Token, TransferId } from "../ids.ts";
import type { ErrorMessage } from "../errors.ts";

export type ReceiverRequest =
  | {
    readonly kind: "init";
    readonly receiver: number;
    /** Whether to tune the socket through FFI where that is possible. */
    readonly tune: boolean;
    readonly mtuBytes: number;
    /** Where verified chunks go; transferred. */
    readonly feed: MessagePort;
  }
  /** Work for this server at this address from now on; drops whatever was leased before. */
  | {
    readonly kind: "assign";
    readonly server: ServerId;
    readonly endpoint: Endpoint;
    readonly token: Token;
    readonly nonce: bigint;
    /** Round trip measured while probing, so that the first timers fit. */
    readonly rttMs: number;
  }
  /** Go on with the same server and leases at another of its addresses. */
  | {
    readonly kind: "path";
    readonly endpoint: Endpoint;
    readonly token: Token;
    readonly nonce: bigint;
  }
  | LeaseMessage
  | { readonly kind: "revoke"; readonly transfer: TransferId; readonly chunks: readonly number[] }
  | AllotMessage
  | { readonly kind: "release" }
  | { readonly kind: "stop" };

/** The right to fetch these chunks, in this order, after whatever is leased already. */
export interface LeaseMessage {
  readonly kind: "lease";
  readonly transfer: TransferId;
  readonly root: HashHex;
  readonly sizeBytes: number;
  readonly chunks: readonly number[];
  /** One hash a chunk, in the same order. */
  readonly hashes: Bytes;
}

/** This receiver's part of what the whole client may use. */
export interface AllotMessage {
  readonly kind: "allot";
  readonly windowBytesMax: number;
  readonly bufferBytesMax: number;
  /** Cap from `--rate`; 0 for none. */
  readonly rateBytesPerS: number;
}

export type ReceiverReply =
  | { readonly kind: "ready"; readonly receiveBufferBytes: number; readonly isTuned: boolean }
  | ReceiverReport
  /** The server has no such content any more. */
  | {
    readonly kind: "gone";
    readonly transfer: TransferId;
    readonly reason: "unknown" | "changed" | "unreadable";
  }
  | { readonly kind: "released" }
  | { readonly kind: "failed"; readonly error: ErrorMessage }
  | { readonly kind: "stopped"; readonly times: StageTimes };

/** What happened since the last report, and where things stand. */
export interface ReceiverReport {
  readonly kind: "report";
  /** Chunks verified and handed to the assembler. */
  readonly verified: readonly ChunkReport[];
  /** Chunks that failed; `isStrike` when every segment of them had a good CRC. */
  readonly bad: readonly (ChunkReport & { readonly isStrike: boolean })[];
  /** New payload bytes since the last report, verified or not. */
  readonly receivedBytes: number;
  /** Segments asked for again since the last report. */
  readonly retransmits: number;
  readonly rateBytesPerS: number;
  readonly rttMs: number;
  /** Bytes of leased chunks that have not arrived. */
  readonly leasedBytes: number;
  /** Milliseconds since a byte last arrived while some were asked for; 0 when idle. */
  readonly silentMs: number;
}

export interface ChunkReport {
  readonly transfer: TransferId;
  readonly chunk: number;
  readonly bytes: number;
}

/** Where a worker's time went, in milliseconds. */
export interface StageTimes {
  readonly receiveMs: number;
  readonly hashMs: number;
  readonly writeMs: number;
  readonly waitMs: number;
}
