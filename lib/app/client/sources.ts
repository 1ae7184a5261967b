/**
 * What one content can be fetched from: the servers that offer it, as far as they have answered, and
 * the layer that their chunks are proved by.
 */
import type { Bytes, Content, ServerId } from "../../ids.ts";
import type { Offer } from "../../protocol/discovery/finder.ts";
import type { ConfirmedPath } from "../../protocol/download/layer_fetch.ts";
import type { LayerFetchHandle, LayerHandlers, Search } from "../discovery/search.ts";

export class Sources {
  readonly content: Content;
  readonly #search: Pick<Search, "fetchLayer">;
  readonly #handlers: Required<LayerHandlers>;
  readonly #confirmed = new Map<ServerId, readonly ConfirmedPath[]>();
  #layer: Bytes | undefined;
  #fetch: LayerFetchHandle;

  constructor(
    search: Pick<Search, "fetchLayer">,
    content: Content,
    handlers: Required<LayerHandlers>,
  ) {
    this.content = content;
    this.#search = search;
    this.#handlers = handlers;
    this.#fetch = this.#begin();
  }

  /** The proved layer; `undefined` while pages of it are missing. */
  get layer(): Bytes | undefined {
    return this.#layer;
  }

  /** The servers that have answered, and on which paths, best first. */
  get confirmed(): ReadonlyMap<ServerId, readonly ConfirmedPath[]> {
    return this.#confirmed;
  }

  /** A server says that it holds the content. */
  add(offer: Offer): void {
    this.#fetch.addServer(offer.server, offer.path.endpoint, offer.path.token);
  }

  /** A server turned out not to be one. */
  remove(server: ServerId): void {
    this.#confirmed.delete(server);
  }

  /** The layer, proved by an earlier run: what is left to find out is which of `offers` answer. */
  know(layer: Bytes, offers: readonly Offer[]): void {
    if (this.#layer !== undefined) return;
    this.#fetch.close();
    this.#fetch = this.#begin(layer);
    for (const offer of offers) this.add(offer);
  }

  close(): void {
    this.#fetch.close();
  }

  #begin(knownLayer?: Bytes): LayerFetchHandle {
    return this.#search.fetchLayer(this.content, {
      ...this.#handlers,
      onConfirmed: (server, paths) => {
        this.#confirmed.set(server, paths);
        this.#handlers.onConfirmed(server, paths);
      },
      onLayer: (layer) => {
        this.#layer = layer;
        this.#handlers.onLayer(layer);
      },
    }, knownLayer);
  }
}
