/** What servers and masters tell those who watch them, over HTTP. */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { assertRefused, e2e, randomFile } from "../support/e2e.ts";
import { eventually, freeTcpPort, startMaster } from "../support/master.ts";
import { runShoal, Scratch, startServer } from "../support/shoal_process.ts";
import { TcpPeer } from "../support/tcp_peer.ts";

const MIB = 1024 * 1024;

async function read(port: number, path: string, method = "GET"): Promise<[number, string]> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
  return [response.status, await response.text()];
}

async function metric(port: number, name: string): Promise<number> {
  const [, text] = await read(port, "/metrics");
  const match = new RegExp(`^${name} (\\S+)$`, "m").exec(text);
  assert(match !== null, text);
  return Number(match[1]);
}

e2e("a server counts what it offers and what it has sent", async () => {
  await using scratch = await Scratch.make();
  const sizeBytes = 3 * MIB;
  await scratch.serve("film.bin", randomFile(sizeBytes, 1));
  const [port, metricsPort] = [freeTcpPort(), freeTcpPort()];
  await using _server = await startServer(scratch, port, ["--metrics-port", `${metricsPort}`]);
  assertEquals(await read(metricsPort, "/healthz"), [200, "ok\n"]);
  assertEquals(await metric(metricsPort, "shoal_files"), 1);
  await eventually(
    "it is hashed",
    10_000,
    async () => await metric(metricsPort, "shoal_unhashed_files") === 0,
  );
  assertEquals(await metric(metricsPort, "shoal_sent_bytes_total"), 0);
  const get = await runShoal(["get", "film.bin", "--out", scratch.out, "--port", `${port}`]);
  assertEquals(get.code, 0, get.process.description());
  await eventually(
    "all of it is counted, and the transfer is over",
    20_000,
    async () =>
      await metric(metricsPort, "shoal_sent_bytes_total") >= sizeBytes &&
      await metric(metricsPort, "shoal_flows") === 0,
  );
  assertEquals(await metric(metricsPort, "shoal_sends_total"), 1);
  assertGreater(await metric(metricsPort, "process_resident_memory_bytes"), MIB);
});

e2e("what is no question for metrics is refused", async () => {
  const [port, metricsPort] = [freeTcpPort(), freeTcpPort()];
  await using _master = await startMaster(port, "memory", "--metrics-port", `${metricsPort}`);
  assertEquals(await read(metricsPort, "/healthz"), [200, "ok\n"]);
  assertEquals((await read(metricsPort, "/"))[0], 404);
  assertEquals((await read(metricsPort, "/metrics", "POST"))[0], 405);
  const [status, text] = await read(metricsPort, "/metrics");
  assertEquals(status, 200);
  assertMatch(text, /^# TYPE shoal_master_servers gauge$/m);
});

/** Whether somebody listens there. */
async function isOpen(hostname: string, port: number): Promise<boolean> {
  return await Deno.connect({ hostname, port }).then((conn) => (conn.close(), true), () => false);
}

async function statusFor(port: number, host: string): Promise<string> {
  using peer = await TcpPeer.connect(port);
  await peer.send(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  return (await peer.line()).split(" ")[1]!;
}

e2e("metrics are for this machine, unless the user says otherwise", async () => {
  await using scratch = await Scratch.make();
  const [port, metricsPort] = [freeTcpPort(), freeTcpPort()];
  const args = ["--metrics-port", `${metricsPort}`];
  {
    await using _server = await startServer(scratch, port, args);
    assertEquals(await isOpen("127.0.0.2", metricsPort), false);
    for (const host of ["localhost", `127.0.0.1:${metricsPort}`, `[::1]:${metricsPort}`]) {
      assertEquals(await statusFor(metricsPort, host), "200", host);
    }
    // Names that a page may have made to mean this address.
    for (const host of ["evil.example", `evil.example:${metricsPort}`, "10.0.0.7"]) {
      assertEquals(await statusFor(metricsPort, host), "421", host);
    }
  }
  await using _master = await startMaster(port, "memory", ...args, "--metrics-host", "0.0.0.0");
  assertEquals(await isOpen("127.0.0.2", metricsPort), true);
  assertEquals(await statusFor(metricsPort, "10.0.0.7"), "200");
  assertEquals(await statusFor(metricsPort, "evil.example"), "421");
});

e2e("a metrics address without a port is refused", async () => {
  await using scratch = await Scratch.make();
  for (const command of [["server", scratch.root], ["master", "--store", "memory"]]) {
    const run = await runShoal([...command, "--metrics-host", "0.0.0.0"], { json: false });
    assertRefused(run, 2, /--metrics-host does nothing without --metrics-port/);
  }
});

e2e("a metrics port that is taken is said in one line", async () => {
  await using scratch = await Scratch.make();
  using taken = Deno.listen({ hostname: "0.0.0.0", port: 0 });
  const asks = ["--metrics-port", `${taken.addr.port}`, "--port", `${freeTcpPort()}`];
  for (const command of [["server", scratch.root], ["master", "--store", "memory"]]) {
    const { code, stderr } = await runShoal([...command, ...asks], { json: false });
    assertEquals(code, 1, stderr);
    assertMatch(stderr, /^error: TCP port \d+ is in use by another program\nhint: [^\n]+\n$/);
  }
});
