/** Servers of changing folders, masters, and clients that get, list and put, all as they ship, in random worlds. */
import "../support/libraries.ts";
import { assert, assertEquals } from "@std/assert";
import { runBatch } from "./seed_batch.ts";
import { baseSeed } from "./seeds.ts";
import { type ShippedScenario, shippedScenarioOf } from "./shipped_scenario.ts";
import { runShipped } from "./shipped_world.ts";

/** Worlds of each commit that are tried here; `deno task sim --shipped` tries any number. */
const CI_SEEDS = 150;

const CALM: ShippedScenario = {
  ...shippedScenarioOf(1),
  ...{
    isSealed: false,
    hasMaster: false,
    isOneNetwork: true,
    changes: [],
    breaksMs: [],
    gets: [0, 1],
  },
  servers: [{
    serves: [{ file: 0, sizeBytes: 200_001 }, { file: 1, sizeBytes: 0 }],
    ...{ backAfterMs: 0, quotaBytes: 1_000_000 },
  }],
  link: {
    ...{ bytesPerMs: 1_250, delayMs: 1, queueBytesMax: 128 * 1024, mtuBytes: 1_500, loss: 0 },
    ...{ duplication: 0, reordering: 0, bitFlips: 0, truncation: 0, downMs: [] },
  },
  ...{ getAtMs: 3_000, listAtMs: [3_000], putAtMs: 3_000, puts: [100_000, 200_001] },
};

async function endsOf(scenario: ShippedScenario): Promise<readonly string[]> {
  const { violation, ends } = await runShipped(scenario);
  assertEquals(violation, undefined);
  return [...ends].sort();
}

const ALL_WELL = ["get: done", "get: done", "list: some", "put: stored", "put: stored"];

Deno.test("a folder is scanned, hashed, listed and got, and takes uploads", async () => {
  assertEquals(await endsOf(CALM), ALL_WELL);
});

Deno.test("the same under a secret, with a master in between as well", async () => {
  const sealed = { ...CALM, isSealed: true };
  assertEquals(await endsOf(sealed), ALL_WELL);
  assertEquals(await endsOf({ ...sealed, hasMaster: true, isOneNetwork: false }), ALL_WELL);
});

Deno.test("uploads whose connections break again and again are all stored, whole", async () => {
  const breaksMs = Array.from({ length: 20 }, (_, i) => 3_020 + 40 * i);
  const link = { ...CALM.link, bytesPerMs: 300 };
  assertEquals(await endsOf({ ...CALM, link, breaksMs }), ALL_WELL);
});

Deno.test("uploads beyond the quota are refused, and nothing beyond it is on the disk", async () => {
  const servers = [{ ...CALM.servers[0]!, quotaBytes: 150_000 }];
  const ends = await endsOf({ ...CALM, servers });
  assertEquals(ends.filter((end) => end.startsWith("put")), ["put: refused", "put: stored"]);
});

Deno.test("where broadcasts reach nobody, the master tells of the server, also one that has just come back", async () => {
  const routed = { ...CALM, hasMaster: true, isOneNetwork: false };
  assertEquals(await endsOf(routed), ALL_WELL);
  const restarted = { ...routed, masterDiesMs: 2_000, masterBackAfterMs: 300 };
  assertEquals(await endsOf({ ...restarted, getAtMs: 12_000, listAtMs: [12_000] }), ALL_WELL);
});

Deno.test("a file that changes while it is fetched is got as one of the two, or its end says why", async () => {
  for (let afterMs = 0; afterMs <= 1_000; afterMs += 50) {
    const changes = [{ atMs: CALM.getAtMs + afterMs, server: 0, file: 0, sizeBytes: 200_001 }];
    const link = { ...CALM.link, bytesPerMs: 300 };
    const ends = await endsOf({ ...CALM, link, changes, gets: [0], puts: [] });
    const [end] = ends.filter((each) => each.startsWith("get"));
    assert(["get: done", "get: changed", "get: stalled"].includes(end!), `${afterMs} ms: ${end}`);
  }
});

Deno.test("the same world runs the same way", async () => {
  for (const seed of [3, 4, 5]) {
    const digest = (await runShipped(shippedScenarioOf(seed))).digest;
    assertEquals((await runShipped(shippedScenarioOf(seed))).digest, digest, `seed ${seed}`);
  }
});

Deno.test(`${CI_SEEDS} worlds of this commit, entered as users enter them, keep every promise`, async () => {
  const request = { family: "shipped", base: await baseSeed(), first: 0, count: CI_SEEDS } as const;
  const { failures } = await runBatch(request);
  const again = failures.map(({ seed, violation }) =>
    `deno task sim --shipped --seed ${seed}: ${violation}`
  );
  assertEquals(again, []);
});
