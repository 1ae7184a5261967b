/**
 * Main thread of a server ⇄ packer worker, which packs ranges of what is offered, one after another.
 *
 * Lifetime: `init → ready → (pack → packed)* → stop → stopped`.
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
  /** Without a pack where that would save too little, or the file is not what was indexed. */
  | { readonly kind: "packed"; readonly job: number; readonly pack?: Pack }
  | { readonly kind: "failed"; readonly error: ErrorMessage }
  | { readonly kind: "stopped"; readonly times: StageTimes };
