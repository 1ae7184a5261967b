/** The halves of the seal with this platform's cryptography and clock. */
import type { SealConfig } from "../../messages/transport_config.ts";
import { sealSuite } from "../seal/seal_suite.ts";
import { nowMs } from "../system/deno_clock.ts";
import type { ByteStream } from "./byte_stream.ts";
import type { DatagramTransport } from "./datagram_transport.ts";
import { SealedStream } from "./sealed_stream.ts";
import { SealedTransport } from "./sealed_transport.ts";
import type { StreamRole } from "./transport_factory.ts";

export function sealedDatagrams(
  inner: DatagramTransport,
  { groups }: SealConfig,
): DatagramTransport {
  return new SealedTransport(inner, { groups, suite: sealSuite, nowMs });
}

export function sealedStream(inner: ByteStream, { groups }: SealConfig, role: StreamRole) {
  return new SealedStream(inner, { groups, suite: sealSuite, role });
}
