/**
 * A server that lies, as a program: `poisoner.ts FILE NAME` offers a file as it is, proves its layer,
 * and answers every request for its bytes with noise, at once, in segments that are in order in every
 * other way. Says `ready` when it answers, and goes on until it is killed.
 */
import type { Endpoint } from "../../lib/address.ts";
import { type Bytes, hashHex, type SafeFileName, serverId } from "../../lib/ids.ts";
import { toHex } from "../../lib/ids.ts";
import type { Received } from "../../lib/io/net/datagram_transport.ts";
import { openTransport } from "../../lib/io/net/transport_factory.ts";
import { DATA_PORT_FIRST, DISCOVERY_PORT } from "../../lib/limits.ts";
import { hashBlocks } from "../../lib/protocol/merkle/block_hashes.ts";
import { LayerProver } from "../support/layer_prover.ts";
import { chunkBytesFor, chunkHash, rootOfLayer } from "../../lib/protocol/merkle/merkle.ts";
import { knownMark } from "../../lib/protocol/base/tokens.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { DATA_HEADER_BYTES, DataWriter, payloadBytesOf } from "../../lib/wire/data_frame.ts";
import { encodeFrame, type FrameOf } from "../../lib/wire/frames.ts";
import { packedFramesIn } from "../../lib/wire/packed_frames.ts";
import { testTransport } from "../support/test_transport.ts";

const BLOCK_BYTES = 16 * 1024;
const SEED = 66;

const [path = "", name = ""] = Deno.args;
const file = await Deno.readFile(path);
const sizeBytes = file.length;
const sha256 = hashHex(toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", file))));
const layer = layerOf(file);
const root = rootOfLayer(layer, sizeBytes);
const prover = new LayerProver(layer, sizeBytes);
const random = new Random(SEED);
const server = serverId(toHex(random.bytes(16)));
const token = random.bytes(16);
const noise = random.bytes(64 * 1024);
const discovery = openTransport(testTransport({ ports: [DISCOVERY_PORT], share: true }));
const data = openTransport(testTransport({ ports: [DATA_PORT_FIRST], tune: false }));
let served = Promise.resolve();
for (const transport of [discovery, data]) {
  transport.listen(serve, (error) => {
    throw error;
  });
}
console.log("ready");

function layerOf(bytes: Bytes): Bytes {
  const chunkBytes = chunkBytesFor(bytes.length);
  const hashes: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes);
    const blocks = new Uint8Array(Math.ceil(chunk.length / BLOCK_BYTES) * 32);
    hashBlocks(chunk, blocks, 0);
    hashes.push(chunkHash(blocks, bytes.length));
  }
  return Uint8Array.from(hashes.flatMap((hash) => [...hash]));
}

/** Answers one after another. */
function serve({ bytes, from }: Received): void {
  const frames = [...packedFramesIn(bytes.slice())];
  served = served.then(async () => {
    for (const { frame } of frames) {
      if (frame.kind === "find") await onFind(frame, from);
      if (frame.kind === "layer_want") await onLayerWant(frame, from);
      if (frame.kind === "want") await onWant(frame, from);
    }
  });
}

async function onFind(find: FrameOf<"find">, to: Endpoint): Promise<void> {
  const { queryId, known, queries } = find;
  const queryIndex = queries.findIndex((each) => each.by === "name" && each.name === name);
  if (queryIndex < 0 || known.includes(knownMark(token, queryId))) return;
  const content = { sizeBytes, sha256, root, mtimeMs: 0, tcpPort: 0, name: name as SafeFileName };
  await data.send(
    encodeFrame({ kind: "offer", queryId, queryIndex, server, token, dataPort: 0, ...content }),
    to,
  );
}

async function onLayerWant(want: FrameOf<"layer_want">, to: Endpoint): Promise<void> {
  const { nonce, number, firstPage, pageCount } = want;
  for (let page = firstPage; page < Math.min(firstPage + pageCount, prover.pageCount); page++) {
    await data.send(encodeFrame({ kind: "layer", nonce, number, page, ...prover.page(page) }), to);
  }
}

async function onWant(want: FrameOf<"want">, to: Endpoint): Promise<void> {
  const { nonce, number, ranges, segmentBytes } = want;
  const payloadBytes = payloadBytesOf(segmentBytes);
  for (const { offset, lengthBytes } of ranges) {
    for (let at = 0; at < lengthBytes; at += payloadBytes) {
      const length = Math.min(payloadBytes, lengthBytes - at);
      const segment = new Uint8Array(DATA_HEADER_BYTES + length);
      segment.set(noise.subarray(0, length), DATA_HEADER_BYTES);
      const writer = new DataWriter(segment);
      writer.header = { nonce, number, withCrc: want.withCrc === 1 };
      writer.write(0, length, offset + at);
      await data.send(segment, to);
    }
  }
}
