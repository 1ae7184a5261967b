/**
 * Receiver ⇄ assembler, over a MessagePort of their own. A chunk's buffer changes hands with it and
 * comes back when it is written and hashed: an outstanding buffer is a credit in use, so a slow disk
 * slows the asking.
 */
import type { Bytes, TransferId } from "../ids.ts";

/** Receiver → assembler; `buffer` is transferred. Its first `bytes` bytes are a verified chunk. */
export interface ChunkMessage {
  readonly kind: "chunk";
  readonly transfer: TransferId;
  readonly chunk: number;
  readonly bytes: number;
  readonly buffer: Bytes;
}

/** Assembler → receiver; `buffer` is transferred back whole. */
export interface RecycleMessage {
  readonly kind: "recycle";
  readonly buffer: Bytes;
}
