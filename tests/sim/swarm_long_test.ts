/** Crowds that take the simulation a while: a hundred and a thousand who want the same, and many random worlds. */
import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { KIB, MIB } from "../../lib/limits.ts";
import { runBatch } from "./seed_batch.ts";
import { baseSeed } from "./seeds.ts";
import { swarmScenario, takers } from "./swarm_scenario.ts";
import { runSwarm, slowestShare } from "./swarm_world.ts";

/** Worlds of each commit. */
const SEEDS = 150;
const SLOWEST_SHARE_MIN = 0.5;
/** … where a thousand fetch what is over in a moment for one. */
const SLOWEST_SHARE_OF_MANY_MIN = 0.33;

for (
  const [count, sizeBytes, shareMin] of [
    [100, 1 * MIB, SLOWEST_SHARE_MIN],
    [1_000, 256 * KIB, SLOWEST_SHARE_OF_MANY_MIN],
  ] as const
) {
  Deno.test(`of ${count} who come at once, all end with the file, and none long after the others`, async () => {
    const outcome = await runSwarm(swarmScenario({ takers: takers(count), sizeBytes }));
    assertEquals(outcome.violation, undefined);
    assertEquals([...new Set(outcome.takers.map(({ end }) => end))], ["done"]);
    assertGreaterOrEqual(slowestShare(outcome), shareMin);
  });
}

Deno.test(`${SEEDS} swarms of this commit keep every promise`, async () => {
  const request = { family: "swarm", base: await baseSeed(), first: 0, count: SEEDS } as const;
  const { failures } = await runBatch(request);
  const again = failures.map(({ seed, violation }) =>
    `deno task sim --swarm --seed ${seed}: ${violation}`
  );
  assertEquals(again, []);
});
