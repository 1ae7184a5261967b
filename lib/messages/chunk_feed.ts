/**
 * Receiver ⇄ assembler, over a MessagePort of their own. A chunk's buffer changes hands with it and
 * comes back when it is written and hashed: an outstanding buffer is a credit in use, so a slow disk
 * slows the requests. A message costs the same whatever it carries, so several chunks travel together.
 */
import type { Bytes } from "../ids.ts";
import type { VerifiedChunk } from "../protocol/download/assembler_steps.ts";

/** Receiver → assembler; the buffers are transferred. */
export interface ChunksMessage {
  readonly kind: "chunks";
  readonly chunks: readonly VerifiedChunk[];
}

/** Assembler → receiver; the buffers are transferred back whole. */
export interface RecycleMessage {
  readonly kind: "recycle";
  readonly buffers: readonly Bytes[];
}
