/**
 * What is known of a part file, beside it: the content, the layer and one bit a chunk. The layer is
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
 * | 116–… | layer, 32 bytes a chunk |
 * | … | bitmap, one bit a chunk, least significant first |
 */
import { type Bytes, type Content, fromHex } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import { Bitmap } from "../../protocol/base/bitmap.ts";
import { chunkBytesFor, chunkCountFor, rootOfLayer } from "../../protocol/merkle/merkle.ts";
import { StreamingHash } from "../../protocol/base/sha256.ts";
import { diskError } from "./disk_error.ts";
import { lookAt } from "./look_at.ts";

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

function bitmapOffset(content: Content): number {
  return LAYER_AT + chunkCountFor(content.sizeBytes) * HASH_BYTES;
}

function journalBytes(content: Content): number {
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

export function removeJournal(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // There was none, or it stays behind: without its part file it means nothing.
  }
}

/** A journal that is kept up to date. Errors of the disk are ShoalErrors. */
export class JournalFile {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #bitmapAt: number;
  readonly #saved: Bytes;

  private constructor(path: string, file: Deno.FsFile, content: Content, written: Bitmap) {
    this.#path = path;
    this.#file = file;
    this.#bitmapAt = bitmapOffset(content);
    this.#saved = written.bytes.slice();
  }

  /** Writes a journal afresh; whatever had its name is gone. */
  static create(path: string, content: Content, state: JournalState): JournalFile {
    removeJournal(path);
    const journal = new JournalFile(path, createFile(path), content, state.written);
    try {
      journal.#write(encodeJournal(content, state), 0);
      return journal;
    } catch (cause) {
      journal.remove();
      throw cause;
    }
  }

  /** Goes on with the journal at `path`; `undefined` if there is none of this content. */
  static resume(
    path: string,
    content: Content,
  ): { readonly journal: JournalFile; readonly state: JournalState } | undefined {
    try {
      const info = lookAt(path);
      if (info?.isFile !== true || info.size !== journalBytes(content)) return undefined;
      const state = decodeJournal(Deno.readFileSync(path), content);
      if (state === undefined) return undefined;
      const file = Deno.openSync(path, { write: true });
      return { journal: new JournalFile(path, file, content, state.written), state };
    } catch {
      return undefined;
    }
  }

  /** Writes what has changed of the bitmap. */
  save(written: Bitmap): void {
    const { bytes } = written;
    const first = bytes.findIndex((byte, i) => byte !== this.#saved[i]);
    if (first < 0) return;
    const last = bytes.findLastIndex((byte, i) => byte !== this.#saved[i]);
    const changed = bytes.subarray(first, last + 1);
    this.#write(changed, this.#bitmapAt + first);
    this.#saved.set(changed, first);
  }

  close(): void {
    this.#file.close();
  }

  remove(): void {
    this.close();
    removeJournal(this.#path);
  }

  #write(bytes: Uint8Array, position: number): void {
    try {
      this.#file.seekSync(position, Deno.SeekMode.Start);
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    } catch (cause) {
      throw diskError(`cannot write ${this.#path}`, cause);
    }
  }
}

function createFile(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { createNew: true, write: true });
  } catch (cause) {
    throw diskError(`cannot write ${path}`, cause);
  }
}
