/**
 * Bytes counted at the socket: to an address that has not echoed a token a real server sends no more
 * than came from there (docs/PROTOCOL.md, "Amplification"). Each question comes from an address of its
 * own in 127/8. The classic protocol knows no tokens: what it may do instead is measured as well.
 */
import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { type Bytes, type HashHex, hashHex, type SafeFileName, type Token } from "../../lib/ids.ts";
import { FIND_BYTES_MIN, FIND_QUERIES_MAX } from "../../lib/wire/limits.ts";
import { PROBE_BYTES_MIN } from "../../lib/protocol/discovery/limits.ts";
import { encodeFrame, type Frame, type Query } from "../../lib/wire/frames.ts";
import { framesIn } from "../../lib/wire/packed_frames.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import { freePort, runShoal, Scratch, startServer } from "../support/shoal_process.ts";

/** An answer that is not there by now is none: ABSENT waits for up to 200 ms. */
const PATIENCE_MS = 600;
const NO_TOKEN: Token = new Uint8Array(16);
const FILE_BYTES = 300_000;
const isLinux = Deno.build.os === "linux";

interface Counted {
  readonly sentBytes: number;
  readonly heardBytes: number;
  readonly datagrams: number;
  readonly frames: readonly Frame[];
}

let nextHost = 2;

/** Sends `datagrams` from a fresh address, or from `host`, and counts what comes back in a while. */
async function count(
  port: number,
  datagrams: readonly Bytes[],
  host = `127.77.0.${nextHost++}`,
  patienceMs = PATIENCE_MS,
): Promise<Counted> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: host, port: 0 });
  const to = { transport: "udp", hostname: "127.0.0.1", port } as const;
  let [sentBytes, heardBytes, heard] = [0, 0, 0];
  const frames: Frame[] = [];
  const listening = (async () => {
    for await (const [bytes] of socket) {
      heardBytes += bytes.length;
      heard += 1;
      frames.push(...framesIn(bytes));
    }
  })();
  for (const datagram of datagrams) sentBytes += await socket.send(datagram, to);
  await new Promise((resolve) => setTimeout(resolve, patienceMs));
  socket.close();
  await listening;
  return { sentBytes, heardBytes, datagrams: heard, frames };
}

function find(
  queries: readonly Query[],
  token = NO_TOKEN,
  round = 0,
  bytesMin = FIND_BYTES_MIN,
): Bytes {
  return encodeFrame({ kind: "find", queryId: 1n, token, round, known: [], queries }, 0, bytesMin);
}

const byName = (text: string): Query => ({ by: "name", name: text as SafeFileName });

function questions(root: HashHex, sha256: HashHex, token: Token): Record<string, Bytes[]> {
  const flow = { nonce: 1n, token, number: 1, root, sizeBytes: FILE_BYTES };
  const ranges = [{ offset: 0, lengthBytes: 200_000 }];
  const want = { kind: "want", ...flow, segmentBytes: 1_400, withCrc: 0, ranges } as const;
  const many = Array.from({ length: FIND_QUERIES_MAX }, (_, i) => byName(`absent-${i}`));
  const here = Array.from({ length: 40 }, (_, i) => byName(`f${i}.txt`));
  const finds = {
    "FIND of a name": [byName("a.bin")],
    "FIND of a content": [{ by: "sha256", sha256 }] as Query[],
    "FIND of anybody": [{ by: "any" }] as Query[],
    "FIND of what is not there": [byName("a.bi")],
    "FIND of much that is not there": many,
    "FIND of much that is there": here,
    "FIND of one thing often": Array.from({ length: 40 }, () => byName("a.bin")),
  };
  const list = { kind: "list", queryId: 1n, token, number: 1, pagesMax: 16 } as const;
  return {
    ...Object.fromEntries(
      Object.entries(finds).flatMap(([title, queries]) => [
        [title, [find(queries, token)]],
        [`${title}, repeated`, [find(queries, token, 1)]],
        [`${title}, brief`, [find(queries, token, 0, PROBE_BYTES_MIN)]],
      ]),
    ),
    LIST: [encodeFrame({ ...list, after: undefined })],
    "LIST after a name": [encodeFrame({ ...list, after: "a".repeat(200) as SafeFileName })],
    WANT: [encodeFrame(want)],
    "WANT often": Array.from({ length: 50 }, () => encodeFrame(want)),
    LAYER_WANT: [encodeFrame({ kind: "layer_want", ...flow, firstPage: 0, pageCount: 16 })],
    "LAYER_WANT of what is not there": [
      encodeFrame({ kind: "layer_want", ...flow, root: sha256, firstPage: 0, pageCount: 16 }),
    ],
    STRIKE: [encodeFrame({ kind: "strike", nonce: 1n, token, root, sizeBytes: 1, chunk: 0 })],
    "answers that nobody asked for": [
      encodeFrame({ kind: "retry", echo: 1n, number: 1, server: "a".repeat(32), token } as Frame),
      encodeFrame({ kind: "gone", nonce: 1n, number: 1, root, reason: "changed" }),
    ],
    noise: [new Uint8Array(1_400).fill(0x53), new Uint8Array(0), Uint8Array.of(0x53, 0x48, 1, 1)],
  };
}

/** A FIND as ours never is: without its padding. */
function unpadded(): Bytes {
  const bytes = find([byName("a.bin")]);
  const short = bytes.slice(0, 12 + 8 + 16 + 1 + 1 + 1 + 1 + 2 + 5);
  return withChecksum(short);
}

function withChecksum(bytes: Bytes): Bytes {
  const view = new DataView(bytes.buffer);
  view.setUint16(4, bytes.length);
  let crc = 0xffff_ffff;
  bytes.forEach((byte, i) => {
    if (i >= 8 && i < 12) return;
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  });
  view.setUint32(8, ~crc >>> 0);
  return bytes;
}

async function served(scratch: Scratch) {
  const path = `${scratch.served}/a.bin`;
  await scratch.serve("a.bin", randomFile(FILE_BYTES, 1));
  for (let i = 0; i < 60; i++) await scratch.serve(`f${i}.txt`, randomFile(50 + i, i));
  const [hashes] = (await runShoal(["hash", path])).events;
  const [root, sha256] = [hashes?.["root"], hashes?.["sha256"]].map(String).map(hashHex);
  return { root: root!, sha256: sha256! };
}

e2e("nobody is answered with more bytes than he sent until he has echoed a token", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const { root, sha256 } = await served(scratch);
  await using server = await startServer(scratch, port, ["--no-classic"]);
  const { dataPort } = await server.event(({ event }) => event === "ready");
  const [retry] = (await count(dataPort as number, [find([{ by: "any" }])], "127.78.0.1")).frames;
  assert(retry?.kind === "retry");
  const tokens = { none: NO_TOKEN, random: randomFile(16, 9), "of another": retry.token };
  const measured: Promise<void>[] = [];
  let answered = 0;
  for (const at of [port, dataPort as number]) {
    const sizes = questions(root, sha256, NO_TOKEN);
    const all = Object.entries(tokens).flatMap(([whose, token]) =>
      Object.entries(questions(root, sha256, token)).map(([title, datagrams]) =>
        [`${title}, token: ${whose}, port ${at}`, datagrams] as const
      )
    );
    assertGreater(all.length, 2 * Object.keys(sizes).length);
    for (const [title, datagrams] of [...all, ["FIND unpadded", [unpadded()]] as const]) {
      measured.push(
        count(at, datagrams).then(({ sentBytes, heardBytes, datagrams: heard }) => {
          assertLessOrEqual(heardBytes, sentBytes, `${title}: ${sentBytes} in, ${heardBytes} out`);
          if (heard > 0) answered += 1;
        }),
      );
    }
  }
  await Promise.all(measured);
  assertGreater(answered, 40, "hardly anything was answered: this has measured nothing");
  // With its own token an address is given what it asks for.
  const bytes = questions(root, sha256, retry.token);
  const own = await count(dataPort as number, bytes["WANT"]!, "127.78.0.1");
  assertGreater(own.heardBytes, 100_000);
  const listed = await count(dataPort as number, bytes["LIST"]!, "127.78.0.1");
  assertGreater(listed.heardBytes, 10 * listed.sentBytes);
}, !isLinux);

e2e("a classic request is answered in full: once at a time, or not at all", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await scratch.serve("a.bin", randomFile(FILE_BYTES, 1));
  const request = new TextEncoder().encode("get a.bin");
  const chunks = Math.ceil(FILE_BYTES / 1_024);
  const wholeBytes = FILE_BYTES + 40 * chunks + `except ${chunks} chunks `.length + 64;
  {
    await using _server = await startServer(scratch, port);
    const once = await count(port, [request], undefined, 2_000);
    // Less where this socket was too slow.
    assertLessOrEqual(once.heardBytes, wholeBytes);
    assertGreater(once.heardBytes, wholeBytes / 2);
    // A hundred requests in a moment are one: what is promised in place of tokens.
    const often = await count(port, Array.from({ length: 100 }, () => request), undefined, 3_000);
    assertLessOrEqual(often.heardBytes, wholeBytes);
    assertGreater(often.heardBytes, 0);
    const names = ["../a.bin", "nothing", "a.bin\n", ""].map((name) => `get ${name}`);
    const refused = await count(port, names.map((text) => new TextEncoder().encode(text)));
    assertEquals(refused.heardBytes, 0);
  }
  await using _server = await startServer(scratch, port, ["--no-classic"]);
  assertEquals((await count(port, [request])).heardBytes, 0);
}, !isLinux);
