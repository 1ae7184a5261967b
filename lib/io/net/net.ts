/** The network as injected into drivers and use cases: the only way to a socket. */
import type { Endpoint, Subnet } from "../../address.ts";
import type { Layers, ListenConfig, TransportConfig } from "../../messages/transport_config.ts";
import type { ByteStream, StreamListener } from "./byte_stream.ts";
import type { DatagramTransport } from "./datagram_transport.ts";
import { denoLookUp, denoSubnets } from "./deno_network.ts";
import {
  connectStream,
  listenForStreams,
  openTransport,
  TRANSPORT_LAYERS,
} from "./transport_factory.ts";

export interface Net {
  /** @throws ShoalError `port_in_use`, or `network` for whatever else keeps a socket from opening */
  openDatagrams(config: TransportConfig): DatagramTransport;
  /**
   * Nothing is opened where one of the layers does not reach TCP.
   *
   * @throws ShoalError `usage` for such a layer, or whatever the system says of a connection that does not come
   * about, also after an abort
   */
  connect(to: Endpoint, layers: Layers, signal: AbortSignal): Promise<ByteStream>;
  /**
   * Listens on the first of the ports that is free.
   *
   * @throws ShoalError `usage` for a layer that does not reach TCP, `port_in_use` or `network`
   */
  listen(config: ListenConfig): StreamListener;
  /** What this machine's interfaces are on, now, each with its own address; none where that may not be looked at. */
  subnets(): readonly Subnet[];
  /**
   * The addresses that a host's name stands for, in the order of the resolver. Rejects with whatever that says of a
   * name that stands for nothing; may take as long as it likes.
   */
  lookUp(host: string): Promise<readonly string[]>;
}

/** The platform's network, with these layers for configs to name. */
export function denoNet(layers = TRANSPORT_LAYERS): Net {
  return {
    openDatagrams: (config) => openTransport(config, layers),
    connect: (to, under, signal) => connectStream(to, under, signal, layers),
    listen: (config) => listenForStreams(config, layers),
    subnets: denoSubnets,
    lookUp: denoLookUp,
  };
}
