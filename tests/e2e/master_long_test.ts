/** Masters, servers and clients as real processes: what is registered, and what becomes of it. */
import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { MASTER_PATIENCE_MS } from "../../lib/app/master/limits.ts";
import { bestOf } from "../support/best_of.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { e2e, failures, randomFile, sha256Hex } from "../support/e2e.ts";
import {
  askMaster,
  eventually,
  fakeFile,
  freeTcpPort,
  isRegistration,
  namesAt,
  registerFake,
  runGet,
  runList,
  runListNames,
  startGet,
  startMaster,
  startRegistered,
} from "../support/master.ts";
import {
  type JsonEvent,
  runShoal,
  Scratch,
  ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";

const MIB = 1024 * 1024;

async function endpointOf(server: ShoalProcess): Promise<string> {
  const ready = await server.event((event) => event.event === "ready");
  return `127.0.0.1:${ready["dataPort"]}`;
}

function eventNamed(events: readonly JsonEvent[], name: string): JsonEvent | undefined {
  return events.find((event) => event.event === name);
}

function warnings(events: readonly JsonEvent[]): string[] {
  return events.filter((event) => event["level"] === "warning").map((event) =>
    String(event["message"])
  );
}

e2e("a client whose broadcasts reach nobody lists and gets what a master tells of", async () => {
  await using scratch = await Scratch.make();
  const file = randomFile(3 * MIB + 5, 1);
  await scratch.serve("a/film.bin", file);
  await scratch.serve("empty", new Uint8Array(0));
  const port = freeTcpPort();
  await using _master = await startMaster(port);
  await using server = await startRegistered(scratch, [port]);
  const endpoint = await endpointOf(server);

  const listed = await runList(port);
  assertEquals(listed.map((event) => [event["name"], event["size"], event["servers"]]), [
    ["a/film.bin", file.length, [endpoint]],
    ["empty", 0, [endpoint]],
  ]);
  assertEquals(listed[0]?.["sha256"], await sha256Hex(file));

  const get = await runGet(scratch, [port], "a/film.bin", "empty");
  assertEquals(get.code, 0, get.process.description());
  assertSameBytes(await scratch.read("a/film.bin"), file);
  assertEquals((await scratch.read("empty")).length, 0);
  for (const offer of get.events.filter((event) => event.event === "offer")) {
    assertEquals([offer["server"], offer["master"]], [endpoint, `127.0.0.1:${port}`]);
  }

  const other = await Scratch.make();
  await using _other = other;
  const glob = await runGet(other, [port], "a/*.bin");
  assertEquals(glob.code, 0, glob.process.description());
  const byContent = await runGet(other, [port], `sha256:${await sha256Hex(new Uint8Array(0))}`);
  assertEquals(byContent.code, 0, byContent.process.description());
  assertSameBytes(await other.read("a/film.bin"), file);

  const without = await runShoal(
    ["list", "--port", `${freeTcpPort()}`, "--timeout", "1"],
  );
  assertEquals(without.code, 3, without.process.description());
});

e2e("more files than one message tells are all registered and listed", async () => {
  await using scratch = await Scratch.make();
  const names = Array.from({ length: 450 }, (_, i) => `n${String(i).padStart(4, "0")}`);
  for (const name of names) await scratch.serve(name, new TextEncoder().encode(name));
  const port = freeTcpPort();
  await using _master = await startMaster(port);
  await using _server = await startRegistered(scratch, [port]);
  await eventually(
    "every file is known",
    20_000,
    async () => (await askMaster(port, { command: "stats" }))["files"] === names.length,
  );
  assertEquals(await runListNames(port), names);
});

e2e("files of a server that is killed are gone at once, and back with it", async () => {
  await using scratch = await Scratch.make();
  await scratch.serve("film.bin", randomFile(1_000, 2));
  const port = freeTcpPort();
  await using _master = await startMaster(port);
  await using server = await startRegistered(scratch, [port]);
  assertEquals(await runListNames(port), ["film.bin"]);
  server.signal("SIGKILL");
  await server.exit();
  await eventually("it is gone", 1_000, async () => (await namesAt(port)).length === 0);
  assertEquals(await runListNames(port), []);
  await using _again = await startRegistered(scratch, [port]);
  assertEquals(await runListNames(port), ["film.bin"]);
});

e2e("a server that stops answering without a word is forgotten when its lease ends", async () => {
  await using scratch = await Scratch.make();
  await scratch.serve("film.bin", randomFile(1_000, 3));
  const port = freeTcpPort();
  await using _master = await startMaster(port);
  await using server = await startRegistered(scratch, [port]);
  server.signal("SIGSTOP");
  await eventually("it is gone", 12_000, async () => (await namesAt(port)).length === 0);
  server.signal("SIGCONT");
  await eventually("it is back", 10_000, async () => (await namesAt(port)).length === 1);
});

for (const store of ["memory", "sqlite"]) {
  e2e(`a master that is killed and restarted knows 3 servers again, store ${store}`, async () => {
    await using scratch = await Scratch.make();
    const file = randomFile(24 * MIB, 4);
    await scratch.serve("film.bin", file, join(scratch.root, "s0"));
    await scratch.serve("one", randomFile(10, 5), join(scratch.root, "s1"));
    await scratch.serve("two", randomFile(10, 6), join(scratch.root, "s2"));
    const [port, metricsPort] = [freeTcpPort(), freeTcpPort()];
    const spec = store === "memory" ? store : `sqlite:${join(scratch.root, "master.sqlite")}`;
    const start = () => startMaster(port, spec, "--metrics-port", `${metricsPort}`);
    await using master = await start();
    await using servers = new AsyncDisposableStack();
    const running: ShoalProcess[] = [];
    for (const name of ["s0", "s1", "s2"]) {
      const folder = join(scratch.root, name);
      // Three servers of one user share a cache, as they would in life; the first one is slow.
      const args = name === "s0" ? ["--rate", "24mbit"] : [];
      const server = await startRegistered(scratch, [port], { folder, args });
      running.push(servers.use(server));
    }
    assertEquals(await runListNames(port), ["film.bin", "one", "two"]);

    await using get = startGet(scratch, [port], "film.bin");
    await get.event((event) => event.event === "progress" && Number(event["bytes"]) > MIB);
    master.signal("SIGKILL");
    await master.exit();
    await Promise.all(
      running.map((server) =>
        server.event((event) =>
          event["level"] === "warning" && String(event["message"]).startsWith("master:")
        )
      ),
    );
    await using _again = await start();
    await eventually(
      "all are registered again",
      10_000,
      async () =>
        running.every(({ events }) => events.filter(isRegistration).length === 2) &&
        (await namesAt(port)).length === 3,
    );
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    assertMatch(metrics, /^shoal_master_servers 3$/m);
    assertMatch(metrics, /^shoal_master_requests_total\{command="register"\} 3$/m);
    // A store that outlives the master is taken up where it was: no file is told again.
    assertEquals(metrics.includes('command="update"'), store === "memory", metrics);
    assertEquals(await runListNames(port), ["film.bin", "one", "two"]);

    assertEquals(get.events.some((event) => event.event === "done"), false, "too fast a transfer");
    assertEquals(await get.exit(), 0, get.description());
    assertSameBytes(await scratch.read("film.bin"), file);
    const states = get.events.filter((event) => event.event === "server");
    assertEquals(states.map((event) => event["state"]), ["active"], get.description());
  });
}

e2e("files that come, change and go in the folder do so at the master", async () => {
  await using scratch = await Scratch.make();
  await scratch.serve("stays", randomFile(100, 7));
  const port = freeTcpPort();
  await using _master = await startMaster(port);
  await using _server = await startRegistered(scratch, [port]);
  assertEquals(await runListNames(port), ["stays"]);

  const before = randomFile(2 * MIB, 8);
  await scratch.serve("new/film.bin", before);
  await eventually("it is there", 20_000, async () => (await namesAt(port)).length === 2);
  const sha256Listed = async () =>
    (await runList(port)).find((event) => event["name"] === "new/film.bin")?.["sha256"];
  assertEquals(await sha256Listed(), await sha256Hex(before));

  const after = randomFile(2 * MIB + 1, 9);
  const digest = await sha256Hex(after);
  await scratch.serve("new/film.bin", after);
  await eventually("it has changed", 20_000, async () => {
    const { found } = await askMaster(port, { command: "locate", sha256: [digest] });
    return (found as readonly unknown[][])[0]?.length === 1;
  });
  assertEquals(await sha256Listed(), digest);
  const get = await runGet(scratch, [port], "new/film.bin");
  assertEquals(get.code, 0, get.process.description());
  assertSameBytes(await scratch.read("new/film.bin"), after);

  await Deno.remove(join(scratch.served, "new"), { recursive: true });
  await eventually("it is gone", 20_000, async () => (await namesAt(port)).length === 1);
  assertEquals(await runListNames(port), ["stays"]);
});

e2e(
  "a name that masters know nobody of ends soon, with the names like it that they know",
  async () => {
    await using scratch = await Scratch.make();
    await scratch.serve("photos/holiday.jpg", randomFile(1_000, 15));
    const port = freeTcpPort();
    await using _master = await startMaster(port);
    await using _server = await startRegistered(scratch, [port]);
    const asks = ["--master", `127.0.0.1:${port}`, "--port", `${freeTcpPort()}`];
    for (
      const [wanted, hint] of [
        ["photos/hoilday.jpg", /Did you mean 'photos\/holiday\.jpg'\?/],
        ["something-else", /masters that were asked know of nobody/],
      ] as const
    ) {
      const get = await runShoal(["get", wanted, "--out", scratch.out, ...asks]);
      assertEquals(get.code, 3, get.process.description());
      const failed = eventNamed(get.events, "failed");
      assertEquals(failed?.["code"], "not_found");
      assertMatch(String(failed?.["hint"]), hint);
      // Within the first of its ten attempts.
      assertEquals(eventNamed(get.events, "waiting"), undefined, get.process.description());
    }
  },
);

e2e("a master that is down is warned of in one line, and broadcasts do the rest", async () => {
  await using scratch = await Scratch.make();
  const file = randomFile(1 * MIB, 10);
  await scratch.serve("film.bin", file);
  const port = freeTcpPort();
  await using _server = await startServer(scratch, port);
  const master = `127.0.0.1:${freeTcpPort()}`;
  const asks = ["--port", `${port}`, "--master", master];

  const get = await runShoal(["get", "film.bin", "--out", scratch.out, ...asks], { json: false });
  assertEquals(get.code, 0, get.process.description());
  assertSameBytes(await scratch.read("film.bin"), file);
  assertMatch(get.stderr, /^warning: master: 127\.0\.0\.1:\d+ refuses the connection\n$/);
  assert(get.stderr.includes(master), get.stderr);
  assert(!get.stdout.includes("found by master"), get.stdout);

  const list = await runShoal(["list", ...asks], { json: false });
  assertEquals(list.code, 0, list.process.description());
  assertMatch(list.stdout, /film\.bin/);
  assertMatch(list.stderr, /^warning: master: 127\.0\.0\.1:\d+ refuses the connection\n$/);
});

e2e("a server whose master is down serves by broadcast, and registers when it comes", async () => {
  await using scratch = await Scratch.make();
  await scratch.serve("film.bin", randomFile(1_000, 11));
  const [port, masterPort] = [freeTcpPort(), freeTcpPort()];
  const asks = ["--master", `127.0.0.1:${masterPort}`];
  await using server = await startServer(scratch, port, asks);
  await server.event((event) => event["level"] === "warning");
  const list = await runShoal(["list", "--port", `${port}`]);
  assertEquals(eventNamed(list.events, "file")?.["name"], "film.bin", list.process.description());
  await using _master = await startMaster(masterPort);
  await server.event(isRegistration);
  assertEquals(await runListNames(masterPort), ["film.bin"]);
  assertEquals(warnings(server.events).length, 1, server.description());
});

e2e("list and get end with no server where the only master never answers", async () => {
  await using scratch = await Scratch.make();
  // It is connected to, and says nothing: the system takes connections for a listener that does not.
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const asks = [
    ...["--master", `127.0.0.1:${silent.addr.port}`, "--port", `${freeTcpPort()}`],
    ...["--timeout", "1"],
  ];
  const end = async (...args: string[]): Promise<string> => {
    await using process = new ShoalProcess([...args, ...asks]);
    await process.event(({ event }) => event === "failed");
    const code = await process.exit();
    const { events, stderr } = process;
    return `${code} ${warnings(events).length} ${stderr}`;
  };
  const get = await end("get", "film.bin", "--retries", "5", "--out", scratch.out);
  assertMatch(get, /^3 1 error: nobody answered/);
  assertMatch(await end("list"), /^3 1 error: no server/);
});

e2e("a master that never answers delays neither list nor get from who is found", async () => {
  await using scratch = await Scratch.make();
  const file = randomFile(1_000, 12);
  await scratch.serve("film.bin", file);
  const port = freeTcpPort();
  await using _server = await startServer(scratch, port);
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const asks = ["--master", `127.0.0.1:${silent.addr.port}`, "--port", `${port}`];
  const get = await runShoal(["get", "film.bin", "--out", scratch.out, ...asks]);
  assertEquals(get.code, 0, get.process.description());
  assertLess(Number(eventNamed(get.events, "done")?.["seconds"]), MASTER_PATIENCE_MS / 1000);
  assertSameBytes(await scratch.read("film.bin"), file);
  const list = await runShoal(["list", ...asks]);
  assertEquals(list.code, 0, list.process.description());
  assertEquals(eventNamed(list.events, "file")?.["name"], "film.bin");
  assertEquals(warnings(list.events).length, 1, list.process.description());
});

/**
 * A `get` that is refused since there are two contents; or, where the second server was heard after the choice, one that
 * says so. Beside others at work that one may once be heard by nobody: not each time.
 */
async function tellsBoth(ports: readonly number[], digests: readonly string[]): Promise<void> {
  let said = "";
  for (let tries = 0; tries < 3; tries++) {
    await using scratch = await Scratch.make();
    const { code, events, process } = await runGet(scratch, ports, "film.bin");
    const told = code === 4
      ? failures(events).map(({ message, hint }) => `${message} ${hint}`)
      : warnings(events);
    if (told.some((each) => digests.every((digest) => each.includes(digest)))) return;
    said += process.description();
  }
  throw new Error(`both contents were never told: ${said}`);
}

e2e("two masters that disagree: both contents are told, and the pinned one comes", async () => {
  await using scratch = await Scratch.make();
  const [one, two] = [randomFile(MIB, 13), randomFile(MIB, 14)];
  const folders = [join(scratch.root, "one"), join(scratch.root, "two")] as const;
  await scratch.serve("film.bin", one, folders[0]);
  await scratch.serve("film.bin", two, folders[1]);
  await scratch.serve("only-here", one, folders[1]);
  const ports = [freeTcpPort(), freeTcpPort()] as const;
  await using _a = await startMaster(ports[0]);
  await using _b = await startMaster(ports[1]);
  await using first = await startRegistered(scratch, [ports[0]], { folder: folders[0] });
  await using second = await startRegistered(scratch, [ports[1]], { folder: folders[1] });

  const listed = await runList(...ports);
  assertEquals(listed.map((event) => event["name"]), ["film.bin", "film.bin", "only-here"]);
  await tellsBoth(ports, [await sha256Hex(one), await sha256Hex(two)]);
  const pinned = await runGet(scratch, ports, "film.bin", "--sha256", await sha256Hex(two));
  assertEquals(pinned.code, 0, pinned.process.description());
  assertSameBytes(await scratch.read("film.bin"), two);

  // What only one of them knows comes, and who has told of it is said.
  const only = await runGet(scratch, ports, "only-here");
  assertEquals(only.code, 0, only.process.description());
  const offers = only.events.filter((event) => event.event === "offer");
  assertEquals(offers.map((event) => event["server"]), [await endpointOf(second)]);
  assertEquals(offers[0]?.["master"], `127.0.0.1:${ports[1]}`);
  const byContent = await runGet(scratch, ports, `sha256:${await sha256Hex(one)}`);
  assertEquals(byContent.code, 0, byContent.process.description());
  const from = byContent.events.filter((event) => event.event === "offer").map((event) =>
    event["server"]
  );
  assert(from.includes(await endpointOf(first)), byContent.process.description());
});

e2e("entries that lead nowhere, or lie, do not delay what a real server has", async () => {
  await using scratch = await Scratch.make();
  const file = randomFile(2 * MIB, 15);
  await scratch.serve("film.bin", file);
  const port = freeTcpPort();
  await using _master = await startMaster(port);
  await using server = await startRegistered(scratch, [port]);
  const secondsOf = async (): Promise<number> => {
    const get = await runGet(scratch, [port], "film.bin", "--force");
    assertEquals(get.code, 0, get.process.description());
    assertSameBytes(await scratch.read("film.bin"), file);
    await Deno.remove(join(scratch.out, "film.bin"));
    assertEquals(failures(get.events), []);
    return Number(eventNamed(get.events, "done")?.["seconds"]);
  };
  const alone = await secondsOf();
  const located = await askMaster(port, { command: "locate", names: ["film.bin"] });
  const [[real]] = located["found"] as [[Record<string, unknown>]];
  using _same = await registerFake(port, [{ ...real, servers: undefined }]);
  using _lie = await registerFake(port, [fakeFile("film.bin")]);
  assertEquals((await runList(port)).length, 2);
  assertLess(await bestOf(alone + 1, secondsOf), alone + 1);

  // One that calls itself by the id of the real server does not take its place.
  const { id } = await server.event((event) => event.event === "ready");
  using _thief = await registerFake(
    port,
    [{ ...real, servers: undefined }],
    freeTcpPort(),
    String(id),
  );
  assertLess(await bestOf(alone + 1, secondsOf), alone + 1);
});

e2e("what only a silent server has is not found, and its place is told", async () => {
  await using scratch = await Scratch.make();
  const [port, udpPort] = [freeTcpPort(), freeTcpPort()];
  await using _master = await startMaster(port);
  using _fake = await registerFake(port, [fakeFile("ghost")], udpPort);
  const get = await runGet(scratch, [port], "ghost", "--timeout", "1", "--retries", "2");
  assertEquals(get.code, 3, get.process.description());
  assertMatch(get.process.stderr, new RegExp(`^hint: .*127\\.0\\.0\\.1:${udpPort}`, "m"));
});
