/**
 * Main thread of a server ⇄ packer worker, which packs ranges of what is offered, one after another.
 *
 * Lifetime: `init → ready → (pack → packed)* → stop → stopped`.
 */
import type { ErrorMessage } from "../errors.ts";
import type { ServedFile } from "../protocol/base/served_file.ts";
import type { Pack } from "../protocol/serve/packs.ts";
import type { StageTimes } from "./chunk_source.ts";

export type PackerRequest =
  | { readonly kind: "init" }
  | {
    readonly kind: "pack";
    readonly job: number;
    /** As it was indexed. */
    readonly file: ServedFile;
    readonly offset: number;
    readonly lengthBytes: number;
  }
  | { readonly kind: "stop" };

export type PackerReply =
  | { readonly kind: "ready" }
  /** Without a pack where that would save too little, or the file is not what was indexed. */
  | { readonly kind: "packed"; readonly job: number; readonly pack?: Pack }
  | { readonly kind: "failed"; readonly error: ErrorMessage }
  | { readonly kind: "stopped"; readonly times: StageTimes };
