/**
 * A page of a piece layer with its proof, for paths that do not carry it in one datagram: its hashes and those that
 * prove it in one row, which is cut into parts and put together again.
 */
import type { Bytes } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import { LAYER_PART_HASHES } from "../../wire/limits.ts";
import { type LayerPage, layerPageShape } from "./merkle.ts";

const PART_BYTES = LAYER_PART_HASHES * HASH_BYTES;

/** The parts of a page, one at least. */
export function partsOfPage({ hashes, proof }: LayerPage): readonly Bytes[] {
  const row = new Uint8Array(hashes.length + proof.length);
  row.set(hashes);
  row.set(proof, hashes.length);
  const parts: Bytes[] = [];
  for (let at = 0; at < Math.max(1, row.length); at += PART_BYTES) {
    parts.push(row.subarray(at, at + PART_BYTES));
  }
  return parts;
}

export class PageParts {
  readonly #hashBytes: number;
  readonly #row: Bytes;
  readonly #missing: Set<number>;

  constructor(pageIndex: number, sizeBytes: number) {
    const { hashCount, proofCount } = layerPageShape(pageIndex, sizeBytes);
    this.#hashBytes = hashCount * HASH_BYTES;
    this.#row = new Uint8Array(this.#hashBytes + proofCount * HASH_BYTES);
    const count = Math.max(1, Math.ceil(this.#row.length / PART_BYTES));
    this.#missing = new Set(Array.from({ length: count }, (_, part) => part));
  }

  /** Takes a part; the page, once it is whole. What does not fit it is left out. */
  take(part: number, hashes: Bytes): LayerPage | undefined {
    const at = part * PART_BYTES;
    const lengthBytes = Math.min(PART_BYTES, this.#row.length - at);
    if (hashes.length !== lengthBytes || !this.#missing.delete(part)) return undefined;
    this.#row.set(hashes, at);
    if (this.#missing.size > 0) return undefined;
    return {
      hashes: this.#row.subarray(0, this.#hashBytes),
      proof: this.#row.subarray(this.#hashBytes),
    };
  }
}
