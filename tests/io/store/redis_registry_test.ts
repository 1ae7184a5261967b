/** What is particular to the store in Redis: several masters, and a Redis that goes away. */
import { denoRuntime } from "../../../lib/io/runtime.ts";
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { ShoalError } from "../../../lib/errors.ts";
import { wallMs } from "../../../lib/io/system/clock.ts";
import { denoClock } from "../../../lib/io/system/deno_clock.ts";
import { fromSorted, toSorted } from "../../../lib/io/store/sorted_names.ts";
import { REDIS_ANSWER_MS_MAX } from "../../../lib/io/store/limits.ts";
import { RedisRegistry } from "../../../lib/io/store/redis_registry.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { hasRedisServer, RedisServer } from "../../support/redis.ts";
import {
  fileName,
  fileOf,
  filesOf,
  leaseOf,
  LONG_MS,
  Master,
  providerOf,
  sleep,
  until,
} from "../../support/registry.ts";

/** Counters, and the newest changes: what stays when nobody has anything. */
const KEYS_OF_NOTHING = ["changes", "fileCount", "forgottenChange", "generation", "lastChange"];
const A = leaseOf(1);
const B = leaseOf(2);

/** Runs `body` with masters that share a Redis. */
function test(
  sentence: string,
  body: (server: RedisServer, join: () => Promise<Master>) => Promise<void>,
  options: readonly string[] = [],
): void {
  const why = hasRedisServer ? "" : " (skipped: there is no redis-server here)";
  Deno.test({
    name: `RedisRegistry: ${sentence}${why}`,
    ignore: !hasRedisServer,
    async fn() {
      await using server = await RedisServer.start(options);
      const stores: RedisRegistry[] = [];
      try {
        await body(server, async () => {
          const store = await RedisRegistry.open(denoRuntime(), server.url);
          stores.push(store);
          return new Master(store);
        });
      } finally {
        for (const store of stores) await store.end();
      }
    },
  });
}

Deno.test("names as Redis keeps them sort by their bytes as JavaScript sorts them, and come back", () => {
  const random = new Random(7);
  const pieces = ["a", "b", "\0", "\ud7ff", "\ue000", "\uff21", "\uffff"]
    .concat(["\u{10000}", "\u{1f600}", "\u{10fffe}", "\u{10ffff}"]);
  const names = Array.from(
    { length: 2_000 },
    () =>
      Array.from({ length: random.below(5) }, () => pieces[random.below(pieces.length)]).join(""),
  ).sort();
  const utf8 = new TextEncoder();
  let before = utf8.encode("");
  for (const name of names) {
    assertEquals<string>(fromSorted(toSorted(name)), name);
    const bytes = utf8.encode(toSorted(name));
    assert(compareBytes(before, bytes) <= 0, `${JSON.stringify(name)} is out of order`);
    before = bytes;
  }
});

// — Several masters —————————————————————————————————————————————————————————————————————————————

test("what one master is told the others know", async (_server, join) => {
  const [one, other] = [await join(), await join()];
  const cursor = await other.cursor();
  await one.register(A, providerOf(1), [fileOf("f", 1)]);
  assertEquals((await other.byName("f"))[0]?.servers, [providerOf(1)]);
  assertEquals(await other.changed(cursor), ["f"]);
  assertEquals(await other.store.renew(A, wallMs(denoClock) + LONG_MS), true);
  assertEquals(
    await other.store.resume(A, A, providerOf(1), wallMs(denoClock) + LONG_MS, wallMs(denoClock)),
    1,
  );
  await other.store.close(A);
  assertEquals(await one.names(), []);
  assertEquals(await one.put(A, [fileOf("g", 1)]), undefined);
});

test("masters that sweep at once find each lease once, and leave nothing", async (server, join) => {
  const masters = [await join(), await join(), await join()];
  for (let i = 0; i < 300; i++) {
    await masters[0]!.register(leaseOf(i), providerOf(i), filesOf(20, (j) => `${i}/${j}`), 1);
  }
  await sleep(20);
  const counts = await Promise.all(masters.map((master) => master.sweep()));
  assertEquals(counts.reduce((sum, count) => sum + count), 300);
  await untilNothingIsLeft(server);
  assertEquals(await masters[1]!.stats(), [0, 0]);
});

test("what a master left half done, the next sweep of another does", async (server, join) => {
  const [dying, other] = [await join(), await join()];
  for (const [lease, start] of [[A, "a"], [B, "b"]] as const) {
    await dying.register(lease, providerOf(1), filesOf(5_000, (i) => `${start}${i}`));
  }
  await dying.store.close(A);
  await dying.reset(B, [fileOf("f", 1)]);
  await dying.store.end();
  assert((await keysOf(server)).length > 1_000, "it was done before it could be interrupted");
  assertEquals(await other.names(), ["f"]);
  assertEquals(await other.stats(), [1, 1]);
  assertEquals(await other.sweep(), 0);
  await until(async () => (await keysOf(server)).length < 20, "the other goes on");
  assertEquals(await other.names(), ["f"]);
  await other.store.close(B);
  await untilNothingIsLeft(server);
});

test("no master's clock makes another's lease run out", async (_server, join) => {
  const master = await join();
  await master.register(A, providerOf(1), [fileOf("f", 1)]);
  const aheadMs = wallMs(denoClock) + 10 * LONG_MS;
  assertEquals(await master.store.sweep(aheadMs), 0);
  assertEquals(await master.store.stats(aheadMs), { servers: 1, files: 1 });
  assertEquals((await master.store.page("", undefined, 1, aheadMs)).length, 1);
});

test("a lease that is opened once more begins without files", async (server, join) => {
  const master = await join();
  await master.register(A, providerOf(1), [fileOf("f", 1)]);
  await master.store.open(A, providerOf(2), wallMs(denoClock) + LONG_MS, wallMs(denoClock));
  assertEquals(await master.names(), []);
  assertEquals(await master.stats(), [1, 0]);
  assertEquals(
    await master.store.resume(A, A, providerOf(1), wallMs(denoClock) + LONG_MS, wallMs(denoClock)),
    undefined,
  );
  await master.store.close(A);
  await untilNothingIsLeft(server);
});

test("puts, removals, resets and closings in any order leave nothing", async (server, join) => {
  const random = new Random(11);
  const master = await join();
  const someFiles = () => filesOf(random.below(8), () => `n${random.below(12)}`);
  for (let i = 0; i < 12; i++) await master.register(leaseOf(i), providerOf(i % 5), someFiles());
  for (let step = 0; step < 300; step++) {
    const lease = leaseOf(random.below(12));
    const put = someFiles().map((file) => fileOf(file.name, random.below(6)));
    if (step % 7 === 0) await master.reset(lease, put);
    else if (step % 3 === 0) await master.remove(lease, put.map(({ name }) => name));
    else await master.put(lease, put);
  }
  const names = new Set(await master.names());
  assertEquals(
    (await keysOf(server)).filter((key) => key.startsWith("name:")).length,
    names.size,
  );
  for (let i = 0; i < 12; i++) await master.store.close(leaseOf(i));
  await untilNothingIsLeft(server);
  assertEquals(await master.stats(), [0, 0]);
});

// — Redis away ——————————————————————————————————————————————————————————————————————————————————

test(
  "while Redis is down everything fails at once, and works again when it is back",
  async (server, join) => {
    const master = await join();
    await master.register(A, providerOf(1), [fileOf("f", 1)]);
    const cursor = await master.cursor();
    const underWay = failures(master);
    await server.kill();
    // Some were answered before; what was not is told so.
    for (const error of await underWay) if (error !== undefined) assertNetwork(error);
    const startMs = performance.now();
    for (const error of await failures(master)) assertNetwork(error);
    assertLess(performance.now() - startMs, REDIS_ANSWER_MS_MAX);
    await server.restart();
    await until(
      async () => (await failures(master)).every((error) => error === undefined),
      "it is back",
    );
    // It has lost its memory, and says so.
    assertEquals(await master.store.renew(A, wallMs(denoClock) + LONG_MS), false);
    assertEquals((await master.store.changes(cursor, 10)).isStale, true);
    await master.register(A, providerOf(1), [fileOf("f", 1)]);
    assertEquals(await master.names(), ["f"]);
    assertEquals((await master.store.changes(cursor, 10)).isStale, true);
  },
);

test("a store lets go while Redis is away", async (server, join) => {
  const master = await join();
  await server.kill();
  for (const error of await failures(master)) assertNetwork(error);
  await master.store.end();
  for (const error of await failures(master)) assertNetwork(error);
});

test("a Redis that falls silent counts as away", async (server, join) => {
  const master = await join();
  server.freeze();
  const startMs = performance.now();
  for (const error of await failures(master)) assertNetwork(error);
  assertLess(performance.now() - startMs, 8_000);
  server.thaw();
  await until(
    async () => (await failures(master)).every((error) => error === undefined),
    "it is back",
  );
});

test("a Redis that is away is waited for a little", async (server) => {
  await server.kill();
  const opening = RedisRegistry.open(denoRuntime(), server.url);
  await sleep(500);
  await server.restart();
  const store = await opening;
  assertEquals(await store.stats(wallMs(denoClock)), { servers: 0, files: 0 });
  await store.end();
});

test("a Redis that stays away is told with a hint", async (server) => {
  await server.kill();
  const startMs = performance.now();
  const error = await failureOf(
    RedisRegistry.open(denoRuntime(), `redis://:secret@127.0.0.1:${server.port}/1`),
  );
  assertLess(performance.now() - startMs, 8_000);
  assertNetwork(error);
  assertStringIncludes(error.message, `127.0.0.1:${server.port}`);
  assert(!`${error.message} ${error.hint}`.includes("secret"), "it tells the password");
});

test("the password and the database are taken from the URL", async (server) => {
  const at = `127.0.0.1:${server.port}`;
  for (const url of [`redis://${at}`, `redis://:wrong@${at}`, `redis://:secret@${at}/99`]) {
    const startMs = performance.now();
    const error = await failureOf(RedisRegistry.open(denoRuntime(), url));
    assertNetwork(error);
    assertStringIncludes(error.message, "refuses");
    assertLess(performance.now() - startMs, REDIS_ANSWER_MS_MAX);
  }
  const one = await RedisRegistry.open(denoRuntime(), `redis://:secret@${at}/1`);
  const other = await RedisRegistry.open(denoRuntime(), `redis://:secret@${at}/2`);
  await new Master(one).register(A, providerOf(1), [fileOf("f", 1)]);
  assertEquals(await new Master(one).names(), ["f"]);
  assertEquals(await new Master(other).names(), []);
  await one.end();
  await other.end();
}, ["--requirepass", "secret"]);

Deno.test("RedisRegistry: what is no address of a Redis is refused", async () => {
  for (const url of ["", "localhost:6379", "http://127.0.0.1:6379", "redis://"]) {
    const error = await failureOf(RedisRegistry.open(denoRuntime(), url));
    assert(error instanceof ShoalError && error.code === "usage", String(error));
  }
});

function assertNetwork(error: unknown): asserts error is ShoalError {
  assert(error instanceof ShoalError, `no ShoalError but ${error}`);
  assertEquals(error.code, "network");
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What each method fails with. */
function failures({ store }: Master): Promise<unknown[]> {
  const update = { revision: 1, isReset: false, put: [], remove: [] };
  const [none, expiresMs] = [leaseOf(99), wallMs(denoClock) + LONG_MS];
  return Promise.all([
    store.resume(none, none, providerOf(99), expiresMs, wallMs(denoClock)),
    store.renew(none, expiresMs),
    store.update(none, update, expiresMs),
    store.close(none),
    store.locate([{ by: "name", name: fileName("f") }], wallMs(denoClock)),
    store.page("", undefined, 10, wallMs(denoClock)),
    store.changes(undefined, 10),
    store.stats(wallMs(denoClock)),
    store.sweep(wallMs(denoClock)),
  ].map(failureOf));
}

/** Without their prefix, in order. */
async function keysOf(server: RedisServer): Promise<string[]> {
  const reply = await server.ask("KEYS *");
  return [...reply.matchAll(/^shoal:\d+:(.*)\r$/gm)].map((match) => match[1]!).sort();
}

async function untilNothingIsLeft(server: RedisServer): Promise<void> {
  const isNothing = async () =>
    (await keysOf(server)).every((key) => KEYS_OF_NOTHING.includes(key));
  await until(isNothing, "nothing is left");
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) return a[i]! - b[i]!;
  }
  return a.length - b.length;
}
