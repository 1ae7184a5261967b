import { assertEquals, assertGreater } from "@std/assert";
import { Random } from "../../lib/protocol/base/random.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { type Host, Lab, labObstacle } from "../support/lab.ts";
import { type JsonEvent, Scratch, ShoalProcess } from "../support/shoal_process.ts";

const MIB = 1024 * 1024;
const obstacle = await labObstacle();

function lan(name: string, fn: () => Promise<void>): void {
  const reason = obstacle === undefined ? "" : ` [skipped: ${obstacle}]`;
  Deno.test({ name: `lan: ${name}${reason}`, ignore: obstacle !== undefined, fn });
}

/** The hosts find each other by themselves: nothing but what an interface says. */
const NO_BROADCAST_SET = { SHOAL_BROADCAST: "" };

async function serve(host: Host, scratch: Scratch, ...args: string[]): Promise<ShoalProcess> {
  const server = new ShoalProcess(["server", scratch.served, ...args], {
    env: { ...scratch.env, ...NO_BROADCAST_SET },
    via: host.via,
  });
  await server.event((event) => event.event === "ready");
  return server;
}

function fetch(host: Host, scratch: Scratch, ...args: string[]): ShoalProcess {
  return new ShoalProcess(["get", ...args, "--out", scratch.out], {
    env: NO_BROADCAST_SET,
    via: host.via,
  });
}

function randomFile(sizeBytes: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = new Random(seed);
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  for (let i = 0; i < words.length; i++) words[i] = random.u32();
  return new Uint8Array(words.buffer, 0, sizeBytes);
}

interface Share {
  readonly server: string;
  readonly bytes: number;
}

function shares(events: readonly JsonEvent[]): readonly Share[] {
  const done = events.find((event) => event.event === "done");
  return ((done?.["servers"] ?? []) as readonly Share[]).filter((share) => share.bytes > 0);
}

lan("a client finds a server on its subnet by broadcast", async () => {
  await using lab = await Lab.build("none");
  await using scratch = await Scratch.make();
  const [a, b] = [await lab.host(1), await lab.host(1)];
  const file = randomFile(5 * MIB + 11, 1);
  await scratch.serve("example.bin", file);
  await using _server = await serve(a, scratch);
  await using get = fetch(b, scratch, "example.bin");
  assertEquals(await get.exit(), 0, get.description());
  assertSameBytes(await scratch.read("example.bin"), file);
  assertEquals(shares(get.events)[0]?.server.split(":")[0], a.addresses[0]);
});

lan("a client with two interfaces draws on servers of both subnets", async () => {
  await using lab = await Lab.build("none");
  await using scratch = await Scratch.make();
  const [a, b, client] = [await lab.host(1), await lab.host(2), await lab.host(1, 2)];
  // Slow enough for the second to be heard of in time, however busy the machine is.
  await a.shape(1, "20mbit");
  await b.shape(2, "20mbit");
  const file = randomFile(16 * MIB, 2);
  await scratch.serve("example.bin", file);
  await using _a = await serve(a, scratch);
  await using _b = await serve(b, scratch);
  await using get = fetch(client, scratch, "example.bin");
  assertEquals(await get.exit(), 0, get.description());
  assertSameBytes(await scratch.read("example.bin"), file);
  const from = shares(get.events).map((share) => share.server.split(":")[0]).sort();
  assertEquals(from, [a.addresses[0]!, b.addresses[0]!].sort());
});

lan("two servers on one host are both drawn on", async () => {
  await using lab = await Lab.build();
  await using scratch = await Scratch.make();
  const [a, b] = [await lab.host(1), await lab.host(1)];
  await a.shape(1, "20mbit");
  const file = randomFile(16 * MIB, 3);
  await scratch.serve("example.bin", file);
  await using _first = await serve(a, scratch);
  await using _second = await serve(a, scratch);
  await using get = fetch(b, scratch, "example.bin");
  assertEquals(await get.exit(), 0, get.description());
  assertSameBytes(await scratch.read("example.bin"), file);
  assertEquals(shares(get.events).length, 2);
});

lan("two servers, one killed in the middle: the file ends right", async () => {
  await using lab = await Lab.build();
  await using scratch = await Scratch.make();
  const [a, b, client] = [await lab.host(1), await lab.host(1), await lab.host(1)];
  for (const host of [a, b]) await host.shape(1, "100mbit");
  const file = randomFile(24 * MIB, 4);
  await scratch.serve("example.bin", file);
  await using killed = await serve(a, scratch);
  await using _b = await serve(b, scratch);
  await using get = fetch(client, scratch, "example.bin");
  await get.event((event) => event.event === "progress" && (event["bytes"] as number) > 8 * MIB);
  killed.signal("SIGKILL");
  assertEquals(await get.exit(), 0, get.description());
  assertSameBytes(await scratch.read("example.bin"), file);
  assertEquals(shares(get.events).length, 2);
});

lan("a cable pulled for three seconds and put back costs three seconds", async () => {
  await using lab = await Lab.build();
  await using scratch = await Scratch.make();
  const [a, b] = [await lab.host(1), await lab.host(1)];
  await a.shape(1, "100mbit");
  const file = randomFile(24 * MIB, 5);
  await scratch.serve("example.bin", file);
  await using _server = await serve(a, scratch);
  await using get = fetch(b, scratch, "example.bin");
  await get.event((event) => event.event === "progress" && (event["bytes"] as number) > 8 * MIB);
  await a.setLink(1, "down");
  const pulledMs = Date.now();
  await get.event((event) => event.event === "server" && event["state"] === "silent");
  assertGreater(Date.now() - pulledMs, 1_000);
  await a.setLink(1, "up");
  assertEquals(await get.exit(), 0, get.description());
  assertSameBytes(await scratch.read("example.bin"), file);
});

lan("a name that nobody on the subnet has ends with similar names", async () => {
  await using lab = await Lab.build();
  await using scratch = await Scratch.make();
  const [a, b] = [await lab.host(1), await lab.host(1)];
  await scratch.serve("example.bin", randomFile(10, 6));
  await using _server = await serve(a, scratch);
  await using get = fetch(b, scratch, "exmaple.bin");
  assertEquals(await get.exit(), 3, get.description());
  const failed = get.events.find((event) => event.event === "failed");
  assertEquals(String(failed?.["hint"]).includes("example.bin"), true, get.description());
});
