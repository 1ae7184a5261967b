/**
 * The one place where a transport is put together: a socket, and the layers of its config. UDP and TCP have one
 * table of layers, so that what is sealed on the one is never said in clear on the other.
 */
import type { Endpoint } from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import type {
  FaultsConfig,
  LayerConfig,
  Layers,
  ListenConfig,
  SealConfig,
  TransportConfig,
} from "../../messages/transport_config.ts";
import { FaultInjector } from "../../protocol/base/faults.ts";
import { OVERHEAD_BYTES_MAX } from "../../wire/limits.ts";
import type { ByteStream, StreamListener } from "./byte_stream.ts";
import type { DatagramTransport } from "./datagram_transport.ts";
import { FaultyTransport } from "./faulty_transport.ts";
import { sealedDatagrams, sealedStream } from "./sealed_layer.ts";
import { connectTcp, listenTcp } from "./tcp_stream.ts";
import { openDatagramSockets } from "./datagram_sockets.ts";

/** Puts a layer around datagrams, as they are nearer to the wire. */
type DatagramHalf = (inner: DatagramTransport, config: LayerConfig) => DatagramTransport;

/** Who opened the stream and who accepted it: a layer may have to tell the two apart. */
export type StreamRole = "client" | "server";

/** Puts a layer around a stream, as it is nearer to the wire. It does no I/O: what it has to say goes with what is written. */
type StreamHalf = (inner: ByteStream, config: LayerConfig, role: StreamRole) => ByteStream;

/** What a layer does to datagrams and to streams. */
interface LayerKind {
  readonly datagrams: DatagramHalf;
  /**
   * `passes through`: streams are as they would be without it. A layer that has no such half lets nothing be
   * said over TCP.
   */
  readonly streams?: StreamHalf | "passes through";
}

/** By the kind that a config names. */
export type LayerTable = Readonly<Record<string, LayerKind>>;

/** The layers that ship. A new one is entered here. */
export const TRANSPORT_LAYERS: LayerTable = {
  faults: {
    datagrams(inner, config) {
      const { errorRate, seed } = config as FaultsConfig;
      return new FaultyTransport(inner, new FaultInjector(errorRate, seed));
    },
    // Bytes of a stream that were lost or damaged would not be errors of the network, but of TCP.
    streams: "passes through",
  },
  seal: {
    datagrams: (inner, config) => sealedDatagrams(inner, config as SealConfig),
    streams: (inner, config, role) => sealedStream(inner, config as SealConfig, role),
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
  const layers = fromTheWire(config.layers, table);
  let transport = openDatagramSockets(config);
  for (const { kind, layer } of layers) transport = kind.datagrams(transport, layer);
  if (transport.overheadBytes > OVERHEAD_BYTES_MAX) {
    void transport.close();
    throw new ShoalError("internal", `${transport.overheadBytes} bytes of overhead per datagram`);
  }
  return transport;
}

/**
 * Connects, and puts the layers around the stream.
 *
 * @throws ShoalError `usage` for a layer that does not reach TCP, before anything is sent; or whatever the system
 * says of a connection that does not come about, also after an abort
 */
export async function connectStream(
  to: Endpoint,
  layers: Layers,
  signal: AbortSignal,
  table = TRANSPORT_LAYERS,
): Promise<ByteStream> {
  const layered = streamLayers(layers, table, "client");
  return layered(await connectTcp(to, signal));
}

/**
 * Listens on the first of the ports that is free, and puts the layers around every stream.
 *
 * @throws ShoalError `usage` for a layer that does not reach TCP, `port_in_use` or `network`
 */
export function listenForStreams(
  { host, ports, layers }: ListenConfig,
  table = TRANSPORT_LAYERS,
): StreamListener {
  const layered = streamLayers(layers, table, "server");
  const listener = listenTcp(host, ports);
  return {
    port: listener.port,
    async accept() {
      const stream = await listener.accept();
      return stream === undefined ? undefined : layered(stream);
    },
    close: () => listener.close(),
  };
}

function streamLayers(
  layers: Layers,
  table: LayerTable,
  role: StreamRole,
): (stream: ByteStream) => ByteStream {
  const halves = fromTheWire(layers, table).map(({ kind, layer }) => {
    const { streams } = kind;
    if (streams === undefined) {
      throw new ShoalError("usage", `the layer "${layer.kind}" does not reach TCP`, {
        hint: "The layer works over UDP only: leave out TCP, or the layer.",
      });
    }
    if (streams === "passes through") return (stream: ByteStream) => stream;
    return (stream: ByteStream) => streams(stream, layer, role);
  });
  return (stream) => halves.reduce((inner, half) => half(inner), stream);
}

/** The layer next to the socket first. */
function fromTheWire(layers: Layers, table: LayerTable) {
  return layers.toReversed().map((layer) => {
    const kind = table[layer.kind];
    if (kind !== undefined) return { kind, layer };
    throw new ShoalError("internal", `no transport layer is called "${layer.kind}"`);
  });
}
