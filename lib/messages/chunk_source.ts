/**
 * Main thread ⇄ the worker of a chunk source, whatever its kind. It works for one source at a time and
 * for any number of files on it; what it proves goes straight to the assembler (`chunk_feed.ts`), and
 * only counts come here. Its requests are the coordinator's actions, unchanged.
 *
 * Lifetime: `init → ready → (assign … release)* → stop → stopped`.
 */
import type { ErrorMessage } from "../errors.ts";
import type { CoordinatorAction } from "../protocol/download/coordinator_messages.ts";
import type { ReceiverAction } from "../protocol/download/receiver.ts";
import type { ChannelEnd } from "./channel_end.ts";
import type { TransportConfig } from "./transport_config.ts";

/** What a kind of source needs to know to begin with. */
export type SourceConfig =
  | { readonly kind: "datagrams"; readonly transport: TransportConfig }
  | { readonly kind: "stream"; readonly timeoutMs: number };

export type SourceInit = {
  readonly kind: "init";
  readonly config: SourceConfig;
  /** Where verified chunks go; transferred. */
  readonly feed: ChannelEnd;
};

/** What the coordinator says to sources. */
export type SourceOrder = Extract<
  CoordinatorAction,
  { kind: "assign" | "reroute" | "release" | "lease" | "revoke" | "allot" }
>;

export type SourceRequest = SourceInit | SourceOrder | { readonly kind: "stop" };

export type SourceReply =
  /** @param detail what its socket was tuned to, for people */
  | { readonly kind: "ready"; readonly detail: string }
  | Extract<ReceiverAction, { kind: "report" | "gone" }>
  | { readonly kind: "failed"; readonly error: ErrorMessage }
  | {
    readonly kind: "stopped";
    readonly times: StageTimes;
    /** What it left aside, for people. */
    readonly detail: string;
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
