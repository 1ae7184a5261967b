/** Takers of one file, all as they ship, in virtual time: what one has, others get from him. */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { KIB, MIB } from "../../lib/limits.ts";
import { FAST_BYTES_PER_MS, swarmScenario, takers } from "./swarm_scenario.ts";
import { runSwarm } from "./swarm_world.ts";

Deno.test("four who come at once cost a server far less than four files, and end far sooner", async () => {
  const sizeBytes = 4 * MIB;
  const outcome = await runSwarm(swarmScenario({ takers: takers(4), sizeBytes }));
  assertEquals(outcome.violation, undefined);
  assertLess(outcome.servedBytes, 3 * sizeBytes);
  assertLess(outcome.makespanMs, 3 * sizeBytes / FAST_BYTES_PER_MS);
  assert(outcome.takers.every(({ givenBytes }) => givenBytes > 0), "everybody gives");
});

Deno.test("who is alone, or has it in a moment, opens nothing and gives nothing", async () => {
  const alone = await runSwarm(swarmScenario({ takers: takers(1), sizeBytes: 4 * MIB }));
  const few = await runSwarm(swarmScenario({ takers: takers(2), sizeBytes: 256 * KIB }));
  for (const { violation, takers } of [alone, few]) {
    assertEquals([violation, ...takers.map(({ givenBytes }) => givenBytes)].filter(Boolean), []);
  }
});

Deno.test("who comes late gets most of it from those who are at it", async () => {
  const sizeBytes = 4 * MIB;
  const late = { startsMs: 350 };
  const outcome = await runSwarm(swarmScenario({
    ...{ sizeBytes, takers: [...takers(3), ...takers(1, late)] },
  }));
  assertEquals(outcome.violation, undefined);
  const givenBytes = outcome.takers.reduce((sum, each) => sum + each.givenBytes, 0);
  assertGreater(givenBytes, sizeBytes);
});
