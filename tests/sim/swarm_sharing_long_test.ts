/** Takers in numbers, and in worlds of which many take a while. */
import { assertEquals, assertLess } from "@std/assert";
import { MIB } from "../../lib/limits.ts";
import { cable, swarmScenario, takers } from "./swarm_scenario.ts";
import { runSwarm, type SwarmOutcome } from "./swarm_world.ts";

const BYTES_PER_MS = 1_200;
const LINK = cable({ bytesPerMs: BYTES_PER_MS });

async function crowd(count: number, sizeBytes: number): Promise<SwarmOutcome> {
  const servers = [{ link: LINK }];
  const outcome = await runSwarm(
    swarmScenario({ takers: takers(count, { link: LINK }), servers, sizeBytes }),
  );
  assertEquals(outcome.violation, undefined);
  return outcome;
}

for (const [count, mib] of [[100, 8], [1_000, 2]] as const) {
  Deno.test(`${count} takers at once cost the server a few files, and each little more time than one alone`, async () => {
    const alone = await crowd(1, mib * MIB);
    const outcome = await crowd(count, mib * MIB);
    assertLess(outcome.servedBytes, 8 * mib * MIB);
    assertLess(outcome.makespanMs, 4 * alone.makespanMs);
  });
}

Deno.test("ten thousand addresses that announce themselves as takers keep nobody from the file", async () => {
  const [phantoms, takerCount, sizeBytes] = [10_000, 4, 16 * MIB];
  const outcome = await runSwarm(
    swarmScenario({ phantoms, takers: takers(takerCount), sizeBytes }),
  );
  assertEquals(outcome.violation, undefined);
  const { makespanMs } = await runSwarm(swarmScenario({ takers: takers(1), sizeBytes }));
  assertLess(outcome.makespanMs, 1.5 * takerCount * makespanMs);
});
