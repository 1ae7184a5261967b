/**
 * Main thread of a server ⇄ indexer worker, which hashes files one after another. An urgent one goes
 * before all others, one that is half done included: somebody waits for it. Urgent ones take turns. So does a check of one chunk.
 *
 * Lifetime: `init → ready → (hash → progress* → hashed | changed | unreadable | cancelled; check →
 * checked)* → stop → stopped`.
 */
import type { Bytes, FileSignature, HashHex } from "../ids.ts";
import type { ErrorMessage } from "../errors.ts";
import type { ContentPlace } from "../protocol/base/served_file.ts";

export type IndexerRequest =
  | { readonly kind: "init" }
  | {
    readonly kind: "hash";
    readonly job: number;
    readonly place: ContentPlace;
    readonly signature: FileSignature;
    readonly isUrgent: boolean;
  }
  | {
    readonly kind: "check";
    readonly job: number;
    readonly place: ContentPlace;
    readonly signature: FileSignature;
    readonly chunk: number;
    /** Of the chunk, in the piece layer. */
    readonly hash: Bytes;
  }
  | { readonly kind: "cancel"; readonly job: number }
  | { readonly kind: "stop" };

export type IndexerReply =
  | { readonly kind: "ready" }
  | { readonly kind: "progress"; readonly job: number; readonly hashedBytes: number }
  | {
    readonly kind: "hashed";
    readonly job: number;
    readonly sha256: HashHex;
    readonly root: HashHex;
    /** The piece layer and the rows above its pages. */
    readonly tree: Bytes;
  }
  /** The file was not what the signature says, before or after it was read. */
  | { readonly kind: "changed"; readonly job: number }
  | { readonly kind: "unreadable"; readonly job: number; readonly message: string }
  | { readonly kind: "cancelled"; readonly job: number }
  /** `bad`: the file looks as it did, and the chunk's bytes are others, or cannot be read. */
  | { readonly kind: "checked"; readonly job: number; readonly found: "good" | "bad" | "changed" }
  | { readonly kind: "failed"; readonly error: ErrorMessage }
  | { readonly kind: "stopped" };
