/**
 * Every kind of question to a master in its worst form, 100 KB of it a second, beside a `get` that knows of its server by
 * that master alone: it may not take twice as long as without.
 */
import { assert, assertEquals } from "@std/assert";
import { assertSameBytes } from "../support/bytes.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import {
  askMaster,
  fakeFile,
  freeTcpPort,
  registerFake,
  startMaster,
  startRegistered,
} from "../support/master.ts";
import { hasRedisServer, RedisServer } from "../support/redis.ts";
import { runShoal, Scratch } from "../support/shoal_process.ts";
import { floodSessions } from "./asker.ts";

const MIB = 1024 * 1024;
const FLOOD = { bytesPerS: 100_000, ms: 5_000 };
/** Where the attacker is; honest clients and servers are at 127.0.0.1. */
const ATTACKER = "127.0.0.66";
const PAGE = 200;
const PAGES = 100;
const TRIES_MAX = 3;
/** What starting and ending a process may add on a busy machine. */
const SLACK_S = 1;
/** The longest pattern, of the kind that is compared with most of a name, again and again. */
const PATTERN = `*${"?*a".repeat(85)}`.slice(0, 256);

const names = (count: number, name: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => name(i));
const digest = (i: number) => i.toString(16).padStart(64, "0");
const taken = (i: number) => `junk/name-that-somebody-might-have-${i}.bin`;

/** Messages of each kind; every session says them one after another, over and over. */
const FLOODS: Readonly<Record<string, readonly unknown[]>> = {
  "register, a page, unregister": [
    { command: "register", server: "ab".repeat(16), port: 20_000 },
    {
      command: "update",
      revision: 1,
      reset: true,
      put: names(PAGE, (i) => `new-${i}`).map((name, i) => fakeFile(name, i)),
    },
    { command: "unregister" },
  ],
  "register, one file, unregister": [
    { command: "register", server: "cd".repeat(16), port: 20_001 },
    { command: "update", revision: 1, reset: true, put: [fakeFile("honest.bin", 7)] },
    { command: "unregister" },
  ],
  "locate names that are there": [{ command: "locate", names: names(PAGE, taken) }],
  "locate names that are not": [{ command: "locate", names: names(PAGE, (i) => `a${i}`) }],
  "locate contents": [{ command: "locate", sha256: names(PAGE, digest) }],
  "locate one popular name": [{ command: "locate", names: ["honest.bin"] }],
  "list": [{ command: "list" }, { command: "list", after: taken(7_000) }],
  "list by a long pattern": [{ command: "list", glob: PATTERN }],
  "list changes": [{ command: "list", since: 1 }, { command: "list", since: 1, glob: PATTERN }],
  "stats": [{ command: "stats" }],
  "nonsense": [{ command: "x".repeat(100) }],
};

async function withEvery(body: (store: string, scratch: Scratch) => Promise<void>): Promise<void> {
  {
    await using scratch = await Scratch.make();
    await body(`sqlite:${scratch.root}/registry.sqlite`, scratch);
  }
  if (!hasRedisServer) return;
  await using scratch = await Scratch.make();
  await using redis = await RedisServer.start();
  await body(redis.url, scratch);
}

async function floodMaster(store: string, scratch: Scratch): Promise<void> {
  const port = freeTcpPort();
  const file = randomFile(8 * MIB, 1);
  await scratch.serve("honest.bin", file);
  await using _master = await startMaster(port, store);
  await using _server = await startRegistered(scratch, [port]);
  const files = Array.from({ length: PAGE }, (_, i) => fakeFile(taken(i), i));
  using crowd = await registerFake(port, files);
  for (let page = 1; page < PAGES; page++) {
    const put = files.map((_, i) => fakeFile(taken(page * PAGE + i), page * PAGE + i));
    await crowd.say({ command: "update", revision: page + 1, put });
    assertEquals((await crowd.message())["status"], "ok");
  }
  const stats = await askMaster(port, { command: "stats" });
  assert(Number(stats["files"]) > PAGE * PAGES, JSON.stringify(stats));
  // As long as its connection, the crowd has its files.
  const renewing = setInterval(() => void crowd.say({ command: "renew" }).catch(() => {}), 2_000);

  const get = async (out: string): Promise<number> => {
    const startMs = performance.now();
    const where = ["--master", `127.0.0.1:${port}`, "--port", `${freeTcpPort()}`];
    const to = ["--out", `${scratch.out}/${out}`, "--rate", "60mbit"];
    const run = await runShoal(["get", "honest.bin", ...where, ...to]);
    assertEquals(run.code, 0, run.process.description());
    assertSameBytes(await scratch.read(`${out}/honest.bin`), file);
    return (performance.now() - startMs) / 1_000;
  };
  try {
    await get("warm");
    const quietS = await get("quiet");
    const report = [`${store.slice(0, 6)}, quiet: ${quietS.toFixed(2)} s`];
    for (const [what, messages] of Object.entries(FLOODS)) {
      // Whoever else is at work on this machine may spoil one measurement, not all of them.
      for (let tries = 1;; tries++) {
        const flooding = floodSessions(port, ATTACKER, messages, FLOOD);
        await new Promise((resolve) => setTimeout(resolve, 300));
        const tookS = await get(`flooded-${report.length}-${tries}`);
        const sent = await flooding;
        report.push(`${what}: ${tookS.toFixed(2)} s, ${sent} sent`);
        console.log(report.at(-1));
        if (tookS < 2 * quietS + SLACK_S) break;
        assert(tries < TRIES_MAX, report.join("\n"));
      }
    }
  } finally {
    clearInterval(renewing);
  }
}

e2e(
  "no kind of question to a master, 100 KB of it a second, doubles what a get by it takes",
  () => withEvery(floodMaster),
  Deno.build.os !== "linux",
);
