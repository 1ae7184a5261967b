/**
 * Main thread ⇄ the worker of a chunk source, whatever its kind. It works for one source at a time and
 * for any number of files on it; what it proves goes straight to the assembler (`chunk_feed.ts`), and
 * only counts come here. Its requests are the coordinator's actions, unchanged.
 *
 * Lifetime: `init → ready → (assign … release)* → stop → stopped`.
 */
import type { Endpoint } from "../address.ts";
import type { ErrorMessage } from "../errors.ts";
import type { SourceId } from "../ids.ts";
import type { CoordinatorAction } from "../protocol/download/coordinator_messages.ts";
import type { SendRefusal } from "../protocol/base/send_refusals.ts";
import type { SourceAction } from "../protocol/download/source_messages.ts";
import type { SourceRoute } from "../protocol/download/source_route.ts";
import type { ChannelEnd } from "./channel_end.ts";
import type { Layers, TransportConfig } from "./transport_config.ts";

/** What receivers of datagrams need to know to begin with; each kind of source has such a value. */
export interface DatagramsConfig {
  readonly transport: TransportConfig;
  /** Longest datagram for the path (UDP payload), overhead of the layers included. */
  readonly mtuBytes: number | undefined;
  /** Whether servers are asked for packs (docs/PROTOCOL.md, "Packing"). */
  readonly packs: boolean;
}

/** The same of receivers of streams. */
export interface StreamConfig {
  readonly layers: Layers;
  /** How long connecting may take; silence is judged by it, too. */
  readonly timeoutMs: number;
}

export interface SourceInit<Config = unknown> {
  readonly kind: "init";
  /** What this kind of source needs to know. */
  readonly config: Config;
  /** Where verified chunks go; transferred. */
  readonly feed: ChannelEnd;
}

/** What the coordinator says to sources; those of one kind are sent along routes of that kind only. */
export type SourceOrder<R extends SourceRoute = SourceRoute> =
  | { readonly kind: "assign" | "reroute"; readonly source: SourceId; readonly route: R }
  | Extract<CoordinatorAction, { kind: "release" | "lease" | "revoke" | "allot" }>;

export type SourceRequest<Config = unknown, R extends SourceRoute = SourceRoute> =
  | SourceInit<Config>
  | SourceOrder<R>
  | { readonly kind: "stop" };

export type SourceReply =
  /** @param detail what its socket was tuned to, for people */
  | { readonly kind: "ready"; readonly detail: string }
  | Extract<SourceAction, { kind: "report" | "gone" }>
  /** The system refuses to send this. */
  | { readonly kind: "refused"; readonly refusal: SendRefusal; readonly to: Endpoint }
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
  readonly packMs?: number;
  readonly writeMs?: number;
  readonly sendMs?: number;
  /** For something to do, or for a turn on a processor. */
  readonly waitMs: number;
}
