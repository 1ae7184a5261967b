/**
 * Everything under a secret: search, listing, layer and data, over UDP and over TCP, between the clients, the server and the master that
 * are shipped, over real sockets; and what becomes of who lacks it.
 */
import "../support/libraries.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MIB } from "../../lib/limits.ts";
import type { NoticeEvent } from "../../lib/app/events.ts";
import type { Dialect, LayerConfig, Server } from "../../lib/app/options.ts";
import { ShoalError } from "../../lib/errors.ts";
import {
  getOverTcpSettled,
  getSettled,
  list,
  listOverTcp,
  master,
  putSettled,
  sealLayer,
  serve,
} from "../../mod.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import { eventually, freeTcpPort } from "../support/master.ts";
import { canRunProcesses, freePort, Scratch } from "../support/shoal_process.ts";

const LOOPBACK = ["127.255.255.255"];
const FILES = { "small.txt": 3_000, "sub/large.bin": 24 * MIB + 77 };
const NAMES = Object.keys(FILES);
const IMPATIENT = { timeoutMs: 400, retries: 1 };
const SECRET = "spell youth prepare index addict render pride reason license cube dune horn";
const WORDS = "access dose mad notable";
const OTHER = "alpha deal scrub asthma idea logic bright thought alpha deal scrub autumn";
const ours = [await sealLayer(SECRET)];
const others = [await sealLayer(OTHER)];

async function served(scratch: Scratch, port: number, options: object): Promise<Server> {
  for (const [name, sizeBytes] of Object.entries(FILES)) {
    await scratch.serve(name, randomFile(sizeBytes, sizeBytes));
  }
  return await serve({ dir: scratch.served, cacheDir: scratch.cache, port, ...options });
}

for (const tune of [true, false]) {
  Deno.test({
    name: `a whole transfer is sealed, ${tune ? "its bursts joined" : "plain"}`,
    ignore: !canRunProcesses,
    sanitizeResources: !tune,
    async fn() {
      await using scratch = await Scratch.make();
      const port = freePort();
      const server = await served(scratch, port, { tune, layers: ours });
      try {
        const { sealed, classic } = server.ready;
        assertEquals([sealed, classic], [WORDS, false]);
        const common = { port, broadcast: LOOPBACK, tune, layers: ours };
        const listed = await list(common);
        assertEquals(listed.map(({ name, size, sealed }) => [name, size, sealed]), [
          ...Object.entries(FILES).map(([name, size]) => [name, size, WORDS]),
        ]);
        const told: (string | undefined)[] = [];
        const results = await getSettled({
          ...{ ...common, names: NAMES, outDir: scratch.out },
          onEvent: (event) => event.event === "done" && told.push(event.sealed),
        });
        assertEquals(results.map(({ event }) => event), ["done", "done"]);
        assertEquals(told, [WORDS, WORDS]);
        for (const result of results) assertEquals("sealed" in result && result.sealed, WORDS);
      } finally {
        await server.close();
      }
      for (const [name, sizeBytes] of Object.entries(FILES)) {
        assertSameBytes(await scratch.read(name), randomFile(sizeBytes, sizeBytes));
      }
    },
  });
}

e2e("a folder comes sealed", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const server = await served(scratch, port, { tune: false, layers: ours });
  for (let i = 0; i < 200; i++) await scratch.serve(`t/${i % 7}/${i}`, randomFile(i * 300, i));
  const common = { port, broadcast: LOOPBACK, tune: false, layers: ours };
  try {
    await eventually(
      "all is indexed",
      20_000,
      async () => (await list(common)).length === 200 + NAMES.length,
    );
    const results = await getSettled({ ...common, names: ["t/"], outDir: scratch.out });
    assertEquals(new Set(results.map(({ event }) => event)), new Set(["done"]));
    assertEquals(results.length, 200);
    assertSameBytes(await scratch.read("t/3/199"), randomFile(199 * 300, 199));
  } finally {
    await server.close();
  }
});

e2e(
  "who lacks the secret, or has another, finds nothing, and is told what that may mean",
  async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    const server = await served(scratch, port, { tune: false, layers: ours, allowUpload: true });
    const common = { port, broadcast: LOOPBACK, tune: false, ...IMPATIENT };
    const tcp = { server: `127.0.0.1:${server.ready.tcpPort}`, ...IMPATIENT };
    try {
      for (
        const [layers, hint] of [[[], "has a secret"], [others, "another secret than"]] as const
      ) {
        const found = { ...common, layers, servers: [`127.0.0.1:${port}`] };
        const [result] = await getSettled({ ...found, names: ["small.txt"], outDir: scratch.out });
        assert(result?.event === "failed" && result.code === "no_server");
        assertStringIncludes(result.hint, hint);
        const listed = await list(found).catch((error) => error as ShoalError);
        assert(listed instanceof ShoalError);
        assertStringIncludes(listed.hint, hint);
        const asked = [
          getOverTcpSettled({ ...tcp, layers, names: ["small.txt"], outDir: scratch.out }),
          putSettled({ ...tcp, layers, files: [`${scratch.served}/small.txt`] }),
        ];
        for (const [outcome] of await Promise.all(asked)) assertEquals(outcome?.event, "failed");
        const overTcp = await listOverTcp({ ...tcp, layers }).catch((error) => error as ShoalError);
        assert(overTcp instanceof ShoalError);
      }
      assertEquals([...Deno.readDirSync(scratch.out)], []);
      assertEquals([...Deno.readDirSync(scratch.served)].length, NAMES.length);
    } finally {
      await server.close();
    }
  },
);

e2e("a sealed client hears no server that speaks in clear, nor a classic one", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const server = await served(scratch, port, { tune: false, classic: true });
  const common = { port, broadcast: LOOPBACK, tune: false, layers: ours, ...IMPATIENT };
  const [result] = await getSettled({ ...common, names: ["small.txt"], outDir: scratch.out });
  await server.close();
  assert(result?.event === "failed" && result.code === "no_server");
});

e2e("while the secret is changed, each machine has both, and all find each other", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const both = [await sealLayer(`${OTHER}\n${SECRET}\n`)];
  const common = { port, broadcast: LOOPBACK, tune: false, ...IMPATIENT };
  for (const [theirs, clients] of [[both, [ours, others, both]], [ours, [both]]] as const) {
    const server = await served(scratch, port, { tune: false, layers: theirs });
    try {
      for (const layers of clients) {
        const names = (await list({ ...common, timeoutMs: 2_000, layers })).map(({ name }) => name);
        assertEquals(names, NAMES);
        const tcp = { server: `127.0.0.1:${server.ready.tcpPort}` };
        assertEquals((await listOverTcp({ ...tcp, layers })).length, NAMES.length);
      }
    } finally {
      await server.close();
    }
  }
});

e2e("every use over TCP is sealed, in Shoal's own dialect alone", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const server = await served(scratch, port, { tune: false, layers: ours, allowUpload: true });
  const tcp = { server: `127.0.0.1:${server.ready.tcpPort}`, layers: ours };
  try {
    assertEquals((await listOverTcp(tcp)).map(({ name, sealed }) => [name, sealed]), [
      ...NAMES.map((name) => [name, WORDS]),
    ]);
    const got = await getOverTcpSettled({ ...tcp, names: NAMES, outDir: scratch.out });
    assertEquals(got.map((each) => "sealed" in each && each.sealed), [WORDS, WORDS]);
    const upload = `${scratch.root}/upload`;
    await Deno.writeFile(upload, randomFile(3 * MIB, 3));
    const [stored] = await putSettled({ ...tcp, files: [upload] });
    assert(stored?.event === "stored" && stored.sealed === WORDS);
    assertSameBytes(await Deno.readFile(`${scratch.served}/upload`), randomFile(3 * MIB, 3));
    for (const dialect of ["ascii", "json"] satisfies Dialect[]) {
      const error = await putSettled({ ...tcp, files: [upload], dialect }).catch((thrown) =>
        thrown
      );
      assert(error instanceof ShoalError && error.code === "usage", String(error));
    }
  } finally {
    await server.close();
  }
  assertSameBytes(await scratch.read("small.txt"), randomFile(3_000, 3_000));
});

e2e(
  "a transfer goes on when its server is restarted in the middle, and does not with another secret",
  async () => {
    const sizeBytes = 6 * MIB;
    for (const [layers, outcome] of [[ours, "done"], [others, "failed"]] as const) {
      await using scratch = await Scratch.make();
      const port = freePort();
      await scratch.serve("film", randomFile(sizeBytes, 5));
      const options = { dir: scratch.served, cacheDir: scratch.cache, tune: false, classic: false };
      // Ports that nobody else takes while it is away.
      const ports = { port, dataPort: freePort(), tcpPort: freeTcpPort() };
      const first = await serve({ ...options, ...ports, layers: ours, rateBytesPerS: 4 * MIB });
      const common = { port, broadcast: LOOPBACK, tune: false, layers: ours, timeoutMs: 1_500 };
      let restarted: Promise<Server> | undefined;
      const [result] = await getSettled({
        ...{ ...common, names: ["film"], outDir: scratch.out, retries: 8 },
        onEvent(event) {
          if (event.event !== "progress" || event.bytes < MIB || restarted !== undefined) return;
          restarted = first.close().then(() => serve({ ...options, ...ports, layers }));
        },
      });
      await (await restarted)?.close();
      assertEquals(result?.event, outcome);
      if (outcome === "done") assertSameBytes(await scratch.read("film"), randomFile(sizeBytes, 5));
    }
  },
);

e2e(
  "a master is registered with and asked under the secret, and by nobody without it",
  async () => {
    const port = freeTcpPort();
    const running = await master({ host: "127.0.0.1", port, store: "memory", layers: ours });
    assertEquals(running.sealed, WORDS);
    const masters = [`127.0.0.1:${port}`];
    await using scratch = await Scratch.make();
    const registered = Promise.withResolvers<void>();
    const server = await served(scratch, freePort(), {
      ...{ tune: false, layers: ours, masters },
      onEvent({ event, message }: NoticeEvent) {
        if (event === "notice" && message.startsWith("Registered")) registered.resolve();
      },
    });
    try {
      await registered.promise;
      // Nobody listens there: what is found was told by the master.
      const elsewhere = { port: freePort(), broadcast: LOOPBACK, tune: false, masters };
      await eventually("the master knows all files", 20_000, async () => {
        return (await list({ ...elsewhere, layers: ours })).length === NAMES.length;
      });
      const [result] = await getSettled({
        ...{ ...elsewhere, layers: ours, names: ["small.txt"], outDir: scratch.out },
      });
      assertEquals(result?.event, "done");
      for (const layers of [[], others] satisfies LayerConfig[][]) {
        const error = await list({ ...elsewhere, ...IMPATIENT, layers }).catch((thrown) => thrown);
        assert(error instanceof ShoalError && error.code === "no_server");
      }
    } finally {
      await server.close();
      await running.close();
    }
  },
);
