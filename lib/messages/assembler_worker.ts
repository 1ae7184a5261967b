/**
 * Main thread ⇄ assembler worker: one per process, for every file that it fetches.
 *
 * Lifetime: `init → ready → (feed | open … finished/aborted)* → stop → stopped`. What is said about one
 * transfer between these is in `protocol/download/target_messages.ts`.
 */
import type { ErrorMessage } from "../errors.ts";
import type { TargetReply, TargetRequest } from "../protocol/download/target_messages.ts";
import type { TreeReply, TreeRequest } from "../protocol/folder/tree_messages.ts";
import type { ChannelEnd } from "./channel_end.ts";
import type { StageTimes } from "./chunk_source.ts";

/** How a run writes its files, whatever they are. */
export interface FileRules {
  /** Whether blocks of zeros are left out as holes. */
  readonly sparse: boolean;
  /** Whether names become names that every file system takes (`lib/io/files/portable_names.ts`). */
  readonly portableNames: boolean;
}

export type AssemblerRequest =
  | ({ readonly kind: "init" } & FileRules)
  /** A receiver's end of the chunk feed (`chunk_feed.ts`); transferred. */
  | { readonly kind: "feed"; readonly port: ChannelEnd }
  | TargetRequest
  | TreeRequest
  /** The run has a file at this path, which is not to be overwritten by another of its files. */
  | { readonly kind: "written"; readonly path: string }
  | { readonly kind: "stop" };

export type AssemblerReply =
  | { readonly kind: "ready" }
  | TargetReply
  | TreeReply
  | { readonly kind: "failed"; readonly error: ErrorMessage }
  | { readonly kind: "stopped"; readonly times: StageTimes };
