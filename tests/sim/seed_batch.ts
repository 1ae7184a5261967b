/** Runs the worlds of consecutive seeds and counts how they ended. As a worker it does so when told. */
import { scenarioOf } from "./scenario.ts";
import type { Batch, BatchRequest } from "./seed_pool.ts";
import { seedAt } from "./seeds.ts";
import { shippedScenarioOf } from "./shipped_scenario.ts";
import { runShipped } from "./shipped_world.ts";
import { swarmScenarioOf } from "./swarm_seeds.ts";
import { runSwarm } from "./swarm_world.ts";
import { runScenario } from "./world.ts";

const WORLDS = {
  links: async (seed: number) => {
    const { end, violation } = await runScenario(scenarioOf(seed));
    return { ends: [end], violation };
  },
  shipped: (seed: number) => runShipped(shippedScenarioOf(seed)),
  swarm: async (seed: number) => {
    const { takers, violation } = await runSwarm(swarmScenarioOf(seed));
    return { ends: takers.map(({ end }) => end), violation };
  },
};

export async function runBatch({ family, base, first, count }: BatchRequest): Promise<Batch> {
  const ends = new Map<string, number>();
  const failures: { seed: number; violation: string }[] = [];
  for (let index = first; index < first + count; index++) {
    const seed = seedAt(base, index);
    const { ends: own, violation } = await WORLDS[family](seed);
    for (const end of own) ends.set(end, (ends.get(end) ?? 0) + 1);
    if (violation !== undefined) failures.push({ seed, violation });
  }
  return { count, ends: [...ends], failures };
}

/** The part of a worker's scope that is used here. */
interface WorkerScope {
  onmessage?: ((event: MessageEvent<BatchRequest>) => void) | null;
  postMessage?(batch: Batch): void;
}

const scope = globalThis as WorkerScope;
if ("WorkerGlobalScope" in globalThis) {
  scope.onmessage = async ({ data }) => scope.postMessage?.(await runBatch(data));
}
