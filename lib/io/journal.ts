/**
 * What is known of a part file, beside it: the content, the layer and one bit a chunk. The layer is
 * proved against the root when it is read, and marked chunks are proved again before they count, so a
 * journal can be stale or damaged but never harm.
 *
 * | bytes | field |
 * |---|---|
 * | 0–3 | `SHLJ` |
 * | 4–7 | version |
 * | 8–15 | size of the file |
 * | 16–47 | SHA-256 |
 * | 48–79 | root |
 * | 80–111 | SHA-256 of all before and of the layer |
 * | 112–… | layer, 32 bytes a chunk |
 * | … | bitmap, one bit a chunk |
 */
import { type Bytes, type Content, fromHex, toHex } from "../ids.ts";
import { HASH_BYTES } from "../limits.ts";
import { Bitmap } from "../protocol/bitmap.ts";
import { chunkCountFor, rootOfLayer } from "../protocol/merkle.ts";
import { sha256 } from "../protocol/sha256.ts";

const MAGIC = 0x53484c4a;
const VERSION = 1;
const DIGEST_AT = 80;
const LAYER_AT = DIGEST_AT + HASH_BYTES;

export interface JournalState {
  readonly layer: Bytes;
  readonly written: Bitmap;
}

/** The state that a journal's bytes describe; `undefined` unless it is whole and of this content. */
export function decodeJournal(bytes: Bytes, content: Content): JournalState | undefined {
  const chunkCount = chunkCountFor(content.sizeBytes);
  const bitmapAt = LAYER_AT + chunkCount * HASH_BYTES;
  if (bytes.length !== bitmapAt + Math.ceil(chunkCount / 8)) return undefined;
  const head = encodeHead(content, bytes.subarray(LAYER_AT, bitmapAt));
  if (head.some((byte, i) => byte !== bytes[i])) return undefined;
  const layer = bytes.slice(LAYER_AT, bitmapAt);
  if (rootOfLayer(layer, content.sizeBytes) !== content.root) return undefined;
  return { layer, written: new Bitmap(chunkCount, bytes.subarray(bitmapAt)) };
}

/** Everything before the bitmap. */
function encodeHead(content: Content, layer: Uint8Array): Bytes {
  const bytes = new Uint8Array(LAYER_AT + layer.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint32(4, VERSION);
  view.setBigUint64(8, BigInt(content.sizeBytes));
  bytes.set(fromHex(content.sha256) ?? [], 16);
  bytes.set(fromHex(content.root) ?? [], 48);
  bytes.set(layer, LAYER_AT);
  const covered = new Uint8Array(DIGEST_AT + layer.length);
  covered.set(bytes.subarray(0, DIGEST_AT));
  covered.set(layer, DIGEST_AT);
  bytes.set(fromHex(toHex(sha256(covered))) ?? [], DIGEST_AT);
  return bytes;
}

/** Reads the journal at `path`, if there is one of this content. */
export function readJournal(path: string, content: Content): JournalState | undefined {
  try {
    if (!Deno.lstatSync(path).isFile) return undefined;
    return decodeJournal(Deno.readFileSync(path), content);
  } catch {
    return undefined;
  }
}

export function removeJournal(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // There was none, or it stays behind: it harms nobody.
  }
}

/** A journal that is kept up to date. */
export class JournalFile {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #bitmapAt: number;
  #saved: Bytes;

  /** Writes a journal afresh; whatever had its name is gone. */
  constructor(path: string, content: Content, state: JournalState) {
    removeJournal(path);
    this.#path = path;
    this.#file = Deno.openSync(path, { createNew: true, write: true });
    const head = encodeHead(content, state.layer);
    this.#bitmapAt = head.length;
    this.#saved = state.written.bytes.slice();
    this.#write(head, 0);
    this.#write(this.#saved, this.#bitmapAt);
  }

  /** Writes what has changed of the bitmap. */
  save(written: Bitmap): void {
    const { bytes } = written;
    const first = bytes.findIndex((byte, i) => byte !== this.#saved[i]);
    if (first < 0) return;
    const last = bytes.findLastIndex((byte, i) => byte !== this.#saved[i]);
    this.#write(bytes.subarray(first, last + 1), this.#bitmapAt + first);
    this.#saved = bytes.slice();
  }

  close(): void {
    this.#file.close();
  }

  remove(): void {
    this.close();
    removeJournal(this.#path);
  }

  #write(bytes: Uint8Array, position: number): void {
    this.#file.seekSync(position, Deno.SeekMode.Start);
    for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
  }
}
