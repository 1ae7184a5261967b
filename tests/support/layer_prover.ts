/** Pages of a piece layer that is in memory, with their proofs. */
import type { Bytes } from "../../lib/ids.ts";
import { layerPageIn, layerTreeOf } from "../../lib/protocol/merkle/layer_tree.ts";
import { type LayerPage, layerPageCount } from "../../lib/protocol/merkle/merkle.ts";

export class LayerProver {
  readonly #sizeBytes: number;
  readonly #tree: Bytes;

  constructor(layer: Bytes, sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
    this.#tree = layerTreeOf(layer, sizeBytes);
  }

  /** At least one: the layer of the empty file is one page without hashes. */
  get pageCount(): number {
    return Math.max(1, layerPageCount(this.#sizeBytes));
  }

  /** Page `index`, which exists. */
  page(index: number): LayerPage {
    const read = (from: number, length: number) => this.#tree.subarray(from, from + length);
    return layerPageIn(read, this.#sizeBytes, index)!;
  }
}
