/**
 * What proves bytes that are here whole: a chunk, or a unit (docs/PROTOCOL.md, "Folders"), which is a file that is fetched
 * whole, or a bundle of files one behind another. A file is proved by its own root, wherever it lies.
 */
import type { Bytes } from "../../ids.ts";
import { BLOCK_BYTES, HASH_BYTES } from "../../limits.ts";
import { sha256 } from "../base/sha256.ts";
import { hashBlocks } from "./block_hashes.ts";
import { chunkHash, rootOfRow, treeHeight } from "./merkle.ts";

const TAG = new TextEncoder().encode("shoal bundle\0");

/**
 * What a bundle is proved with: SHA-256 over a tag, and the size and root of each of its files.
 *
 * @param sizes bytes of each file
 * @param roots 32 bytes for each
 */
export function bundleRoot(sizes: readonly number[], roots: Uint8Array): Bytes {
  const entryBytes = 4 + HASH_BYTES;
  const list = new Uint8Array(TAG.length + sizes.length * entryBytes);
  const view = new DataView(list.buffer);
  list.set(TAG);
  sizes.forEach((sizeBytes, i) => {
    const at = TAG.length + i * entryBytes;
    view.setUint32(at, sizeBytes);
    list.set(roots.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES), at + 4);
  });
  return sha256(list);
}

/** The root of a file that is here whole, and not empty. */
export function rootOfBytes(bytes: Uint8Array): Bytes {
  const hashes = new Uint8Array(Math.ceil(bytes.length / BLOCK_BYTES) * HASH_BYTES);
  hashBlocks(bytes, hashes, 0);
  return rootOfRow(hashes, 0, treeHeight(bytes.length));
}

/** The root of a unit whose files, of these sizes, lie one behind another in `bytes`. */
export function unitRootOfBytes(bytes: Uint8Array, sizes: readonly number[]): Bytes {
  if (sizes.length === 1) return rootOfBytes(bytes);
  const roots = new Uint8Array(sizes.length * HASH_BYTES);
  let at = 0;
  sizes.forEach((sizeBytes, i) => {
    roots.set(rootOfBytes(bytes.subarray(at, at + sizeBytes)), i * HASH_BYTES);
    at += sizeBytes;
  });
  return bundleRoot(sizes, roots);
}

/** The hash of a chunk of a content of that size. */
export function chunkHashOfBytes(bytes: Uint8Array, sizeBytes: number): Bytes {
  const hashes = new Uint8Array(Math.ceil(bytes.length / BLOCK_BYTES) * HASH_BYTES);
  hashBlocks(bytes, hashes, 0);
  return chunkHash(hashes, sizeBytes);
}

/**
 * What proves something that is leased: a unit, or a chunk of a content.
 *
 * @param parts sizes of the files in a unit; `undefined` for a chunk
 */
export function leasedHashOfBytes(
  bytes: Uint8Array,
  sizeBytes: number,
  parts: readonly number[] | undefined,
): Bytes {
  return parts === undefined ? chunkHashOfBytes(bytes, sizeBytes) : unitRootOfBytes(bytes, parts);
}
