/** The network as injected into drivers and use cases: the only way to a socket. */
import type { Endpoint } from "../../address.ts";
import type { TransportConfig } from "../../messages/transport_config.ts";
import type { ByteStream, StreamListener } from "./byte_stream.ts";
import type { DatagramTransport } from "./datagram_transport.ts";
import { ownSubnets } from "./network.ts";
import { connectTcp, listenTcp } from "./tcp_stream.ts";
import { openTransport, TRANSPORT_LAYERS } from "./transport_factory.ts";

export interface Net {
  /** @throws ShoalError `port_in_use`, or `network` for whatever else keeps a socket from opening */
  openDatagrams(config: TransportConfig): DatagramTransport;
  /** @throws whatever the system says of a connection that does not come about, also after an abort */
  connect(to: Endpoint, signal: AbortSignal): Promise<ByteStream>;
  /**
   * Listens on the first of `ports` that is free.
   *
   * @throws ShoalError `port_in_use` or `network`
   */
  listen(host: string, ports: readonly number[]): StreamListener;
  /** The addresses of this machine's interfaces, now; none where Deno may not look. */
  ownAddresses(): readonly string[];
}

/** The platform's network, with these layers for configs to name. */
export function denoNet(layers = TRANSPORT_LAYERS): Net {
  return {
    openDatagrams: (config) => openTransport(config, layers),
    connect: connectTcp,
    listen: listenTcp,
    ownAddresses: () => ownSubnets().map(({ address }) => address),
  };
}
