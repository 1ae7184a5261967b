/**
 * Main thread ⇄ receiver worker. A receiver works for one server at a time and for any number of
 * files on it; what it verifies goes straight to the assembler (`chunk_feed.ts`), and only counts
 * come here.
 *
 * Lifetime: `init → ready → (assign … release)* → stop → stopped`.
 */
import type { ErrorMessage } from "../errors.ts";
import type { TransportConfig } from "./transport_config.ts";
import type { ReceiverAction, ReceiverEvent } from "../protocol/download/receiver.ts";

type Init = {
  readonly kind: "init";
  readonly transport: TransportConfig;
  /** Where verified chunks go; transferred. */
  readonly feed: MessagePort;
};

/** What the main thread asks of it: the machine's own events but for those of socket, disk and clock. */
export type ReceiverRequest =
  | Init
  | Exclude<ReceiverEvent, { kind: "datagrams" | "recycle" | "wakeup" }>
  | { readonly kind: "stop" };

export type ReceiverReply =
  | { readonly kind: "ready"; readonly receiveBufferBytes: number; readonly isTuned: boolean }
  | Extract<ReceiverAction, { kind: "report" | "gone" }>
  | { readonly kind: "failed"; readonly error: ErrorMessage }
  | {
    readonly kind: "stopped";
    readonly times: StageTimes;
    /** Datagrams that were not ours, not whole or not asked for. */
    readonly ignored: number;
    /** Payload that had arrived before. */
    readonly duplicateBytes: number;
  };

/** Where a worker's time went, in milliseconds; a stage that it does not have is absent. */
export interface StageTimes {
  /** Handling what arrives. */
  readonly receiveMs?: number;
  /** Proving chunks, or hashing whole files. */
  readonly hashMs?: number;
  readonly readMs?: number;
  readonly writeMs?: number;
  readonly sendMs?: number;
  /** For something to do, or for a turn on a processor. */
  readonly waitMs: number;
}
