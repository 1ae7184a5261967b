/**
 * Main thread of a server ⇄ packer worker, which packs ranges of what is offered, one after another.
 *
 * Lifetime: `init → ready → (pack → packed | lost)* → stop → stopped`.
 */
import type { ErrorMessage } from "../errors.ts";
import type { ContentRef, LocatedContent } from "../protocol/base/served_file.ts";
import type { Pack } from "../protocol/serve/packs.ts";
import type { StageTimes } from "./chunk_source.ts";

export type PackerRequest =
  | { readonly kind: "init" }
  | {
    readonly kind: "pack";
    readonly job: number;
    readonly content: LocatedContent;
    readonly offset: number;
    readonly lengthBytes: number;
  }
  /** A file that had this content has it no more. */
  | ({ readonly kind: "forget" } & ContentRef)
  | { readonly kind: "stop" };

export type PackerReply =
  | { readonly kind: "ready" }
  /** Without a pack where that would save too little. */
  | { readonly kind: "packed"; readonly job: number; readonly pack?: Pack }
  /** The range could not be read, which says nothing of how it packs. */
  | { readonly kind: "lost"; readonly job: number }
  | { readonly kind: "failed"; readonly error: ErrorMessage }
  | { readonly kind: "stopped"; readonly times: StageTimes };
