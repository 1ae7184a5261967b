/** More addresses that announce themselves as takers than anybody remembers. */
import { assertEquals, assertLess } from "@std/assert";
import { MIB } from "../../lib/limits.ts";
import { swarmScenario, takers } from "./swarm_scenario.ts";
import { runSwarm } from "./swarm_world.ts";

Deno.test("ten thousand addresses that announce themselves as takers keep nobody from the file", async () => {
  const [phantoms, takerCount, sizeBytes] = [10_000, 4, 16 * MIB];
  const outcome = await runSwarm(
    swarmScenario({ phantoms, takers: takers(takerCount), sizeBytes }),
  );
  assertEquals(outcome.violation, undefined);
  const { makespanMs } = await runSwarm(swarmScenario({ takers: takers(1), sizeBytes }));
  assertLess(outcome.makespanMs, 1.5 * takerCount * makespanMs);
});
