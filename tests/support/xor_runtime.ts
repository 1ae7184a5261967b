/** The platform with one layer more for datagrams: {@linkcode XorLayer}, also in the workers that have sockets. */
import { denoNet } from "../../lib/io/net/net.ts";
import { TRANSPORT_LAYERS } from "../../lib/io/net/transport_factory.ts";
import { denoRuntime, type Runtime } from "../../lib/io/runtime.ts";
import { type XorConfig, XorLayer } from "./xor_layer.ts";

/** Workers that are started with this runtime in place of the platform's. */
const OWN_WORKERS: Readonly<Record<string, string>> = {
  "receiver.ts": "../tests/support/xor_receiver.ts",
  "sender.ts": "../tests/support/xor_sender.ts",
};

export function xorRuntime(): Runtime {
  const runtime = denoRuntime();
  return {
    ...runtime,
    net: denoNet({
      ...TRANSPORT_LAYERS,
      xor: (inner, config) => new XorLayer(inner, config as XorConfig),
    }),
    workers: {
      ...runtime.workers,
      start: (file) => runtime.workers.start(OWN_WORKERS[file] ?? file),
    },
  };
}
