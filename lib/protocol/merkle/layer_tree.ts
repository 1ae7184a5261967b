/**
 * A piece layer with the rows of the tree above its pages, in one run of bytes: the layer, the roots of its
 * pages, the row above, and so on to the two hashes below the root. It is made once, when the file is
 * hashed; then a page is proved by reading one hash of each row, however large the file.
 */
import type { Bytes } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import { LAYER_PAGE_HASHES } from "../../wire/limits.ts";
import {
  chunkCountFor,
  layerHeight,
  type LayerPage,
  padding,
  pageHeight,
  parent,
  rootOfRow,
  treeHeight,
} from "./merkle.ts";

const PAGE_BYTES = LAYER_PAGE_HASHES * HASH_BYTES;

/** Bytes `from` to `from + length` of a tree; `undefined` if they are not to be had. */
export type TreeRead = (from: number, length: number) => Bytes | undefined;

interface Row {
  readonly at: number;
  readonly bytes: number;
  readonly height: number;
}

/** The tree over the layer of a file of `sizeBytes`. */
export function layerTreeOf(layer: Bytes, sizeBytes: number): Bytes {
  const tree = new Uint8Array(layerTreeBytes(sizeBytes));
  tree.set(layer);
  let below = layer;
  for (const [i, row] of rowsAbovePages(sizeBytes).entries()) {
    const made = i === 0 ? pageRoots(layer, sizeBytes) : rowAbove(below, row.height - 1);
    tree.set(made, row.at);
    below = made;
  }
  return tree;
}

/** How long that is. */
function layerTreeBytes(sizeBytes: number): number {
  const rows = rowsAbovePages(sizeBytes);
  return rows.reduce((sum, { bytes }) => sum + bytes, chunkCountFor(sizeBytes) * HASH_BYTES);
}

/** Page `index` and its proof; `undefined` if there is no such page, or some of it cannot be read. */
export function layerPageIn(
  read: TreeRead,
  sizeBytes: number,
  index: number,
): LayerPage | undefined {
  const layerBytes = chunkCountFor(sizeBytes) * HASH_BYTES;
  const at = index * PAGE_BYTES;
  // The layer of the empty file is one page without hashes.
  if (at >= layerBytes && index > 0) return undefined;
  const lengthBytes = Math.min(PAGE_BYTES, layerBytes - at);
  const hashes = lengthBytes === 0 ? new Uint8Array(0) : read(at, lengthBytes);
  const rows = rowsAbovePages(sizeBytes);
  const proof = new Uint8Array(rows.length * HASH_BYTES);
  let position = index;
  for (const [i, row] of rows.entries()) {
    const siblingAt = (position ^ 1) * HASH_BYTES;
    const sibling = siblingAt < row.bytes
      ? read(row.at + siblingAt, HASH_BYTES)
      : padding(row.height);
    if (sibling === undefined) return undefined;
    proof.set(sibling, i * HASH_BYTES);
    position >>= 1;
  }
  return hashes && { hashes, proof };
}

/** From the roots of pages to the two hashes below the root; none for a layer of one page. */
function rowsAbovePages(sizeBytes: number): readonly Row[] {
  const rows: Row[] = [];
  const top = treeHeight(sizeBytes);
  const chunkCount = chunkCountFor(sizeBytes);
  let at = chunkCount * HASH_BYTES;
  let count = Math.ceil(chunkCount / LAYER_PAGE_HASHES);
  for (let height = pageHeight(sizeBytes); height < top; height++) {
    rows.push({ at, bytes: count * HASH_BYTES, height });
    at += count * HASH_BYTES;
    count = Math.ceil(count / 2);
  }
  return rows;
}

function pageRoots(layer: Bytes, sizeBytes: number): Bytes {
  const roots = new Uint8Array(Math.ceil(layer.length / PAGE_BYTES) * HASH_BYTES);
  for (let page = 0; page * PAGE_BYTES < layer.length; page++) {
    const hashes = layer.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
    const root = rootOfRow(hashes, layerHeight(sizeBytes), pageHeight(sizeBytes));
    roots.set(root, page * HASH_BYTES);
  }
  return roots;
}

/** @param height of `row` */
function rowAbove(row: Bytes, height: number): Bytes {
  const above = new Uint8Array(Math.ceil(row.length / (2 * HASH_BYTES)) * HASH_BYTES);
  for (let at = 0; at < above.length; at += HASH_BYTES) {
    const left = row.subarray(2 * at, 2 * at + HASH_BYTES);
    const rightAt = 2 * at + HASH_BYTES;
    const right = rightAt < row.length
      ? row.subarray(rightAt, rightAt + HASH_BYTES)
      : padding(height);
    above.set(parent(left, right), at);
  }
  return above;
}
