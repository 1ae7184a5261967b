/**
 * The main job of this project on one machine: servers that offer a random file and spoil some of
 * their datagrams on purpose, a client that fetches it from all of them, and a comparison of hashes
 * that trusts neither. Everything happens on loopback and in a temporary folder.
 */
import { ShoalError } from "../errors.ts";
import type { Bytes } from "../ids.ts";
import { ScratchFolder } from "../io/scratch_folder.ts";
import { openUdpPort } from "../io/udp_port.ts";
import { DEMO_SERVERS, MIB } from "../limits.ts";
import { Random } from "../protocol/random.ts";
import { StreamingHash } from "../protocol/sha256.ts";
import type { DoneEvent, ReportEvent } from "./events.ts";
import { get } from "./get.ts";
import { hashFile } from "./hash.ts";
import type { DemoOptions, Server } from "./options.ts";
import { serve } from "./serve.ts";

const FILE_NAME = "demo.bin";
const LOOPBACK_BROADCAST = "127.255.255.255";
const PIECE_BYTES = MIB;

/** Throws what `serve` and `get` throw; a file that arrived wrong is a report that is not `ok`. */
export async function demo(options: DemoOptions): Promise<ReportEvent> {
  const scratch = await ScratchFolder.make("shoal_demo_");
  const servers: Server[] = [];
  try {
    return await play(options, scratch, servers);
  } finally {
    await Promise.all(servers.map((server) => server.close()));
    await scratch.remove();
  }
}

async function play(
  options: DemoOptions,
  scratch: ScratchFolder,
  servers: Server[],
): Promise<ReportEvent> {
  const { sizeBytes, errorRate, seed } = options;
  const onEvent = options.onEvent ?? (() => {});
  const say = (message: string): void => onEvent({ event: "step", message });

  say(`Making a random file of ${sizeBytes} bytes from seed ${seed}`);
  const hash = new StreamingHash();
  await scratch.write("offered", FILE_NAME, hashed(randomPieces(sizeBytes, seed), hash));
  const expectedSha256 = hash.digestHex();

  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const common = { ...signal, port: freePort(), broadcast: [LOOPBACK_BROADCAST] };
  while (servers.length < DEMO_SERVERS) {
    const server = await serve({
      ...common,
      dir: await scratch.folder("offered"),
      cacheDir: await scratch.folder("cache"),
      errorRate,
      seed: seed + servers.length,
    });
    servers.push(server);
    say(`Server ${servers.length} is ready: 127.0.0.1:${server.ready.dataPort}`);
  }

  say(`Fetching it from all ${DEMO_SERVERS}, while ${errorRate * 100} % of the datagrams are hit`);
  const [result] = await get({
    ...common,
    names: [FILE_NAME],
    outDir: await scratch.folder("fetched"),
    onEvent,
  });
  if (result === undefined) throw new ShoalError("internal", "get answered for no name");
  if (result.event === "failed") {
    throw new ShoalError(result.code, result.message, { hint: result.hint });
  }

  say("Comparing the SHA-256 of both files, apart from the transfer");
  const report = compare(result, expectedSha256, (await hashFile(result.path, signal)).sha256);
  onEvent(report);
  return report;
}

function compare(done: DoneEvent, expectedSha256: string, actualSha256: string): ReportEvent {
  return {
    event: "report",
    ok: actualSha256 === expectedSha256 && done.sha256 === expectedSha256,
    size: done.size,
    seconds: done.seconds,
    expectedSha256,
    actualSha256,
    servers: done.servers,
  };
}

function* randomPieces(sizeBytes: number, seed: number): Generator<Bytes> {
  const random = new Random(seed);
  for (let at = 0; at < sizeBytes; at += PIECE_BYTES) {
    const words = new Uint32Array(PIECE_BYTES / 4);
    for (let i = 0; i < words.length; i++) words[i] = random.u32();
    yield new Uint8Array(words.buffer).subarray(0, sizeBytes - at);
  }
}

function* hashed(pieces: Iterable<Bytes>, hash: StreamingHash): Generator<Bytes> {
  for (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}

/** One that the servers can share; nobody else is likely to take it in between. */
function freePort(): number {
  const probe = openUdpPort({ host: "127.0.0.1", port: 0, tune: false });
  probe.close();
  return probe.port;
}
