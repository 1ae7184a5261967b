/** What strangers can send to a server, and what a folder may hold that is not for strangers. */
import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/join";
import type { Bytes, SafeFileName } from "../../lib/ids.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { encodeFrame, type FrameOf } from "../../lib/wire/frames.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { DatagramPeer } from "../support/datagram_peer.ts";
import { e2e, failures, randomFile } from "../support/e2e.ts";
import {
  freePort,
  type JsonEvent,
  runShoal,
  Scratch,
  ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";
import { makeFifo, makeZeroDevice } from "../support/special_files.ts";

const MIB = 1024 * 1024;
const SEED = 20_526;

/** Names that lead out of the served folder, or would if somebody joined them to it. */
const ESCAPES = [
  "../secret.txt",
  "inner/../../secret.txt",
  "/etc/passwd",
  "..\\secret.txt",
  "inner\0/../../secret.txt",
  "a.txt\n",
  ".",
  "a".repeat(1_100),
];

function findOf(name: string, queryId: bigint): FrameOf<"find"> {
  const token = new Uint8Array(16);
  const query = { by: "name", name: name as SafeFileName } as const;
  return { kind: "find", queryId, token, round: 0, known: [], queries: [query] };
}

e2e("names that leave the folder are met with silence, in either protocol", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await Deno.writeTextFile(join(scratch.root, "secret.txt"), "for nobody");
  await scratch.serve("a.txt", randomFile(100, 1));
  await scratch.serve("inner/b.txt", randomFile(100, 2));
  await using server = await startServer(scratch, port);
  const { dataPort } = await server.event(({ event }) => event === "ready");
  using shoal = new DatagramPeer();
  using classic = new DatagramPeer();
  for (const name of ESCAPES) {
    await classic.send(new TextEncoder().encode(`get ${name}`), port);
    for (const each of [port, dataPort as number]) await shoal.send(findOf(name, 1n), each);
  }
  // What is answered in order: had there been an answer to those, it would come first.
  const asking = new TextEncoder().encode("get a.txt");
  const answer = await classic.ask(asking, port, () => classic.receive());
  assertStringIncludes(new TextDecoder().decode(answer), "except 1 chunks");
  for (const each of [port, dataPort as number]) {
    const offer = await shoal.ask(findOf("a.txt", 2n), each, () => shoal.frame("offer"));
    assertEquals([offer.queryId, offer.name], [2n, "a.txt"]);
  }
  const asked = server.events.filter(({ event }) => event === "request").map(({ name }) => name);
  assertEquals(new Set(asked), new Set(["a.txt"]));
});

e2e("what is no file of the folder is neither listed nor given: exit 3 for each", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const outside = join(scratch.root, "outside");
  await scratch.serve("secret.txt", randomFile(100, 1), outside);
  await scratch.serve("a.txt", randomFile(100, 2));
  await scratch.serve("folder/b.txt", randomFile(100, 3));
  await scratch.serve(".hidden", randomFile(100, 4));
  await scratch.serve(".git/config", randomFile(100, 5));
  await scratch.serve("film.bin.0123abcd.part", randomFile(100, 6));
  const links = { link: "secret.txt", dangling: "nothing", away: ".", zero: "/dev/zero" };
  for (const [name, target] of Object.entries(links)) {
    await Deno.symlink(join(outside, target), join(scratch.served, name));
  }
  await Deno.symlink("/dev/zero", join(scratch.served, "endless"));
  await makeFifo(join(scratch.served, "pipe"));
  await makeZeroDevice(join(scratch.served, "device"));
  await using server = await startServer(scratch, port);
  assertEquals(await listed(port), ["a.txt", "folder/b.txt"]);

  const refused = ["link", "dangling", "away/secret.txt", "endless", "pipe", "device"];
  refused.push("folder", ".hidden", ".git/config", "film.bin.0123abcd.part");
  const run = await runShoal(["get", ...refused, "--out", scratch.out, "--port", String(port)]);
  assertEquals(run.code, 3, run.process.description());
  const codes = failures(run.events).map(({ name, code }) => [name, code]);
  assertEquals(codes.sort(), refused.map((name) => [name, "not_found"]).sort());
  assertEquals([...Deno.readDirSync(scratch.out)], []);
  const notices = server.events.filter(({ event }) => event === "notice");
  assert(
    notices.some(({ message }) =>
      message === "link is skipped: it is a link that leaves the folder"
    ),
  );

  await using _hidden = await startServer(scratch, port, ["--hidden"]);
  assertEquals(await listed(port), [".git/config", ".hidden", "a.txt", "folder/b.txt"]);
});

async function listed(port: number): Promise<unknown[]> {
  const { events, code, process } = await runShoal(["list", "--port", String(port)]);
  assertEquals(code, 0, process.description());
  return events.filter(({ event }) => event === "file").map(({ name }) => name).sort();
}

e2e("names that play with terminals are shown escaped, on both sides", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const reordering = "holiday\u202egpj.exe";
  await scratch.serve(reordering, randomFile(100, 1));
  await scratch.serve("red\u001b[31m.txt", randomFile(100, 2));
  await using server = new ShoalProcess(["server", scratch.served, "--port", String(port)], {
    env: scratch.env,
    json: false,
  });
  while (!server.stdout.includes("Waiting for client")) await server.change();
  const list = await runShoal(["list", "--port", String(port)], { json: false });
  const args = ["get", reordering, "--out", scratch.out, "--port", String(port)];
  const get = await runShoal(args, { json: false });
  assertEquals([list.code, get.code], [0, 0], get.process.description());
  assertStringIncludes(list.stdout, "holiday\\u{202e}gpj.exe");
  assertStringIncludes(get.stdout, "holiday\\u{202e}gpj.exe received successfully.");
  assertStringIncludes(server.stderr, "red\\u{1b}[31m.txt is skipped");
  for (const said of [list.stdout, get.stdout, get.stderr, server.stdout, server.stderr]) {
    // deno-lint-ignore no-control-regex
    assert(!/[\u0000-\u0009\u000b-\u001f\u202a-\u202e]/.test(said), JSON.stringify(said));
  }
});

e2e(`noise on every port during a get is counted and harmless (seed ${SEED})`, async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const file = randomFile(8 * MIB, 1);
  await scratch.serve("a.bin", file);
  await using server = await startServer(scratch, port, ["--rate", "40mbit", "--verbose"]);
  const { dataPort } = await server.event(({ event }) => event === "ready");
  await using get = new ShoalProcess(
    ["get", "a.bin", "--out", scratch.out, "--port", String(port)],
  );
  const asked = await server.event(({ event }) => event === "request");
  const sending = await server.event(({ event }) => event === "sending");
  const victims = [port, dataPort as number, portOf(asked), portOf(sending)];
  assertEquals(new Set(victims).size, 4, "a socket each: to find, to fetch, to be found, to give");
  using noise = new DatagramPeer();
  const random = new Random(SEED);
  let rounds = 0;
  while (!get.events.some(({ event }) => event === "done" || event === "failed")) {
    for (const victim of victims) await noise.send(junk(random), victim);
    rounds += 1;
  }
  assertEquals(await get.exit(), 0, get.description());
  assertGreater(rounds, 100);
  assertSameBytes(await scratch.read("a.bin"), file);
  const [done] = get.events.filter(({ event }) => event === "done");
  const [share] = done?.["servers"] as { readonly badChunks: number }[];
  assertEquals(share?.badChunks, 0);
  await server.event(({ message }) => /ignored [1-9]\d* malformed datagrams/.test(String(message)));
  assertEquals(await listed(port), ["a.bin"]);
  server.signal("SIGINT");
  assertEquals(await server.exit(), 0);
  const onDiscovery = new RegExp(`ignored [1-9]\\d* datagrams on port ${port}$`);
  assert(
    server.events.some(({ message }) => onDiscovery.test(String(message))),
    server.description(),
  );
});

function portOf(event: JsonEvent): number {
  return Number(String(event["client"]).split(":")[1]);
}

const JUNK: readonly ((random: Random) => Bytes)[] = [
  (random) => random.bytes(random.below(1_500)),
  (random) => random.bytes(65_507),
  () => new Uint8Array(0),
  // A frame that is cut off, one with a wrong bit, one that claims to be longer than it is.
  (random) => frame(random).subarray(0, random.below(frame(random).length)),
  (random) => spoilt(random, frame(random)),
  (random) => {
    const bytes = frame(random);
    new DataView(bytes.buffer).setUint16(4, 0xffff);
    return bytes;
  },
  // Nothing but a magic and a version, over and over.
  () => new Uint8Array(1_400).fill(0x53).map((byte, i) => [byte, 0x48, 1, 2][i % 4]!),
  () => new TextEncoder().encode(`get ${"../".repeat(300)}etc/passwd`),
  () => new TextEncoder().encode(`except 4294967295 chunks ${"f".repeat(64)}`),
];

function junk(random: Random): Bytes {
  return JUNK[random.below(JUNK.length)]!(random);
}

function frame(random: Random): Bytes {
  return encodeFrame(findOf("a.bin", BigInt(random.u32())));
}

function spoilt(random: Random, bytes: Bytes): Bytes {
  const at = random.below(bytes.length);
  bytes[at] = bytes[at]! ^ (1 << random.below(8));
  return bytes;
}
