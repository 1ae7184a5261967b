/**
 * Everything under a layer that changes every byte, and adds 16 to each datagram: search, layer, listing
 * and data, over UDP and over TCP, between the clients, the server and the master that are shipped, over real sockets.
 */
import "../support/libraries.ts";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { MIB } from "../../lib/limits.ts";
import type { NoticeEvent } from "../../lib/app/events.ts";
import { getIn, getOverTcpIn, getSettled } from "../../lib/app/client/get_files.ts";
import { listIn } from "../../lib/app/list/list.ts";
import { listOverTcpIn } from "../../lib/app/list/tcp_list.ts";
import { masterIn } from "../../lib/app/master/master.ts";
import type { Dialect, LayerConfig, Server } from "../../lib/app/options.ts";
import { serveIn } from "../../lib/app/serve/serve.ts";
import { echoIn } from "../../lib/app/session/echo_client.ts";
import { serveEchoIn } from "../../lib/app/session/echo_server.ts";
import { putIn } from "../../lib/app/session/put.ts";
import { ShoalError } from "../../lib/errors.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import { eventually, freeTcpPort } from "../support/master.ts";
import { canRunProcesses, freePort, Scratch } from "../support/shoal_process.ts";
import { type XorConfig, xorConfig, xorCounts } from "../support/xor_layer.ts";
import { xorRuntime } from "../support/xor_runtime.ts";

const LOOPBACK = ["127.255.255.255"];
const FILES = { "small.txt": 3_000, "sub/large.bin": 24 * MIB + 77 };

async function served(scratch: Scratch, port: number, options: object): Promise<Server> {
  for (const [name, sizeBytes] of Object.entries(FILES)) {
    await scratch.serve(name, randomFile(sizeBytes, sizeBytes));
  }
  const common = { dir: scratch.served, cacheDir: scratch.cache, port };
  return await serveIn(xorRuntime(), { ...common, ...options });
}

for (const tune of [true, false]) {
  // A library that was loaded for tuning stays loaded for as long as its thread.
  Deno.test({
    name: `a whole transfer runs under a layer, ${tune ? "its bursts joined" : "plain"}`,
    ignore: !canRunProcesses,
    sanitizeResources: !tune,
    async fn() {
      await using scratch = await Scratch.make();
      const port = freePort();
      const [ours, theirs] = [xorConfig(), xorConfig()];
      const server = await served(scratch, port, { tune, layers: [theirs] });
      const details: string[] = [];
      try {
        const common = { port, broadcast: LOOPBACK, tune, layers: [ours] };
        const listed = await listIn(xorRuntime(), common);
        assertEquals(listed.map(({ name, size }) => [name, size]), Object.entries(FILES));
        const results = await getIn(xorRuntime(), {
          ...common,
          names: Object.keys(FILES),
          outDir: scratch.out,
          onEvent: (event) =>
            event.event === "notice" && details.push((event as NoticeEvent).message),
        });
        assertEquals(results.map(({ event }) => event), ["done", "done"], details.join("\n"));
      } finally {
        await server.close();
      }
      for (const [name, sizeBytes] of Object.entries(FILES)) {
        assertSameBytes(await scratch.read(name), randomFile(sizeBytes, sizeBytes));
      }
      const [received, sent] = [xorCounts(ours), xorCounts(theirs)];
      assertEquals([received.refused, sent.refused], [0, 0]);
      const segmentsMin = FILES["sub/large.bin"] / 1_400;
      assertGreater(sent.sentSegments, segmentsMin);
      assertGreater(received.receivedSegments, segmentsMin);
      // Bursts are one send whether or not the kernel can cut them; they are one receive where it can.
      assertGreater(sent.sentSegments / sent.sends, 10);
      const isJoined = details.some((detail) => detail.includes("joined datagrams"));
      const perReceive = received.receivedSegments / received.receives;
      if (isJoined) assertGreater(perReceive, 10);
      else assertEquals(perReceive, 1);
    },
  });
}

e2e("who lacks the layer hears nothing, and is not heard", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const theirs = xorConfig();
  const server = await served(scratch, port, { tune: false, layers: [theirs] });
  const impatient = { timeoutMs: 300, retries: 1 };
  const options = { port, broadcast: LOOPBACK, tune: false, outDir: scratch.out, ...impatient };
  const [result] = await getSettled({ names: ["small.txt"], ...options });
  await server.close();
  assertEquals(result?.event, "failed");
  assert(xorCounts(theirs).refused > 0);
});

// — Over TCP ————————————————————————————————————————————————————————————————————————————————————

/** Neither data nor a page of a listing fits. */
const SMALL_DATAGRAM_BYTES = 240;
const IMPATIENT = { timeoutMs: 500, retries: 1 };
/** What has no half for streams, and leaves datagrams alone. */
const HALF: LayerConfig = { kind: "half" };
const NAMES = Object.keys(FILES);
/** Those that the ASCII dialect can express. */
const ASCII_NAMES = NAMES.filter((name) => !name.includes("/"));

interface Client {
  readonly scratch: Scratch;
  /** Where the server is, as TCP clients are told. */
  readonly server: string;
  readonly layers: readonly LayerConfig[];
  readonly timeoutMs?: number;
  readonly retries?: number;
}

type Outcomes = readonly { readonly event: string; readonly code?: string }[];

/** How each ended: the code of what failed, the event of what did not. */
function wordsOf(outcomes: Outcomes): string[] {
  return outcomes.map(({ event, code }) => code ?? event);
}

async function listed(dialect: Dialect, { scratch: _, ...options }: Client): Promise<string[]> {
  return (await listOverTcpIn(xorRuntime(), { ...options, dialect })).map(({ name }) => name);
}

async function fetched(dialect: Dialect, { scratch, ...options }: Client): Promise<string[]> {
  const names = dialect === "ascii" ? ASCII_NAMES : NAMES;
  const wanted = { names, outDir: scratch.out, dialect };
  return wordsOf(await getOverTcpIn(xorRuntime(), { ...options, ...wanted }));
}

async function uploaded(dialect: Dialect, { scratch, ...options }: Client): Promise<string[]> {
  const path = `${scratch.root}/upload`;
  await Deno.writeFile(path, randomFile(5_000, 1));
  return wordsOf(await putIn(xorRuntime(), { ...options, files: [path], dialect }));
}

/** Every way to use a server over TCP, and how that ends when it is understood. */
const USES: Readonly<Record<string, readonly [(client: Client) => Promise<string[]>, string[]]>> = {
  "list": [(client) => listed("shoal", client), NAMES],
  "list in ASCII": [(client) => listed("ascii", client), ASCII_NAMES],
  "get": [(client) => fetched("shoal", client), ["done", "done"]],
  "get in ASCII": [(client) => fetched("ascii", client), ["done"]],
  "put": [(client) => uploaded("shoal", client), ["stored"]],
  "put in ASCII": [(client) => uploaded("ascii", client), ["stored"]],
  "put in JSON": [(client) => uploaded("json", client), ["echoed"]],
};

/** How a use ended, whether in an error or not. */
async function outcome(use: (client: Client) => Promise<string[]>, client: Client) {
  return await use(client).catch((error) => [ShoalError.from(error).code]);
}

interface Scene {
  readonly scratch: Scratch;
  readonly port: number;
  readonly tcp: string;
  readonly ours: XorConfig;
}

async function withServer(theirs: XorConfig | undefined, body: (scene: Scene) => Promise<void>) {
  await using scratch = await Scratch.make();
  const port = freePort();
  const layers = theirs === undefined ? [] : [theirs];
  const server = await served(scratch, port, { tune: false, layers, allowUpload: true });
  try {
    await body({ scratch, port, tcp: `127.0.0.1:${server.ready.tcpPort}`, ours: xorConfig() });
  } finally {
    await server.close();
  }
}

function streamsOf(config: XorConfig): number {
  return xorCounts(config).streams;
}

e2e("every use over TCP works under the layer", async () => {
  const theirs = xorConfig();
  await withServer(theirs, async ({ scratch, tcp, ours }) => {
    const client = { scratch, server: tcp, layers: [ours] };
    await eventually(
      "it can list in ASCII",
      20_000,
      async () => (await listed("ascii", client)).length === ASCII_NAMES.length,
    );
    for (const [what, [use, expected]] of Object.entries(USES)) {
      const before = [streamsOf(ours), streamsOf(theirs)];
      const words = await outcome(use, client);
      assertEquals(words, expected, what);
      const after = [streamsOf(ours), streamsOf(theirs)];
      assert(after.every((count, i) => count > before[i]!), `${what}: ${before}, ${after}`);
    }
  });
});

e2e("over TCP, too, who lacks the layer hears nothing and is not heard", async () => {
  for (const theirs of [xorConfig(), undefined]) {
    await withServer(theirs, async ({ scratch, tcp: server, ours }) => {
      const layers = theirs === undefined ? [ours] : [];
      for (const [what, [use]] of Object.entries(USES)) {
        for (const word of await outcome(use, { scratch, server, layers, ...IMPATIENT })) {
          assert(["no_server", "stalled", "network", "refused"].includes(word), `${what}: ${word}`);
        }
      }
      assertEquals([...Deno.readDirSync(scratch.out)], []);
      assertEquals([...Deno.readDirSync(scratch.served)].length, NAMES.length);
    });
  }
});

e2e("nothing is said over TCP under a layer that has no half for streams", async () => {
  const theirs = xorConfig(SMALL_DATAGRAM_BYTES);
  await withServer(theirs, async ({ scratch, tcp: server, port, ours }) => {
    const layers = [HALF, ours];
    for (const [what, [use]] of Object.entries(USES)) {
      const words = await outcome(use, { scratch, server, layers });
      assertEquals(new Set(words), new Set(["usage"]), what);
    }
    // Its data does not arrive over UDP.
    const network = { port, broadcast: LOOPBACK, tune: false, layers, ...IMPATIENT };
    const results = await getIn(xorRuntime(), {
      ...network,
      names: ["small.txt"],
      outDir: scratch.out,
    });
    assertEquals(results.map(({ event }) => event), ["failed"]);
    assertEquals([streamsOf(ours), streamsOf(theirs)], [0, 0]);
  });
  const layers = [HALF];
  const code = (open: () => Promise<unknown>) =>
    open().then(() => "none", (error) => ShoalError.from(error).code);
  await using scratch = await Scratch.make();
  assertEquals(await code(() => served(scratch, freePort(), { tune: false, layers })), "usage");
  const ports = { host: "127.0.0.1", port: 0, layers };
  assertEquals(await code(() => masterIn(xorRuntime(), { ...ports, store: "memory" })), "usage");
  // deno-lint-ignore require-await
  assertEquals(await code(async () => serveEchoIn(xorRuntime(), ports)), "usage");
});

e2e("a get whose data does not arrive goes on over TCP, under the layer", async () => {
  const theirs = xorConfig(SMALL_DATAGRAM_BYTES);
  await withServer(theirs, async ({ scratch, port, ours }) => {
    const told: string[] = [];
    const results = await getIn(xorRuntime(), {
      ...{ port, broadcast: LOOPBACK, tune: false, layers: [ours] },
      ...{ names: NAMES, outDir: scratch.out },
      onEvent: (event) => event.event === "notice" && told.push((event as NoticeEvent).message),
    });
    assertEquals(results.map(({ event }) => event), ["done", "done"], told.join("\n"));
    assertEquals(told.filter((message) => message.includes("using TCP instead")).length, 1);
    for (const [name, sizeBytes] of Object.entries(FILES)) {
      assertSameBytes(await scratch.read(name), randomFile(sizeBytes, sizeBytes));
    }
    const bytesMin = FILES["sub/large.bin"];
    assertGreater(xorCounts(ours).streamBytesReceived, bytesMin);
    assertGreater(xorCounts(theirs).streamBytesSent, bytesMin);
  });
});

e2e("the rest of a long listing comes over TCP under the layer, or not over TCP", async () => {
  const theirs = xorConfig();
  await withServer(theirs, async ({ scratch, port, ours }) => {
    const more = Array.from({ length: 60 }, (_, i) => `one-of-many-files-${i}.txt`);
    for (const name of more) await scratch.serve(name, randomFile(10, 1));
    const network = { port, broadcast: LOOPBACK, tune: false };
    const names = async (...layers: LayerConfig[]) =>
      (await listIn(xorRuntime(), { ...network, layers })).map(({ name }) => name).sort();
    const all = [...NAMES, ...more].sort();
    await eventually(
      "it has found its files",
      20_000,
      async () => (await names(HALF, ours)).length === all.length,
    );
    assertEquals(await names(HALF, ours), all);
    assertEquals([streamsOf(ours), streamsOf(theirs)], [0, 0]);
    assertEquals(await names(ours), all);
    assertEquals([streamsOf(ours), streamsOf(theirs)], [1, 1]);
  });
});

e2e("a master is registered with and asked under the layer, and by nobody without it", async () => {
  const port = freeTcpPort();
  const [theirs, ours] = [xorConfig(), xorConfig()];
  const master = await masterIn(xorRuntime(), {
    ...{ host: "127.0.0.1", port, store: "memory", layers: [theirs] },
  });
  const masters = [`127.0.0.1:${port}`];
  await using scratch = await Scratch.make();
  const registered = Promise.withResolvers<void>();
  const server = await served(scratch, freePort(), {
    ...{ tune: false, layers: [xorConfig()], masters },
    onEvent({ event, message }: NoticeEvent) {
      if (event !== "notice") return;
      if (message.startsWith("Registered")) registered.resolve();
      if (message.startsWith("master: ")) registered.reject(new Error(message));
    },
  });
  try {
    await registered.promise;
    // Nobody listens there: what is found was told by the master.
    const elsewhere = { port: freePort(), broadcast: LOOPBACK, tune: false, masters };
    const layers = [ours];
    await eventually("the master knows all files", 20_000, async () => {
      const files = await listIn(xorRuntime(), { ...elsewhere, layers });
      return files.length === NAMES.length;
    });
    const [result] = await getIn(xorRuntime(), {
      ...{ ...elsewhere, layers, names: ["small.txt"], outDir: scratch.out },
    });
    assertEquals(result?.event, "done");
    const heard = streamsOf(theirs);
    assertEquals(heard, 1 + streamsOf(ours));

    const told: string[] = [];
    const onEvent = (event: { readonly event: string }) =>
      event.event === "notice" && told.push((event as NoticeEvent).message);
    const plain = { ...elsewhere, ...IMPATIENT, onEvent };
    const error = await listIn(xorRuntime(), plain).catch((thrown) => ShoalError.from(thrown));
    assert(error instanceof ShoalError && error.code === "no_server");
    assert(told.some((message) => message.startsWith("master: ")), told.join("\n"));
    assertGreater(streamsOf(theirs), heard);
  } finally {
    await server.close();
    await master.close();
  }
});

e2e("the round trip is made under the layer", async () => {
  await using scratch = await Scratch.make();
  const [theirs, ours] = [xorConfig(), xorConfig()];
  const server = serveEchoIn(xorRuntime(), { host: "127.0.0.1", port: 0, layers: [theirs] });
  const file = `${scratch.root}/${crypto.randomUUID()}`;
  const bytes = randomFile(5_000, 1);
  await Deno.writeFile(file, bytes);
  const { port } = server;
  const to = { server: "127.0.0.1", port, file, retriesMax: 3 };
  try {
    const { path } = await echoIn(xorRuntime(), { ...to, layers: [ours] });
    assertSameBytes(await Deno.readFile(path), bytes);
    await Deno.remove(path);
  } finally {
    await server.close();
  }
  assertEquals([streamsOf(ours), streamsOf(theirs)], [1, 1]);
});
