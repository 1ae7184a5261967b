/**
 * One layer fetch by all routes: over UDP from everybody who offers the content, and over TCP from those of whom
 * nothing comes over UDP. What one has brought the others need not.
 */
import type { Bytes, Content, ServerId } from "../../ids.ts";
import type { LayerNews } from "../../protocol/download/layer_fetch.ts";
import type { RouteOffer } from "../../protocol/download/route_fallback.ts";
import type { LayerFetchHandle, NameSearch } from "../discovery/search.ts";
import type { GetExtension, TellNews } from "./get_extension.ts";
import type { StreamProviders } from "./stream_providers.ts";

interface LayerLookupOptions {
  readonly search: Pick<NameSearch, "fetchLayer">;
  readonly streams: Pick<StreamProviders, "fetchLayer">;
  readonly extension: GetExtension;
  readonly content: Content;
  /** Proved by an earlier run: servers are only probed then. */
  readonly knownLayer?: Bytes;
  readonly onNews: TellNews;
  /** It could not be asked over TCP. */
  readonly onUnanswered: (server: ServerId) => void;
}

export class LayerLookup implements LayerFetchHandle {
  readonly #options: LayerLookupOptions;
  readonly #datagrams: LayerFetchHandle;
  readonly #streams: LayerFetchHandle[] = [];
  readonly #onNews: TellNews;
  #layer: Bytes | undefined;

  constructor(options: LayerLookupOptions) {
    const { search, extension, content, knownLayer, onNews } = options;
    this.#options = options;
    this.#onNews = extension.lookUp?.(content, onNews) ?? onNews;
    this.#layer = knownLayer;
    this.#datagrams = search.fetchLayer(content, (news) => this.#tell(news), knownLayer);
  }

  add(offer: RouteOffer): void {
    this.#datagrams.add(offer);
  }

  addOverTcp(offer: RouteOffer): void {
    const { streams, content, onUnanswered } = this.#options;
    const tell = (news: LayerNews): void => this.#tell(news);
    const stream = streams.fetchLayer(content, tell, this.#layer, onUnanswered);
    this.#streams.push(stream);
    stream.add(offer);
  }

  close(): void {
    this.#datagrams.close();
    for (const stream of this.#streams) stream.close();
  }

  #tell(news: LayerNews): void {
    if (news.kind === "layer") this.#layer ??= news.layer;
    this.#onNews(news);
  }
}
