/** Piece layers of what is indexed: out of the store, but for files of one chunk, whose layer is their root. */
import type { Bytes, HashHex } from "../../ids.ts";
import type { IndexStore } from "../../io/store/index_store.ts";
import { HASH_BYTES } from "../../limits.ts";
import { layerPageIn, type TreeRead } from "../../protocol/merkle/layer_tree.ts";
import { chunkCountFor, layerOfRoot, type LayerPage } from "../../protocol/merkle/merkle.ts";

export class IndexedLayers {
  readonly #store: Pick<IndexStore, "layerOf" | "readTree">;

  constructor(store: Pick<IndexStore, "layerOf" | "readTree">) {
    this.#store = store;
  }

  /** Hashes of all chunks; `undefined` where the store has lost them. */
  layerOf(root: HashHex, sizeBytes: number): Bytes | undefined {
    const chunkCount = chunkCountFor(sizeBytes);
    if (chunkCount === 0) return new Uint8Array(0);
    return chunkCount === 1 ? layerOfRoot(root) : this.#store.layerOf(root, sizeBytes);
  }

  /** Page `page` of that, and what proves it; `undefined` as well if there is no such page. */
  pageOf(root: HashHex, sizeBytes: number, page: number): LayerPage | undefined {
    const isRoot = chunkCountFor(sizeBytes) === 1;
    const read: TreeRead = (from, length) =>
      isRoot ? layerOfRoot(root) : this.#store.readTree(root, sizeBytes, from, length);
    return layerPageIn(read, sizeBytes, page);
  }

  /** The hash of one chunk; `undefined` where the store has lost it. */
  hashOf(root: HashHex, sizeBytes: number, chunk: number): Bytes | undefined {
    return chunkCountFor(sizeBytes) === 1
      ? layerOfRoot(root)
      : this.#store.readTree(root, sizeBytes, chunk * HASH_BYTES, HASH_BYTES);
  }
}
