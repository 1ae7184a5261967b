/** A piece layer being fetched: which pages have arrived, are requested, or are still to be requested. */
import type { Bytes, Content } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import { LAYER_PAGE_HASHES } from "../../wire/limits.ts";
import {
  chunkCountFor,
  layerOfRoot,
  type LayerPage,
  layerPageCount,
  provesLayerPage,
} from "../merkle/merkle.ts";

const STATE = { missing: 0, asked: 1, proved: 2 } as const;

/** Consecutive pages. */
export interface PageRange {
  readonly firstPage: number;
  readonly pageCount: number;
}

export class LayerPages {
  readonly #content: Content;
  readonly #states: Uint8Array;
  #provedCount = 0;
  /** No page before this one is missing. */
  #firstMissing = 0;
  /** Made when the first page is proved: until then its size is only a claim. */
  #layer: Bytes | undefined;

  /** @param known the whole layer, where an earlier run has proved it */
  constructor(content: Content, known?: Bytes) {
    this.#content = content;
    const { sizeBytes, root } = content;
    const chunkCount = chunkCountFor(sizeBytes);
    if (chunkCount === 0) this.#layer = new Uint8Array(0);
    else this.#layer = chunkCount === 1 ? layerOfRoot(root) : known;
    this.#states = new Uint8Array(layerPageCount(sizeBytes));
    if (this.#layer === undefined) return;
    this.#states.fill(STATE.proved);
    this.#provedCount = this.#states.length;
  }

  /** The whole layer, once it is. */
  get complete(): Bytes | undefined {
    return this.#provedCount === this.#states.length ? this.#layer : undefined;
  }

  /** The next pages that nobody was asked for, at most `pagesMax`; from now on they are. */
  take(pagesMax: number): PageRange | undefined {
    const firstPage = this.#states.indexOf(STATE.missing, this.#firstMissing);
    this.#firstMissing = firstPage < 0 ? this.#states.length : firstPage;
    if (firstPage < 0) return undefined;
    let end = firstPage;
    while (end < firstPage + pagesMax && this.#states[end] === STATE.missing) {
      this.#states[end] = STATE.asked;
      end += 1;
    }
    return { firstPage, pageCount: end - firstPage };
  }

  /** They were asked for and did not come. */
  giveBack(pages: Iterable<number>): void {
    for (const page of pages) {
      if (this.#states[page] !== STATE.asked) continue;
      this.#states[page] = STATE.missing;
      this.#firstMissing = Math.min(this.#firstMissing, page);
    }
  }

  /** Keeps what the root proves. `false`: it does not, so its sender is wrong. */
  accept(pageIndex: number, page: LayerPage): boolean {
    const { sizeBytes, root } = this.#content;
    if (sizeBytes === 0) return page.hashes.length === 0 && page.proof.length === 0;
    if (!provesLayerPage(page, pageIndex, sizeBytes, root)) return false;
    if (this.#states[pageIndex] === STATE.proved) return true;
    this.#layer ??= new Uint8Array(chunkCountFor(sizeBytes) * HASH_BYTES);
    this.#layer.set(page.hashes, pageIndex * LAYER_PAGE_HASHES * HASH_BYTES);
    this.#states[pageIndex] = STATE.proved;
    this.#provedCount += 1;
    return true;
  }
}
