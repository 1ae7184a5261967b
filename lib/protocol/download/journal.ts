/**
 * The record beside a part file: the content, the piece layer and one bit per chunk. The layer is
 * proved against the root when it is read, and marked chunks are proved again before they count, so a
 * journal can be stale or damaged but never harm. For the same reason nothing waits for the disk
 * here: a bit is written after its chunk, and a power cut that reverses the two costs one chunk.
 *
 * | bytes | field |
 * |---|---|
 * | 0–3 | `SHLJ` |
 * | 4–7 | version |
 * | 8–15 | size of the file |
 * | 16–19 | size of a chunk |
 * | 20–51 | SHA-256 of the file |
 * | 52–83 | root |
 * | 84–115 | SHA-256 of all before and of the layer |
 * | 116–… | layer, 32 bytes per chunk |
 * | … | bitmap, one bit per chunk, least significant first |
 */
import { type Bytes, type Content, fromHex, toHex } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import { Bitmap } from "../base/bitmap.ts";
import { StreamingHash } from "../base/sha256.ts";
import { chunkBytesFor, chunkCountFor, rootOfLayer } from "../merkle/merkle.ts";

const MAGIC = 0x53484c4a;
const VERSION = 1;
const SHA256_AT = 20;
const ROOT_AT = SHA256_AT + HASH_BYTES;
const DIGEST_AT = ROOT_AT + HASH_BYTES;
const LAYER_AT = DIGEST_AT + HASH_BYTES;

export interface JournalState {
  readonly layer: Bytes;
  /** The chunks that an earlier run says it wrote. */
  readonly written: Bitmap;
}

export function encodeJournal(content: Content, state: JournalState): Bytes {
  const bytes = new Uint8Array(journalBytes(content));
  bytes.set(encodeHead(content, state.layer));
  bytes.set(state.layer, LAYER_AT);
  bytes.set(state.written.bytes, bitmapOffset(content));
  return bytes;
}

/** The state that a journal's bytes describe; `undefined` unless it is whole and of this content. */
export function decodeJournal(bytes: Bytes, content: Content): JournalState | undefined {
  if (bytes.length !== journalBytes(content)) return undefined;
  const layer = bytes.slice(LAYER_AT, bitmapOffset(content));
  const head = encodeHead(content, layer);
  if (head.some((byte, i) => byte !== bytes[i])) return undefined;
  if (rootOfLayer(layer, content.sizeBytes) !== content.root) return undefined;
  const written = new Bitmap(
    chunkCountFor(content.sizeBytes),
    bytes.subarray(bitmapOffset(content)),
  );
  return { layer, written };
}

/** What {@linkcode isJournalOf} looks at. */
export const JOURNAL_HEAD_BYTES = LAYER_AT;

/** Whether a file that begins like this is a journal of a content whose root begins with `rootHex`. */
export function isJournalOf(head: Uint8Array, rootHex: string): boolean {
  if (head.length < JOURNAL_HEAD_BYTES) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  return view.getUint32(0) === MAGIC &&
    toHex(head.subarray(ROOT_AT, ROOT_AT + HASH_BYTES)).startsWith(rootHex);
}

/** Where the bitmap begins. */
export function bitmapOffset(content: Content): number {
  return LAYER_AT + chunkCountFor(content.sizeBytes) * HASH_BYTES;
}

/** How long a journal of this content is. */
export function journalBytes(content: Content): number {
  return bitmapOffset(content) + Math.ceil(chunkCountFor(content.sizeBytes) / 8);
}

/** Everything before the layer. */
function encodeHead(content: Content, layer: Bytes): Bytes {
  const head = new Uint8Array(LAYER_AT);
  const view = new DataView(head.buffer);
  view.setUint32(0, MAGIC);
  view.setUint32(4, VERSION);
  view.setBigUint64(8, BigInt(content.sizeBytes));
  view.setUint32(16, chunkBytesFor(content.sizeBytes));
  setHash(head, SHA256_AT, content.sha256);
  setHash(head, ROOT_AT, content.root);
  const digest = new StreamingHash();
  digest.update(head.subarray(0, DIGEST_AT));
  digest.update(layer);
  setHash(head, DIGEST_AT, digest.digestHex());
  return head;
}

function setHash(target: Bytes, at: number, hex: string): void {
  target.set(fromHex(hex) ?? [], at);
}
