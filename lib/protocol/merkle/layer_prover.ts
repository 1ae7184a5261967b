/**
 * Pages of a piece layer with their proofs, for a server. The rows of the tree above the pages are
 * computed once, so that a page costs no hashing however large the file is.
 */
import type { Bytes } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import { LAYER_PAGE_HASHES } from "../../wire/limits.ts";
import {
  layerHeight,
  type LayerPage,
  padding,
  pageHeight,
  parent,
  rootOfRow,
  treeHeight,
} from "./merkle.ts";

const PAGE_BYTES = LAYER_PAGE_HASHES * HASH_BYTES;

export class LayerProver {
  readonly #layer: Bytes;
  readonly #pageHeight: number;
  /** From the nodes above whole pages to the two below the root. */
  readonly #rows: Bytes[] = [];

  constructor(layer: Bytes, sizeBytes: number) {
    this.#layer = layer;
    this.#pageHeight = pageHeight(sizeBytes);
    const top = treeHeight(sizeBytes);
    if (this.#pageHeight === top) return;
    let row = this.#pageRoots(layerHeight(sizeBytes));
    this.#rows.push(row);
    for (let height = this.#pageHeight; height < top - 1; height++) {
      row = rowAbove(row, height);
      this.#rows.push(row);
    }
  }

  /** What it holds in memory. */
  get bytes(): number {
    return this.#rows.reduce((sum, row) => sum + row.length, this.#layer.length);
  }

  /** At least one: the layer of the empty file is one page without hashes. */
  get pageCount(): number {
    return Math.max(1, Math.ceil(this.#layer.length / PAGE_BYTES));
  }

  /** Page `index`, which exists. */
  page(index: number): LayerPage {
    const hashes = this.#layer.slice(index * PAGE_BYTES, (index + 1) * PAGE_BYTES);
    const proof = new Uint8Array(this.#rows.length * HASH_BYTES);
    let position = index;
    this.#rows.forEach((row, i) => {
      proof.set(hashAt(row, position ^ 1, this.#pageHeight + i), i * HASH_BYTES);
      position >>= 1;
    });
    return { hashes, proof };
  }

  #pageRoots(layerHeight: number): Bytes {
    const row = new Uint8Array(this.pageCount * HASH_BYTES);
    for (let page = 0; page < this.pageCount; page++) {
      const hashes = this.#layer.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
      row.set(rootOfRow(hashes, layerHeight, this.#pageHeight), page * HASH_BYTES);
    }
    return row;
  }
}

function rowAbove(row: Bytes, height: number): Bytes {
  const above = new Uint8Array(Math.ceil(row.length / (2 * HASH_BYTES)) * HASH_BYTES);
  for (let i = 0; i * HASH_BYTES < above.length; i++) {
    above.set(
      parent(hashAt(row, 2 * i, height), hashAt(row, 2 * i + 1, height)),
      i * HASH_BYTES,
    );
  }
  return above;
}

/** Hash `index` of a row at `height`; past its end is padding. */
function hashAt(row: Bytes, index: number, height: number): Bytes {
  const at = index * HASH_BYTES;
  return at < row.length ? row.subarray(at, at + HASH_BYTES) : padding(height);
}
