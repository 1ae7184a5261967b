/**
 * Asks servers over TCP whether they have a content, and for its piece layer: what
 * `Search.fetchLayer` does over UDP. One exchange per server, for all downloads of a run.
 */
import { type Endpoint, endpointText } from "../../address.ts";
import type { Bytes, Content, ServerId } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { TcpRuntime } from "../../io/net/tcp_client.ts";
import type { SessionTarget } from "../session/session_retries.ts";
import type { LayerNews } from "../../protocol/download/layer_fetch.ts";
import type { LayerFetchHandle, LayerOffer } from "../discovery/search.ts";
import { StreamExchange } from "./stream_exchange.ts";

type StreamProvidersOptions = Omit<SessionTarget, "server" | "port">;

export class StreamProviders {
  readonly #runtime: TcpRuntime;
  readonly #options: StreamProvidersOptions;
  readonly #exchanges = new Map<string, StreamExchange>();

  constructor(runtime: TcpRuntime, options: StreamProvidersOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  /** The one exchange with this server. */
  exchangeWith(endpoint: Endpoint): StreamExchange {
    const key = endpointText(endpoint);
    let exchange = this.#exchanges.get(key);
    if (exchange === undefined) {
      exchange = new StreamExchange(this.#runtime, {
        ...this.#options,
        server: key,
        port: endpoint.port,
      });
      this.#exchanges.set(key, exchange);
    }
    return exchange;
  }

  /**
   * @param knownLayer proved by an earlier run: then it is only asked who has the content
   * @param onUnanswered a server cannot be asked, where there are other ways; otherwise that ends it
   */
  fetchLayer(
    content: Content,
    onNews: (news: LayerNews) => void,
    knownLayer?: Bytes,
    onUnanswered?: (server: ServerId) => void,
  ): LayerFetchHandle {
    const fetch = new StreamLayerFetch(this, content, onNews, knownLayer, onUnanswered);
    return { add: (offer) => void fetch.add(offer), close: () => fetch.close() };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#exchanges.values()].map((exchange) => exchange.close()));
  }
}

class StreamLayerFetch {
  readonly #providers: StreamProviders;
  readonly #content: Content;
  readonly #onNews: (news: LayerNews) => void;
  readonly #onUnanswered: ((server: ServerId) => void) | undefined;
  readonly #asked = new Set<ServerId>();
  #layer: Bytes | undefined;
  #isClosed = false;

  constructor(
    providers: StreamProviders,
    content: Content,
    onNews: (news: LayerNews) => void,
    knownLayer: Bytes | undefined,
    onUnanswered: ((server: ServerId) => void) | undefined,
  ) {
    this.#onUnanswered = onUnanswered;
    this.#providers = providers;
    this.#content = content;
    this.#onNews = onNews;
    this.#layer = knownLayer;
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Asks a server that offers the content, once. */
  async add({ server, party, path, tcpPort }: LayerOffer): Promise<void> {
    if (this.#asked.has(server) || tcpPort === 0) return;
    this.#asked.add(server);
    const endpoint = { address: path.endpoint.address, port: tcpPort };
    const exchange = this.#providers.exchangeWith(endpoint);
    try {
      const isHere = await exchange.holds(this.#content);
      if (!isHere) return this.#tell({ kind: "lost", server, reason: "gone" });
      const routes = [{ kind: "stream", endpoint, rttMs: 0 }] as const;
      this.#tell({ kind: "confirmed", server, party, routes });
      this.#layer ??= await exchange.layer(this.#content);
      this.#tell({ kind: "layer", layer: this.#layer });
    } catch (thrown) {
      // A server that does not answer may do so later, when it offers the content again.
      this.#asked.delete(server);
      this.#onFailure(server, ShoalError.from(thrown));
    }
  }

  #onFailure(server: ServerId, error: ShoalError): void {
    if (error.code === "unverified") this.#tell({ kind: "lost", server, reason: "lying" });
    else if (error.code === "not_found") this.#tell({ kind: "lost", server, reason: "gone" });
    else if (this.#onUnanswered === undefined) {
      this.#tell({ kind: "failed", error: error.toMessage() });
    } else if (!this.#isClosed) this.#onUnanswered(server);
  }

  #tell(news: LayerNews): void {
    if (!this.#isClosed) this.#onNews(news);
  }
}
