/**
 * Somebody on the subnet who sends in another's name, as a program: `spoofer.ts ADDRESS PORT
 * VICTIM…` sends to each victim, an `ADDRESS:PORT`, what the server at ADDRESS and PORT might have
 * sent, with everything right that can be known without listening in: not the numbers that were drawn for
 * the transfer. Its host must hold ADDRESS. Says `ready` after a first round, and goes on until it is
 * killed.
 */
import { hashHex, serverId } from "../../lib/ids.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { DATA_HEADER_BYTES, DataWriter } from "../../lib/wire/data_frame.ts";
import { encodeFrame } from "../../lib/wire/frames.ts";

const SEED = 67;
const SEGMENT_BYTES = 1_400;
const BURST = 32;

const [hostname = "", port = "", id = "", root = "", ...victims] = Deno.args;
const random = new Random(SEED);
const server = serverId(id);
const noise = random.bytes(SEGMENT_BYTES);
const socket = Deno.listenDatagram({ transport: "udp", hostname, port: Number(port) });
const targets = victims.map((victim) => {
  const [address = "", port = ""] = victim.split(":");
  return { transport: "udp" as const, hostname: address, port: Number(port) };
});

for (let round = 0;; round++) {
  for (const target of targets) {
    for (let i = 0; i < BURST; i++) await socket.send(segment(), target);
    for (const frame of control()) await socket.send(frame, target);
  }
  if (round === 0) console.log("ready");
  await new Promise((resolve) => setTimeout(resolve, 1));
}

/** A piece of the file, of a request that is likely to be under way. */
function segment(): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_BYTES);
  bytes.set(noise.subarray(DATA_HEADER_BYTES), DATA_HEADER_BYTES);
  const writer = new DataWriter(bytes);
  writer.header = {
    nonce: random.u64(),
    number: 1 + random.below(500),
    withCrc: random.chance(0.5),
  };
  const length = SEGMENT_BYTES - DATA_HEADER_BYTES;
  writer.write(0, length, length * random.below(8_000));
  return bytes;
}

/** The file has become another there, tokens are stale, and nothing is as it was said to be. */
function control(): Uint8Array[] {
  const [nonce, queryId, token] = [random.u64(), random.u64(), random.bytes(16)];
  const number = random.below(100);
  const head = { queryId, queryIndex: 0, server, token, dataPort: 0 };
  return [
    encodeFrame({ kind: "gone", nonce, number, root: hashHex(root), reason: "changed" }),
    encodeFrame({ kind: "retry", echo: nonce, number, server, token }),
    encodeFrame({ kind: "absent", ...head, similar: [] }),
    encodeFrame({ kind: "pending", ...head, sizeBytes: 1, hashedBytes: 0, rateBytesPerS: 1 }),
    encodeFrame({
      kind: "layer",
      nonce,
      number,
      page: 0,
      hashes: noise.slice(0, 64),
      proof: new Uint8Array(0),
    }),
    noise.slice(0, random.below(1_400)),
  ];
}
