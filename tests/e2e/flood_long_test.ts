/**
 * Floods on loopback: noise by the thousand at a server that is giving a file, and forged offers by the
 * thousand at a client that is looking for one. Neither may lose anything, come to a stop, or grow.
 */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { bestOf } from "../support/best_of.ts";
import type { Bytes, SafeFileName } from "../../lib/ids.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { RECEIVERS_MAX } from "../../lib/protocol/download/limits.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { forgedOffers, Forger } from "../support/forger.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import {
  freePort,
  type JsonEvent,
  runShoal,
  Scratch,
  ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";
import { DATAGRAMS } from "../fuzz/corpus.ts";
import { mutated, pick } from "../fuzz/mutator.ts";

const MIB = 1024 * 1024;
const SEED = 30_526;
const isLinux = Deno.build.os === "linux";

const FLOOD_PER_S = 20_000;
const FLOOD_MS = 5_000;
/** What a busy machine must at least bring about for the test to mean anything. */
const FLOOD_PER_S_MIN = 2_000;
const TRIES_MAX = 3;
/** Beside the noise of collecting garbage: a hundred thousand datagrams kept would be ten times that. */
const GROWTH_BYTES_MAX = 16 * MIB;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A number from /proc/PID/status. */
function status(pid: number, field: string): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(text)?.[1]);
}

const residentBytes = (pid: number): number => 1_024 * status(pid, "VmRSS");

/** Noise of all kinds, made beforehand: what is to be busy is the other side. */
function noise(): Bytes[] {
  const random = new Random(SEED);
  return Array.from(
    { length: 2_000 },
    () =>
      random.chance(0.5)
        ? random.bytes(random.below(400))
        : mutated(random, pick(random, DATAGRAMS), pick(random, DATAGRAMS)),
  );
}

/** Sends so many a second, to each of `ports` in turn, until the time is over; returns how many. */
async function flood(ports: readonly number[], ms: number): Promise<number> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const datagrams = noise();
  const startedMs = performance.now();
  let sent = 0;
  for (let now = startedMs; now - startedMs < ms; now = performance.now()) {
    const due = Math.min((now - startedMs) / 1_000 * FLOOD_PER_S, FLOOD_PER_S * ms / 1_000);
    for (let burst = 0; sent < due && burst < 200; burst++, sent++) {
      const to = { transport: "udp", hostname: "127.0.0.1", port: ports[sent % ports.length]! };
      await socket.send(datagrams[sent % datagrams.length]!, to as Deno.NetAddr);
    }
    if (sent >= due) await pause(2);
  }
  socket.close();
  return sent;
}

function seconds(events: readonly JsonEvent[]): number {
  return events.find(({ event }) => event === "done")?.["seconds"] as number;
}

e2e(
  "a flood of noise slows a transfer by less than half, loses nothing and is forgotten",
  async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    const file = randomFile(24 * MIB, 1);
    await scratch.serve("a.bin", file);
    await using server = await startServer(scratch, port, ["--rate", "48mbit"]);
    const { dataPort } = await server.event(({ event }) => event === "ready");
    const ports = [port, dataPort as number];
    const get = async (out: string) => {
      const run = await runShoal([
        "get",
        "a.bin",
        "--out",
        `${scratch.out}/${out}`,
        "--port",
        `${port}`,
      ]);
      assertEquals(run.code, 0, run.process.description());
      assertSameBytes(await scratch.read(`${out}/a.bin`), file);
      return seconds(run.events);
    };
    const quietS = await get("quiet");
    // What a server allocates once it does at the first noise.
    await flood(ports, 500);
    await pause(500);
    const before = residentBytes(server.pid);
    // Whoever else is at work on this machine may spoil one measurement, not all of them.
    let told = "";
    for (let tries = 1, floodedS = Infinity; floodedS >= 2 * quietS; tries++) {
      assert(tries <= TRIES_MAX, told);
      const flooding = flood(ports, FLOOD_MS);
      floodedS = await get(`flooded-${tries}`);
      const sent = await flooding;
      assertGreater(sent, FLOOD_PER_S_MIN * FLOOD_MS / 1_000);
      told = `${quietS} s, and ${floodedS} s in a flood of ${sent} datagrams`;
    }
    await pause(500);
    const grown = residentBytes(server.pid) - before;
    assertLess(grown, GROWTH_BYTES_MAX, `grown by ${(grown / MIB).toFixed(1)} MiB`);
    let round = 0;
    assertLess(await bestOf(2 * quietS, () => get(`after-${++round}`)), 2 * quietS);
  },
  !isLinux,
);

/** Runs a get to its end; the most threads and memory that it was seen with. */
async function watched(args: readonly string[]) {
  await using get = new ShoalProcess(args);
  let isOver = false;
  const code = get.exit().finally(() => isOver = true);
  let [threads, bytes] = [0, 0];
  while (!isOver) {
    try {
      threads = Math.max(threads, status(get.pid, "Threads"));
      bytes = Math.max(bytes, residentBytes(get.pid) || 0);
    } catch {
      // It has just ended.
    }
    await pause(10);
  }
  return { code: await code, threads, bytes, events: get.events, description: get.description() };
}

e2e("forged offers by the thousand start no worker, and the honest file still comes", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const file = randomFile(8 * MIB, 1);
  await scratch.serve("a.bin", file);
  await using _server = await startServer(scratch, port, ["--rate", "40mbit"]);
  const [truth] = (await runShoal(["hash", `${scratch.served}/a.bin`])).events;
  assert(truth !== undefined);
  const args = (out: string) => [
    "get",
    ...["a.bin", "--sha256", String(truth["sha256"])],
    ...["--out", `${scratch.out}/${out}`, "--port", `${port}`],
  ];
  const quiet = await watched(args("quiet"));
  assertEquals(quiet.code, 0, quiet.description);
  const name = "a.bin" as SafeFileName;
  const offers = forgedOffers(truth, { name, count: 4_000, seed: SEED, trueEvery: 2 });
  await using forger = new Forger(port, offers);
  const forged = await watched(args("forged"));
  assertEquals(forged.code, 0, forged.description);
  assertSameBytes(await scratch.read("forged/a.bin"), file);
  assertGreater(forger.sent, 1_000);
  // A worker is a thread and a few megabytes, and the runtime starts some of its own: as many as may be at work would show.
  assertLess(forged.threads, quiet.threads + RECEIVERS_MAX - 1);
  const grown = forged.bytes - quiet.bytes;
  assertLess(grown, 48 * MIB, `${(grown / MIB).toFixed(1)} MiB more`);
  const done = forged.events.find(({ event }) => event === "done");
  const shares = done?.["servers"] as readonly { readonly bytes: number }[];
  assertEquals(shares.filter((share) => share.bytes > 0).length, 1);
}, !isLinux);
