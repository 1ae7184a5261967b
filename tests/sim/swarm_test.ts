/** Many who want the same of one server, all as they ship: they come late, leave, crash and come back, on links of all kinds. */
import { assert, assertEquals, assertGreaterOrEqual } from "@std/assert";
import { KIB, MIB } from "../../lib/limits.ts";
import { runBatch } from "./seed_batch.ts";
import { baseSeed } from "./seeds.ts";
import {
  cable,
  FAST_BYTES_PER_MS,
  plainLink,
  type SwarmScenario,
  swarmScenario,
  takers,
} from "./swarm_scenario.ts";
import { runSwarm, slowestShare, type SwarmOutcome } from "./swarm_world.ts";

/** Worlds of each commit that are tried here; `deno task sim --swarm` tries any number. */
const CI_SEEDS = 12;
/** Of what all get on average, the least that anybody may get who wants the same at the same time. */
const SLOWEST_SHARE_MIN = 0.5;

async function heldIn(given: Partial<SwarmScenario>): Promise<SwarmOutcome> {
  const outcome = await runSwarm(swarmScenario(given));
  assertEquals(outcome.violation, undefined);
  return outcome;
}

function endsOf({ takers }: SwarmOutcome): readonly string[] {
  return takers.map(({ end }) => end);
}

function assertAllDone(outcome: SwarmOutcome): void {
  assertEquals([...new Set(endsOf(outcome))], ["done"]);
}

Deno.test("of many who come at once, nobody gets less than half of what all get on average", async () => {
  for (const count of [2, 8, 24]) {
    const outcome = await heldIn({ takers: takers(count), sizeBytes: 512 * KIB });
    assertAllDone(outcome);
    assertGreaterOrEqual(slowestShare(outcome), SLOWEST_SHARE_MIN, `${count} takers`);
  }
});

Deno.test("who comes late, leaves, crashes or comes back changes nothing for the others", async () => {
  const outcome = await heldIn({
    takers: [
      ...takers(4),
      ...takers(1, { startsMs: 150 }),
      ...takers(1, { leavesMs: 200 }),
      ...takers(1, { diesMs: 250 }),
      ...takers(1, { diesMs: 200, backAfterMs: 100 }),
    ],
  });
  assertEquals(endsOf(outcome), [...Array(5).fill("done"), "interrupted", "killed", "done"]);
});

Deno.test("whatever is lost, doubled, mixed up and damaged on the way, all end with the file", async () => {
  const rough = { loss: 0.02, duplication: 0.02, reordering: 0.02, bitFlips: 0.005 };
  assertAllDone(
    await heldIn({
      sizeBytes: 256 * KIB,
      servers: [{ link: cable(rough) }],
      takers: takers(6, { link: cable(rough) }),
    }),
  );
});

Deno.test("slow and asymmetric links are their own affair", async () => {
  const slow = cable({ bytesPerMs: FAST_BYTES_PER_MS / 10 });
  const up = plainLink({ bytesPerMs: FAST_BYTES_PER_MS / 20 });
  const fast = { sizeBytes: 512 * KIB, takers: takers(4) };
  const alone = await heldIn(fast);
  const outcome = await heldIn({
    ...fast,
    takers: [
      ...fast.takers,
      ...takers(1, { link: slow }),
      ...takers(1, { link: { up, down: plainLink() } }),
    ],
  });
  assertAllDone(outcome);
  const lastOfFast = Math.max(...outcome.takers.slice(0, 4).map(({ tookMs }) => tookMs));
  assert(lastOfFast < 2 * alone.makespanMs, `${lastOfFast} ms, and ${alone.makespanMs} alone`);
});

Deno.test("who shares the air ends as others do", async () => {
  const outcome = await heldIn({
    sizeBytes: 512 * KIB,
    takers: takers(4, { link: "air" }),
  });
  assertAllDone(outcome);
  assertGreaterOrEqual(slowestShare(outcome), SLOWEST_SHARE_MIN);
});

Deno.test("who is cut off from the server for a while ends once it is back", async () => {
  const outcome = await heldIn({
    partitions: [{ duringMs: [150, 3_000], hosts: [5, 6, 7, 8] }],
  });
  assertAllDone(outcome);
  assert(outcome.takers.slice(0, 4).every(({ tookMs }) => tookMs < 3_000), "they wait for nobody");
  assert(outcome.takers.slice(4).every(({ tookMs }) => tookMs > 3_000), "nothing came through");
});

Deno.test("a master tells those behind a router of the server", async () => {
  const outcome = await heldIn({
    hasMaster: true,
    between: plainLink({ bytesPerMs: FAST_BYTES_PER_MS / 2 }),
    takers: [...takers(3), ...takers(3, { isRemote: true })],
    sizeBytes: 512 * KIB,
  });
  assertAllDone(outcome);
  assertGreaterOrEqual(outcome.crossedBytes, 512 * KIB);
});

Deno.test("the same swarm behaves the same way", async () => {
  const given = {
    seed: 7,
    sizeBytes: 256 * KIB,
    takers: takers(4, { link: cable({ loss: 0.02 }) }),
  };
  const { digest } = await heldIn(given);
  assertEquals((await heldIn(given)).digest, digest);
});

Deno.test("one alone takes what its link takes", async () => {
  const outcome = await heldIn({ takers: takers(1), sizeBytes: 4 * MIB });
  assertAllDone(outcome);
  assertEquals(outcome.servedBytes, 4 * MIB);
  const lineMs = 4 * MIB / FAST_BYTES_PER_MS;
  assert(outcome.makespanMs < 1.5 * lineMs, `${outcome.makespanMs} ms for ${lineMs}`);
});

Deno.test(`${CI_SEEDS} swarms of this commit keep every promise`, async () => {
  const request = { family: "swarm", base: await baseSeed(), first: 0, count: CI_SEEDS } as const;
  const { failures } = await runBatch(request);
  const again = failures.map(({ seed, violation }) =>
    `deno task sim --swarm --seed ${seed}: ${violation}`
  );
  assertEquals(again, []);
});
