/** The one place where a datagram transport is put together: a socket, and the layers of its config. */
import { ShoalError } from "../../errors.ts";
import type {
  FaultsConfig,
  LayerConfig,
  TransportConfig,
} from "../../messages/transport_config.ts";
import { FaultInjector } from "../../protocol/base/faults.ts";
import { OVERHEAD_BYTES_MAX } from "../../wire/limits.ts";
import type { DatagramTransport } from "./datagram_transport.ts";
import { FaultyTransport } from "./faulty_transport.ts";
import { openUdpTransport } from "./udp_transport.ts";

/** Puts a layer around what is nearer to the wire. */
export type OpenLayer = (inner: DatagramTransport, config: LayerConfig) => DatagramTransport;

/** The layers by the kind that a config names. A new one is entered here. */
export const TRANSPORT_LAYERS: Readonly<Record<string, OpenLayer>> = {
  faults(inner, config) {
    const { errorRate, seed } = config as FaultsConfig;
    return new FaultyTransport(inner, new FaultInjector(errorRate, seed));
  },
};

/**
 * Opens a socket and puts the layers around it.
 *
 * @throws ShoalError `port_in_use`, or `network` for whatever else keeps a socket from opening
 */
export function openTransport(
  config: TransportConfig,
  table = TRANSPORT_LAYERS,
): DatagramTransport {
  let transport = openUdpTransport(config);
  for (const layer of config.layers.toReversed()) {
    const open = table[layer.kind];
    if (open === undefined) {
      void transport.close();
      throw new ShoalError("internal", `no transport layer is called "${layer.kind}"`);
    }
    transport = open(transport, layer);
  }
  if (transport.overheadBytes > OVERHEAD_BYTES_MAX) {
    void transport.close();
    throw new ShoalError("internal", `${transport.overheadBytes} bytes of overhead per datagram`);
  }
  return transport;
}
