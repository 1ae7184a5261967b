/**
 * Whether data of a server arrives over UDP, and in datagrams of which length: it is asked for one segment after another, the
 * longest first, as a receiver would ask.
 */
import { type Endpoint, UNSPECIFIED_ADDRESS } from "../../address.ts";
import type { Bytes, Content, Token } from "../../ids.ts";
import type { Received } from "../../io/net/datagram_transport.ts";
import type { Runtime } from "../../io/runtime.ts";
import { type Layers, transportConfig } from "../../messages/transport_config.ts";
import { DataReader, payloadBytesOf } from "../../wire/data_frame.ts";
import { encodeFrame } from "../../wire/frames.ts";
import { MTU_BYTES_DEFAULT, MTU_BYTES_STEPS } from "../../wire/limits.ts";
import type { DataSeen } from "./judge_server.ts";
import { DATA_PROBE_MS, DATA_PROBE_TRIES } from "./limits.ts";

interface ProbedContent {
  readonly content: Content;
  /** Where the server is asked for it. */
  readonly endpoint: Endpoint;
  readonly token: Token;
  /** What lies between what is said and the sockets, there as here. */
  readonly layers: Layers;
}

export async function probeData(
  { clock, net, random }: Pick<Runtime, "clock" | "net" | "random">,
  { content, endpoint, token, layers }: ProbedContent,
  signal: AbortSignal,
): Promise<DataSeen> {
  const lengths = MTU_BYTES_STEPS.filter((each) => each <= MTU_BYTES_DEFAULT)
    .filter((each) => payloadBytesOf(each) <= content.sizeBytes).reverse();
  // The whole of a file that is shorter than any.
  const asked = lengths.length > 0 ? lengths : MTU_BYTES_STEPS.slice(0, 1);
  const transport = net.openDatagrams(
    transportConfig({ host: UNSPECIFIED_ADDRESS, tune: false, layers }),
  );
  const { overheadBytes } = transport;
  let longestBytes = 0;
  transport.listen((received) => {
    const bytes = dataBytesIn(received);
    if (bytes > 0) longestBytes = Math.max(longestBytes, bytes + overheadBytes);
  }, () => {});
  try {
    let number = 0;
    for (const segmentBytes of asked) {
      for (let attempt = 0; attempt < DATA_PROBE_TRIES && longestBytes === 0; attempt++) {
        if (signal.aborted) break;
        const length = Math.min(
          payloadBytesOf(segmentBytes - overheadBytes),
          content.sizeBytes,
        );
        const want = encodeFrame({
          ...{ kind: "want", nonce: random.u64(), token, number: number++ },
          ...{ root: content.root, sizeBytes: content.sizeBytes, withCrc: 0 },
          segmentBytes: segmentBytes - overheadBytes,
          ranges: [{ offset: 0, lengthBytes: length }],
        });
        await transport.send(want, endpoint);
        await clock.sleep(DATA_PROBE_MS, signal);
      }
    }
  } finally {
    await transport.close();
  }
  const [first = 0] = asked;
  const wholeBytes = content.sizeBytes + (first - payloadBytesOf(first));
  return { port: endpoint.port, longestBytes, askedBytes: Math.min(first, wholeBytes) };
}

/** How long the DATA is that a datagram carries; 0 for anything else. */
function dataBytesIn({ bytes }: Received): number {
  const reader = new DataReader(bytes as Bytes);
  reader.slotBytes = bytes.length;
  return reader.isWhole() ? bytes.length : 0;
}
