/**
 * The main jobs of this project on one machine: a random file is uploaded to two servers that damage
 * some of what they send on purpose, fetched from those that have it, sent to and fro in the JSON dialect,
 * and compared by hashes that trust none of it. Everything happens on loopback and in a temporary
 * folder.
 */
import { LOOPBACK_ADDRESS, LOOPBACK_BROADCAST } from "../address.ts";
import { ShoalError } from "../errors.ts";
import type { Bytes } from "../ids.ts";
import { ScratchFolder } from "../io/files/scratch_folder.ts";
import { openTransport } from "../io/net/transport_factory.ts";
import { transportConfig } from "../messages/transport_config.ts";
import { KIB, MIB } from "../limits.ts";
import {
  DEMO_ECHO_BYTES_MAX,
  DEMO_FETCH_S_MIN,
  DEMO_RATE_BYTES_PER_S_MIN,
  DEMO_SERVERS,
  MAX_RETRIES_DEFAULT,
  RETRIES_DEFAULT,
  TIMEOUT_MS_DEFAULT,
} from "./limits.ts";
import { Random } from "../protocol/base/random.ts";
import { StreamingHash } from "../protocol/base/sha256.ts";
import { sizeText } from "../sizes.ts";
import type { DoneEvent, ReportEvent } from "./events.ts";
import { getIn } from "./client/get_files.ts";
import { hashFileIn } from "./hash.ts";
import type { DemoOptions, Server } from "./options.ts";
import { putIn } from "./session/put.ts";
import type { RoundTripResult } from "../protocol/session/round_trip_client.ts";
import { roundTrip } from "./session/round_trip_run.ts";
import { serveIn } from "./serve/serve.ts";
import { denoRuntime, type Runtime } from "../io/runtime.ts";

const FILE_NAME = "demo.bin";
const PIECE_BYTES = MIB;

/**
 * Shows it all on this machine alone: two servers and a client on loopback, with simulated errors, and a report.
 *
 * @param options how large the file is, and how bad the network
 * @returns what happened; a file that arrived wrong is a report that is not `ok`
 * @throws {ShoalError} what {@linkcode serve}, {@linkcode put} and {@linkcode get} throw
 *
 * @example Run it
 * ```ts
 * import { assert } from "@std/assert";
 * import { demo } from "@shoal/shoal";
 *
 * const report = await demo({ sizeBytes: 100_000, errorRate: 0.1, seed: 7 });
 * assert(report.ok);
 * ```
 */
export async function demo(options: DemoOptions): Promise<ReportEvent> {
  return await demoIn(denoRuntime(), options);
}

/** The same on a platform that is handed in. */
export async function demoIn(runtime: Runtime, options: DemoOptions): Promise<ReportEvent> {
  const scratch = await ScratchFolder.make("shoal_demo_");
  const play = new Play(runtime, options, scratch);
  try {
    return await play.run();
  } finally {
    await play.end();
    await scratch.remove();
  }
}

class Play {
  readonly #runtime: Runtime;
  readonly #options: DemoOptions;
  readonly #scratch: ScratchFolder;
  readonly #servers: Server[] = [];
  readonly #common;

  constructor(runtime: Runtime, options: DemoOptions, scratch: ScratchFolder) {
    this.#runtime = runtime;
    this.#options = options;
    this.#scratch = scratch;
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    this.#common = { ...signal, port: freePort(), broadcast: [LOOPBACK_BROADCAST] };
  }

  async run(): Promise<ReportEvent> {
    const { sizeBytes, errorRate, seed } = this.#options;
    this.#say("Starting demo mode...");
    this.#say(`Making a random file of ${sizeBytes} bytes from seed ${seed}`);
    const hash = new StreamingHash();
    const pieces = hashed(randomPieces(sizeBytes, seed), hash);
    const path = await this.#scratch.write("made", FILE_NAME, pieces);
    const expectedSha256 = hash.digestHex();
    this.#say(`Created test file: ${path} (${kibibytes(sizeBytes)} KB)`);

    while (this.#servers.length < DEMO_SERVERS) await this.#startServer();
    for (const server of this.#servers) await this.#upload(path, server, expectedSha256);

    const hits = errorRate > 0 ? `, with ${errorRate * 100} % of packets dropped or damaged` : "";
    this.#say(
      `Fetching it by UDP from the servers that have it${hits}, ` +
        `at ${sizeText(this.#rateBytesPerS)}/s at most, so that each has time to take part`,
    );
    const done = await this.#fetch();
    this.#say(sharesText(done));
    const size = sizeText(Math.min(sizeBytes, DEMO_ECHO_BYTES_MAX));
    this.#say(`Sending ${size} of it to and fro in the JSON dialect, with the same errors`);
    const piece = firstBytes(randomPieces(sizeBytes, seed), DEMO_ECHO_BYTES_MAX);
    const echoed = await this.#echo(piece);

    this.#say("Comparing every SHA-256, apart from the transfers");
    const { sha256: actualSha256 } = await hashFileIn(this.#runtime, done.path, this.#signal);
    const report = compare(seed, done, expectedSha256, actualSha256, echoReport(piece, echoed));
    // What servers report when they end comes before the verdict, too.
    await this.end();
    this.#options.onEvent?.(report);
    return report;
  }

  async end(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()));
  }

  /** On loopback a file may have come before a second server has answered. */
  get #rateBytesPerS(): number {
    return Math.max(DEMO_RATE_BYTES_PER_S_MIN, this.#options.sizeBytes / DEMO_FETCH_S_MIN);
  }

  get #signal(): { readonly signal?: AbortSignal } {
    const { signal } = this.#options;
    return signal === undefined ? {} : { signal };
  }

  async #startServer(): Promise<void> {
    const number = this.#servers.length + 1;
    const server = await serveIn(this.#runtime, {
      ...this.#common,
      dir: await this.#scratch.folder(`offered${number}`),
      cacheDir: await this.#scratch.folder("cache"),
      allowUpload: true,
      uploadBytesMax: this.#options.sizeBytes,
      errorRate: this.#options.errorRate,
      seed: this.#options.seed + number,
      onEvent: (event) => {
        if (event.event === "notice" && event.level === "verbose") this.#options.onEvent?.(event);
      },
    });
    this.#servers.push(server);
    const { dataPort, tcpPort } = server.ready;
    this.#say(`Server ${number} is ready: ${LOOPBACK_ADDRESS}, UDP ${dataPort}, TCP ${tcpPort}`);
  }

  async #upload(path: string, server: Server, expectedSha256: string): Promise<void> {
    const target = `${LOOPBACK_ADDRESS}:${server.ready.tcpPort}`;
    this.#say(`Uploading it to ${target}`);
    const [result] = await putIn(this.#runtime, { ...this.#signal, files: [path], server: target });
    if (result?.event !== "stored") throw failure(result);
    if (result.sha256 !== expectedSha256) {
      throw new ShoalError("unverified", `${target} stored a different file from the one sent`);
    }
  }

  async #fetch(): Promise<DoneEvent> {
    const [result] = await getIn(this.#runtime, {
      ...this.#common,
      names: [FILE_NAME],
      outDir: await this.#scratch.folder("fetched"),
      rateBytesPerS: this.#rateBytesPerS,
      onEvent: (event) => this.#options.onEvent?.(event),
    });
    if (result?.event !== "done") throw failure(result);
    return result;
  }

  async #echo(piece: Bytes): Promise<RoundTripResult> {
    return await roundTrip(this.#runtime, {
      ...this.#signal,
      server: LOOPBACK_ADDRESS,
      port: this.#servers[0]!.ready.tcpPort,
      layers: [],
      timeoutMs: TIMEOUT_MS_DEFAULT,
      file: piece,
      path: FILE_NAME,
      retries: RETRIES_DEFAULT,
      retriesMax: MAX_RETRIES_DEFAULT,
      log: (_, message) => this.#options.onEvent?.({ event: "notice", level: "verbose", message }),
    });
  }

  #say(message: string): void {
    this.#options.onEvent?.({ event: "step", message });
  }
}

/** How many servers took part is known afterwards only: a chunk comes from one. */
function sharesText({ servers }: DoneEvent): string {
  const givers = servers.filter(({ bytes }) => bytes > 0);
  const [first] = givers;
  if (givers.length !== 1 || first === undefined) {
    const shares = givers.map(({ server, bytes }) => `${sizeText(bytes)} from ${server}`);
    return `It came from ${givers.length} servers: ${shares.join(", ")}`;
  }
  return `All of it came from one server, ${first.server}`;
}

/** As the older tool shows sizes: 1,024 bytes are a KB. */
function kibibytes(bytes: number): string {
  return String(Number((bytes / KIB).toFixed(1)));
}

type Failure =
  & { readonly event: string }
  & Partial<
    Pick<ShoalError, "code" | "message" | "hint">
  >;

function failure(result: Failure | undefined): ShoalError {
  const { code = "internal", message = "nothing was answered", hint } = result ?? {};
  return new ShoalError(code, message, hint === undefined ? {} : { hint });
}

function echoReport(piece: Bytes, echoed: RoundTripResult): ReportEvent["echo"] {
  const [expected, actual] = [new StreamingHash(), new StreamingHash()];
  expected.update(piece);
  actual.update(echoed.file);
  return {
    size: piece.length,
    expectedSha256: expected.digestHex(),
    actualSha256: actual.digestHex(),
    chunks: echoed.chunkCount,
    rounds: echoed.rounds,
  };
}

function compare(
  seed: number,
  done: DoneEvent,
  expectedSha256: string,
  actualSha256: string,
  echo: ReportEvent["echo"],
): ReportEvent {
  const isFetched = actualSha256 === expectedSha256 && done.sha256 === expectedSha256;
  return {
    event: "report",
    seed,
    ok: isFetched && echo.actualSha256 === echo.expectedSha256,
    size: done.size,
    seconds: done.seconds,
    expectedSha256,
    actualSha256,
    echo,
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

/** At most so many of the bytes of `pieces`. */
function firstBytes(pieces: Iterable<Bytes>, bytesMax: number): Bytes {
  const whole: Bytes = new Uint8Array(bytesMax);
  let at = 0;
  for (const piece of pieces) {
    const part = piece.subarray(0, bytesMax - at);
    whole.set(part, at);
    at += part.length;
    if (at === bytesMax) break;
  }
  return whole.subarray(0, at);
}

function* hashed(pieces: Iterable<Bytes>, hash: StreamingHash): Generator<Bytes> {
  for (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}

/** One that the servers can share; nobody else is likely to take it in between. */
function freePort(): number {
  const probe = openTransport(
    transportConfig({ host: LOOPBACK_ADDRESS, tune: false, layers: [] }),
  );
  void probe.close();
  return probe.port;
}
