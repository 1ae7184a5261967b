/** Many idle connections to every TCP port, where descriptors are few: others are still served. */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { fileURLToPath } from "node:url";
import { e2e, randomFile } from "../support/e2e.ts";
import { eventually, freeTcpPort, startRegistered } from "../support/master.ts";
import { hasPython, Peer } from "../support/python_peer.ts";
import { runShoal, Scratch, ShoalProcess } from "../support/shoal_process.ts";
import { TcpPeer } from "../support/tcp_peer.ts";

const CROWD = fileURLToPath(new URL("../support/idle_crowd.py", import.meta.url));
const HALF_REQUESTS = fileURLToPath(new URL("../support/half_requests.py", import.meta.url));
const CROWD_SIZE = 1_100;
const ATTACKERS = Array.from({ length: 6 }, (_, i) => `127.0.0.${i + 2}`);
/** What the process may have open, hard limit and all. */
const few = (count: number) => ["bash", "-c", `ulimit -n ${count}; exec "$@"`, "-"];
const canRun = Deno.build.os === "linux" && await hasPython();

function descriptorsOf({ pid }: ShoalProcess): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

async function healthOf(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/healthz`);
  return `${response.status} ${await response.text()}`;
}

/** As many as before, but for what a first use opens for good. */
async function assertNothingLeaked(process: ShoalProcess, before: number): Promise<void> {
  await eventually("descriptors are closed", 20_000, () => descriptorsOf(process) <= before + 8);
}

function crowd(port: number, prefix: string, addresses: readonly string[]): Promise<Peer> {
  return Peer.start(CROWD, `${port}`, `${CROWD_SIZE}`, prefix, ...addresses);
}

e2e("a server with few descriptors serves others beside idle crowds at all its ports", async () => {
  await using scratch = await Scratch.make();
  await scratch.serve("a.bin", randomFile(100_000, 1));
  const [port, metricsPort] = [freeTcpPort(), freeTcpPort()];
  const ports = ["--port", `${port}`, "--metrics-port", `${metricsPort}`];
  await using server = new ShoalProcess(
    ["server", scratch.served, "--allow-upload", "--log-format", "plain", ...ports],
    { via: few(256), env: { XDG_CACHE_HOME: scratch.cache } },
  );
  const { tcpPort } = await server.event((event) => event.event === "ready");
  assertEquals(await healthOf(metricsPort), "200 ok\n");
  const before = descriptorsOf(server);
  {
    await using _silent = await crowd(Number(tcpPort), "", ATTACKERS);
    await using _partial = await crowd(Number(tcpPort), "UPLOA", ATTACKERS);
    await using _watching = await crowd(metricsPort, "GET /metrics HTTP/1.1\r\n", ATTACKERS);
    assertEquals(await healthOf(metricsPort), "200 ok\n");
    // Of one address nobody can be told from another, but whoever is silent gives way.
    await using _beside = await crowd(metricsPort, "", ["127.0.0.1"]);
    await eventually(
      "one beside the crowd of its own address is answered",
      20_000,
      async () => await healthOf(metricsPort).catch(() => "") === "200 ok\n",
    );
    const target = ["--server", `127.0.0.1:${tcpPort}`];
    const list = await runShoal(["list", "--tcp", ...target]);
    assertEquals(list.code, 0, list.process.description());
    const path = join(scratch.root, "b.bin");
    await Deno.writeFile(path, randomFile(200_000, 2));
    const put = await runShoal(["put", path, ...target]);
    assertEquals(put.code, 0, put.process.description());
    const get = await runShoal(["get", "b.bin", "--port", `${port}`, "--out", scratch.out]);
    assertEquals(get.code, 0, get.process.description());
    assertEquals(await healthOf(metricsPort), "200 ok\n");
  }
  await assertNothingLeaked(server, before);
}, !canRun);

e2e("a master with few descriptors goes on beside idle crowds, and says what it can", async () => {
  await using scratch = await Scratch.make();
  await scratch.serve("a.bin", randomFile(100_000, 1));
  const [port, metricsPort] = [freeTcpPort(), freeTcpPort()];
  await using master = new ShoalProcess(
    ["master", "--store", "memory", "--port", `${port}`, "--metrics-port", `${metricsPort}`],
    { via: few(200) },
  );
  const { message } = await master.event(({ level }) => level === "warning");
  assertMatch(
    `${message}`,
    /^no more than \d+ connections at a time: .* 200 files open \(ulimit -n\)$/,
  );
  await master.event((event) => event.event === "mastering");
  assertEquals(await healthOf(metricsPort), "200 ok\n");
  const before = descriptorsOf(master);
  {
    await using _silent = await crowd(port, "", ATTACKERS);
    await using _watching = await crowd(metricsPort, "", ATTACKERS);
    await using _server = await startRegistered(scratch, [port]);
    const asks = ["--master", `127.0.0.1:${port}`, "--port", `${freeTcpPort()}`];
    const get = await runShoal(["get", "a.bin", ...asks, "--out", scratch.out]);
    assertEquals(get.code, 0, get.process.description());
    assertEquals(await healthOf(metricsPort), "200 ok\n");
  }
  await assertNothingLeaked(master, before);
}, !canRun);

e2e("a whole request is answered beside hundreds of half ones from its own address", async () => {
  await using scratch = await Scratch.make();
  const metricsPort = freeTcpPort();
  await using server = new ShoalProcess(
    ["server", scratch.served, "--port", `${freeTcpPort()}`, "--metrics-port", `${metricsPort}`],
    { env: { XDG_CACHE_HOME: scratch.cache } },
  );
  await server.event((event) => event.event === "ready");
  await using halves = await Peer.start(HALF_REQUESTS, `${metricsPort}`, "300", "127.0.0.1");
  assertEquals(halves.line, "begun");
  const answers: string[] = [];
  // Between connecting and asking, a busy machine may let more come than there are places: it is asked again then.
  const asked = async (tries: number): Promise<string> => {
    const answer = await healthOf(metricsPort).catch(String);
    return answer === "200 ok\n" || tries === 1 ? answer : await asked(tries - 1);
  };
  for (let i = 0; i < 20; i++) answers.push(await asked(5));
  assertEquals([...new Set(answers)], ["200 ok\n"]);
}, !canRun);

e2e("an address that has its share is told what the limits are", async () => {
  await using scratch = await Scratch.make();
  await using server = new ShoalProcess(
    ["server", scratch.served, "--port", `${freeTcpPort()}`],
    { via: few(256), env: { XDG_CACHE_HOME: scratch.cache } },
  );
  const { tcpPort } = await server.event((event) => event.event === "ready");
  const held: TcpPeer[] = [];
  try {
    for (let i = 0; i < 36; i++) {
      const peer = await TcpPeer.connect(Number(tcpPort));
      held.push(peer);
      await peer.send("LIST_FILES\n");
      const line = await peer.line();
      if (i < 35) assertEquals(line, "No files available at the moment");
      else {assertMatch(
          line,
          /^ERROR too many connections: 40 are served at a time, 35 of one address/,
        );}
    }
  } finally {
    for (const peer of held) peer[Symbol.dispose]();
  }
}, !canRun);
