/** Takers in numbers, and addresses that announce themselves as takers and are none. */
import { assertEquals, assertLess } from "@std/assert";
import { MIB } from "../../lib/limits.ts";
import { cable, swarmScenario, takers } from "./swarm_scenario.ts";
import { runSwarm } from "./swarm_world.ts";

Deno.test("a hundred at once take a few times as long as one alone, and cost the server a few files", async () => {
  const [link, sizeBytes] = [cable({ bytesPerMs: 1_200 }), 4 * MIB];
  const of = (count: number) =>
    runSwarm(swarmScenario({ takers: takers(count, { link }), servers: [{ link }], sizeBytes }));
  const [alone, outcome] = [await of(1), await of(100)];
  assertEquals([alone.violation, outcome.violation], [undefined, undefined]);
  assertLess(outcome.servedBytes, 8 * sizeBytes);
  assertLess(outcome.makespanMs, 8 * alone.makespanMs);
});

Deno.test("ten thousand addresses that announce themselves as takers keep nobody from the file", async () => {
  const [phantoms, takerCount, sizeBytes] = [10_000, 4, 16 * MIB];
  const outcome = await runSwarm(
    swarmScenario({ phantoms, takers: takers(takerCount), sizeBytes }),
  );
  assertEquals(outcome.violation, undefined);
  const { makespanMs } = await runSwarm(swarmScenario({ takers: takers(1), sizeBytes }));
  assertLess(outcome.makespanMs, 1.5 * takerCount * makespanMs);
});
