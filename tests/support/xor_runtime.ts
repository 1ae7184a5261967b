/** The platform with layers of the tests, also in the workers that have sockets. */
import { denoNet } from "../../lib/io/net/net.ts";
import { type LayerTable, TRANSPORT_LAYERS } from "../../lib/io/net/transport_factory.ts";
import { denoRuntime, type Runtime } from "../../lib/io/runtime.ts";
import { type XorConfig, XorLayer } from "./xor_layer.ts";
import { XorStream } from "./xor_stream.ts";

/** `xor` reaches datagrams and streams; `half` has no half for streams. */
export const XOR_LAYERS: LayerTable = {
  ...TRANSPORT_LAYERS,
  xor: {
    datagrams: (inner, config) => new XorLayer(inner, config as XorConfig),
    streams: (inner, config, role) => new XorStream(inner, config as XorConfig, role),
  },
  half: { datagrams: (inner) => inner },
};

/** Workers that are started with this runtime in place of the platform's. */
const OWN_WORKERS: Readonly<Record<string, string>> = {
  "receiver.ts": "../tests/support/xor_receiver.ts",
  "sender.ts": "../tests/support/xor_sender.ts",
  "session.ts": "../tests/support/xor_session.ts",
  "stream_receiver.ts": "../tests/support/xor_stream_receiver.ts",
};

export function xorRuntime(): Runtime {
  const runtime = denoRuntime();
  return {
    ...runtime,
    net: denoNet(XOR_LAYERS),
    workers: {
      ...runtime.workers,
      start: (file) => runtime.workers.start(OWN_WORKERS[file] ?? file),
    },
  };
}
