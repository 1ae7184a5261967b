/** Provers of the layers that were asked for lately; always the last one, however large. */
import type { HashHex } from "../../ids.ts";
import { LAYER_CACHE_BYTES_MAX } from "./limits.ts";
import type { CatalogueView } from "./find_answers.ts";
import { LayerProver } from "../merkle/layer_prover.ts";

export class LayerProvers {
  readonly #view: CatalogueView;
  /** By content, the one that was used longest ago first. */
  readonly #provers = new Map<string, LayerProver>();
  #bytes = 0;

  constructor(view: CatalogueView) {
    this.#view = view;
  }

  /** `undefined` for what is not offered (any more). */
  proverOf(root: HashHex, sizeBytes: number): LayerProver | undefined {
    const key = `${root} ${sizeBytes}`;
    const known = this.#provers.get(key);
    if (known !== undefined) this.#drop(key, known);
    if (this.#view.catalogue.findByContent(root, sizeBytes).next().done) return undefined;
    const layer = known === undefined ? this.#view.layerOf(root, sizeBytes) : undefined;
    const prover = known ?? (layer && new LayerProver(layer, sizeBytes));
    if (prover === undefined) return undefined;
    this.#provers.set(key, prover);
    this.#bytes += prover.bytes;
    for (const [oldest, each] of this.#provers) {
      if (each === prover || this.#bytes <= LAYER_CACHE_BYTES_MAX) break;
      this.#drop(oldest, each);
    }
    return prover;
  }

  #drop(key: string, prover: LayerProver): void {
    this.#provers.delete(key);
    this.#bytes -= prover.bytes;
  }
}
