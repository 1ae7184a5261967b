/**
 * Session worker ⇄ digest worker, which hashes beside it: the tree and the MD5 of what is uploaded,
 * from the same buffers that were written, and the MD5 of files that are offered already.
 *
 * Lifetime: `init → ready → (begin → update* → finish → finished | drop)* | (file → hashed)* → stop →
 * stopped`. Every `update` is answered by its buffer in `recycle`.
 */
import type { Bytes, HashHex } from "../ids.ts";
import type { ErrorMessage } from "../errors.ts";
import type { ServedFile } from "../protocol/base/served_file.ts";

export type DigestRequest =
  | { readonly kind: "init" }
  /** A stream of `sizeBytes`. */
  | { readonly kind: "begin"; readonly job: number; readonly sizeBytes: number }
  /** The next bytes of it, at the start of a buffer that changes hands. */
  | {
    readonly kind: "update";
    readonly job: number;
    readonly buffer: Bytes;
    readonly lengthBytes: number;
  }
  | { readonly kind: "finish"; readonly job: number }
  /** The stream ends here and nobody wants to know what it was. */
  | { readonly kind: "drop"; readonly job: number }
  /** A file as it was indexed: only its MD5 is wanted. */
  | { readonly kind: "file"; readonly job: number; readonly file: ServedFile }
  | { readonly kind: "stop" };

export type DigestReply =
  | { readonly kind: "ready" }
  | { readonly kind: "recycle"; readonly buffer: Bytes }
  | {
    readonly kind: "finished";
    readonly job: number;
    /** 32 lower-case hex digits. */
    readonly md5: string;
    readonly root: HashHex;
    /** The piece layer and the rows above its pages. */
    readonly tree: Bytes;
  }
  /** Without an MD5 where the file is not what was indexed, or cannot be read. */
  | { readonly kind: "hashed"; readonly job: number; readonly md5?: string }
  | { readonly kind: "failed"; readonly error: ErrorMessage }
  | { readonly kind: "stopped" };
