/**
 * The Merkle tree of BEP 52: SHA-256 over 16 KiB blocks, a binary tree above them, missing leaves 32
 * zero bytes, the last block hashed as it is. The *layer* is the row of that tree at chunk size: one
 * hash per chunk, each provable against the root by page.
 *
 * A file of at most one chunk has no level between chunk and root: its only chunk's hash is the root.
 */
import { type Bytes, fromHex, type HashHex, hashHex, toHex } from "../../ids.ts";
import { BLOCK_BYTES, HASH_BYTES } from "../../limits.ts";
import { LAYER_PAGE_HASHES } from "../../wire/limits.ts";
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, CHUNKS_WANTED_MAX } from "./limits.ts";
import { hashBlocks } from "./block_hashes.ts";
import { sha256, sha256Into } from "../base/sha256.ts";

/** Root of the empty file, which BEP 52 leaves undefined. */
export const EMPTY_ROOT: HashHex = hashHex("0".repeat(2 * HASH_BYTES));

/** The smallest power of two within its bounds that gives at most `CHUNKS_WANTED_MAX` chunks, or the largest. */
export function chunkBytesFor(sizeBytes: number): number {
  let chunkBytes = CHUNK_BYTES_MIN;
  while (chunkBytes < CHUNK_BYTES_MAX && sizeBytes > chunkBytes * CHUNKS_WANTED_MAX) {
    chunkBytes *= 2;
  }
  return chunkBytes;
}

/** Chunks of a file; none for the empty file. */
export function chunkCountFor(sizeBytes: number): number {
  return Math.ceil(sizeBytes / chunkBytesFor(sizeBytes));
}

/** Bytes of chunk `index`: all are whole but the last. */
export function chunkLength(sizeBytes: number, index: number): number {
  const chunkBytes = chunkBytesFor(sizeBytes);
  return Math.min(chunkBytes, sizeBytes - index * chunkBytes);
}

/** Layer pages of a file. */
export function layerPageCount(sizeBytes: number): number {
  return Math.ceil(chunkCountFor(sizeBytes) / LAYER_PAGE_HASHES);
}

const PADDING: Bytes[] = [new Uint8Array(HASH_BYTES)];
/** Root of a subtree of this height without leaves. */
export function padding(height: number): Bytes {
  for (let h = PADDING.length; h <= height; h++) {
    const below = PADDING[h - 1]!;
    PADDING.push(parent(below, below));
  }
  return PADDING[height]!;
}

const pair: Bytes = new Uint8Array(2 * HASH_BYTES);
/** Hash of the node above two others. */
export function parent(left: Uint8Array, right: Uint8Array): Bytes {
  pair.set(left);
  pair.set(right, HASH_BYTES);
  return sha256(pair);
}

/**
 * Root of the subtree over a row of hashes.
 *
 * @param row hashes of equal height, one after another; not empty
 * @param rowHeight their height above the leaves: 0 for block hashes
 * @param topHeight height of the wanted root; the row is padded up to it
 */
export function rootOfRow(row: Uint8Array, rowHeight: number, topHeight: number): Bytes {
  let count = row.length / HASH_BYTES;
  // Each row overwrites the one below it; there is room to make an odd one even.
  const current: Bytes = new Uint8Array(row.length + HASH_BYTES);
  current.set(row);
  for (let height = rowHeight; height < topHeight; height++) {
    if (count % 2 === 1) current.set(padding(height), count++ * HASH_BYTES);
    for (let i = 0; i < count / 2; i++) {
      const pairAt = 2 * i * HASH_BYTES;
      sha256Into(current.subarray(pairAt, pairAt + 2 * HASH_BYTES), current, i * HASH_BYTES);
    }
    count /= 2;
  }
  return current.slice(0, HASH_BYTES);
}

/** Smallest height of a tree with room for `count` leaves. */
function heightFor(count: number): number {
  return count <= 1 ? 0 : 32 - Math.clz32(count - 1);
}

function chunkHeight(sizeBytes: number): number {
  return heightFor(chunkBytesFor(sizeBytes) / BLOCK_BYTES);
}

/** Height of the layer's hashes, which is the root's own for a file of one chunk. */
export function layerHeight(sizeBytes: number): number {
  return Math.min(chunkHeight(sizeBytes), treeHeight(sizeBytes));
}

/** Height of the root. */
export function treeHeight(sizeBytes: number): number {
  const chunkCount = chunkCountFor(sizeBytes);
  if (chunkCount <= 1) return heightFor(Math.ceil(sizeBytes / BLOCK_BYTES));
  return chunkHeight(sizeBytes) + heightFor(chunkCount);
}

/** Height of the node above a whole page; the root's own for a layer of one page. */
export function pageHeight(sizeBytes: number): number {
  return Math.min(treeHeight(sizeBytes), layerHeight(sizeBytes) + heightFor(LAYER_PAGE_HASHES));
}

/**
 * Hash of one chunk in the layer of a file of `sizeBytes`.
 *
 * @param blockHashes SHA-256 of each block of the chunk, one after another
 */
export function chunkHash(blockHashes: Uint8Array, sizeBytes: number): Bytes {
  return rootOfRow(blockHashes, 0, layerHeight(sizeBytes));
}

/** Root of a file from its whole layer. */
export function rootOfLayer(layer: Uint8Array, sizeBytes: number): HashHex {
  if (sizeBytes === 0) return EMPTY_ROOT;
  return hashHex(toHex(rootOfRow(layer, layerHeight(sizeBytes), treeHeight(sizeBytes))));
}

/** One page of a layer and what proves it. */
export interface LayerPage {
  /** The page's hashes; fewer than a full page only at the end of the layer. */
  readonly hashes: Bytes;
  /** The siblings on the way from the page to the root, from the bottom up. */
  readonly proof: Bytes;
}

/** How many hashes a page has, and how many prove it; none where there is no such page. */
export function layerPageShape(
  pageIndex: number,
  sizeBytes: number,
): { readonly hashCount: number; readonly proofCount: number } {
  const left = chunkCountFor(sizeBytes) - pageIndex * LAYER_PAGE_HASHES;
  return {
    hashCount: Math.max(0, Math.min(LAYER_PAGE_HASHES, left)),
    proofCount: treeHeight(sizeBytes) - pageHeight(sizeBytes),
  };
}

/** Whether `page` is what the root says it is. */
export function provesLayerPage(
  page: LayerPage,
  pageIndex: number,
  sizeBytes: number,
  root: HashHex,
): boolean {
  const { hashCount, proofCount } = layerPageShape(pageIndex, sizeBytes);
  if (hashCount === 0 || page.hashes.length !== hashCount * HASH_BYTES) return false;
  const top = treeHeight(sizeBytes);
  const base = layerHeight(sizeBytes);
  let height = pageHeight(sizeBytes);
  if (page.proof.length !== proofCount * HASH_BYTES) return false;
  let node = rootOfRow(page.hashes, base, height);
  let position = pageIndex;
  for (let at = 0; height < top; height++, at += HASH_BYTES) {
    const sibling = page.proof.subarray(at, at + HASH_BYTES);
    node = position % 2 === 0 ? parent(node, sibling) : parent(sibling, node);
    position >>= 1;
  }
  return toHex(node) === root;
}

/** The layer and root of a file whose bytes come in order, in pieces of any size. */
export class TreeHasher {
  readonly #sizeBytes: number;
  readonly #layer: Bytes;
  readonly #blocksPerChunk: number;
  #chunk = 0;
  #blockHashes: Bytes;
  #blocks = 0;
  /** The beginning of a block whose end has not come yet. */
  readonly #rest: Bytes = new Uint8Array(BLOCK_BYTES);
  #restBytes = 0;
  #seenBytes = 0;

  /** @param sizeBytes how many bytes will come: the shape of the tree depends on it */
  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
    this.#layer = new Uint8Array(chunkCountFor(sizeBytes) * HASH_BYTES);
    this.#blocksPerChunk = chunkBytesFor(sizeBytes) / BLOCK_BYTES;
    this.#blockHashes = new Uint8Array(this.#blocksPerChunk * HASH_BYTES);
  }

  /** Throws a RangeError when more bytes come than were announced. */
  update(bytes: Uint8Array): void {
    this.#seenBytes += bytes.length;
    if (this.#seenBytes > this.#sizeBytes) throw new RangeError("more bytes than announced");
    let at = 0;
    if (this.#restBytes > 0) {
      at = Math.min(BLOCK_BYTES - this.#restBytes, bytes.length);
      this.#rest.set(bytes.subarray(0, at), this.#restBytes);
      this.#restBytes += at;
      if (this.#restBytes < BLOCK_BYTES) return;
      this.#addBlocks(this.#rest);
      this.#restBytes = 0;
    }
    while (at + BLOCK_BYTES <= bytes.length) {
      const blocks = Math.min(
        Math.floor((bytes.length - at) / BLOCK_BYTES),
        this.#blocksPerChunk - this.#blocks,
      );
      this.#addBlocks(bytes.subarray(at, at + blocks * BLOCK_BYTES));
      at += blocks * BLOCK_BYTES;
    }
    this.#rest.set(bytes.subarray(at));
    this.#restBytes = bytes.length - at;
  }

  /** Throws a RangeError when fewer bytes came than were announced. */
  finish(): { readonly root: HashHex; readonly layer: Bytes } {
    if (this.#seenBytes !== this.#sizeBytes) throw new RangeError("fewer bytes than announced");
    if (this.#restBytes > 0) this.#addBlocks(this.#rest.subarray(0, this.#restBytes));
    if (this.#blocks > 0) this.#endChunk();
    return { root: rootOfLayer(this.#layer, this.#sizeBytes), layer: this.#layer };
  }

  /** Takes blocks of the chunk at hand. */
  #addBlocks(bytes: Uint8Array): void {
    hashBlocks(bytes, this.#blockHashes, this.#blocks * HASH_BYTES);
    this.#blocks += Math.ceil(bytes.length / BLOCK_BYTES);
    if (this.#blocks === this.#blocksPerChunk) this.#endChunk();
  }

  #endChunk(): void {
    const hashes = this.#blockHashes.subarray(0, this.#blocks * HASH_BYTES);
    this.#layer.set(chunkHash(hashes, this.#sizeBytes), this.#chunk * HASH_BYTES);
    this.#chunk += 1;
    this.#blocks = 0;
  }
}

/** The hash of chunk `index` in `layer`, as a view. */
export function layerHash(layer: Bytes, index: number): Bytes {
  return layer.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
}

/** A layer of one chunk, which is the root itself. */
export function layerOfRoot(root: HashHex): Bytes {
  return fromHex(root) ?? new Uint8Array(HASH_BYTES);
}
