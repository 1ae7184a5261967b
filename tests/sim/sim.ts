/**
 * The command of the simulation: runs the worlds of many seeds, on all cores, or one of them again.
 *
 *     deno task sim [--shipped | --swarm] [--seeds N] [--base B] [--workers W]
 *     deno task sim [--shipped | --swarm] --seed S [--trace]
 *     deno task sim --scenario FILE [--trace]
 */
import { parseArgs } from "@std/cli/parse-args";
import { type SeedFixture, seedFixtures } from "./seed_fixtures.ts";
import { baseSeed } from "./seeds.ts";
import { type Scenario, scenarioOf } from "./scenario.ts";
import { type Batch, SeedPool, type WorldFamily } from "./seed_pool.ts";
import { shippedScenarioOf } from "./shipped_scenario.ts";
import { runShipped } from "./shipped_world.ts";
import { swarmScenarioOf } from "./swarm_seeds.ts";
import { runSwarm } from "./swarm_world.ts";
import { runScenario } from "./world.ts";

const SEEDS_DEFAULT = 1_000;
/** Failures that are told; there may be more. */
const TOLD_MAX = 20;

async function replay(scenario: Scenario, showsTrace: boolean): Promise<boolean> {
  const outcome = await runScenario(scenario, true);
  if (showsTrace) { for (const line of outcome.lines) console.log(line); }
  const { client, servers, sizeBytes } = scenario;
  console.log(`seed ${scenario.seed}: ${sizeBytes} bytes, ${servers.length} servers`);
  console.log(`  client: ${JSON.stringify(client)}`);
  for (const [index, { paths, ...spec }] of servers.entries()) {
    console.log(`  server ${index}: ${JSON.stringify(spec)}`);
    for (const path of paths) console.log(`    path: ${JSON.stringify(path)}`);
  }
  const { end, elapsedMs, eventCount, digest, violation } = outcome;
  console.log(`  end: ${end} after ${Math.round(elapsedMs)} ms of its time`);
  console.log(`  ${eventCount} events, digest ${digest}`);
  console.log(violation === undefined ? "  everything held" : `  BROKEN: ${violation}`);
  return violation === undefined;
}

async function replayShipped(seed: number, showsTrace: boolean): Promise<boolean> {
  const scenario = shippedScenarioOf(seed);
  const { lines, ends, elapsedMs, digest, violation } = await runShipped(scenario, true);
  if (showsTrace) { for (const line of lines) console.log(line); }
  console.log(JSON.stringify(scenario));
  console.log(`  ends: ${ends.join(", ")}, after ${Math.round(elapsedMs)} ms of its time`);
  console.log(`  digest ${digest}`);
  console.log(violation === undefined ? "  everything held" : `  BROKEN: ${violation}`);
  return violation === undefined;
}

async function replaySwarm(seed: number, showsTrace: boolean): Promise<boolean> {
  const scenario = swarmScenarioOf(seed);
  const { lines, takers, makespanMs, servedBytes, digest, violation } = await runSwarm(
    scenario,
    true,
  );
  if (showsTrace) { for (const line of lines) console.log(line); }
  console.log(JSON.stringify(scenario));
  for (const [index, { end, tookMs, givenBytes }] of takers.entries()) {
    console.log(
      `  taker ${index}: ${end} after ${Math.round(tookMs)} ms, gave ${givenBytes} bytes`,
    );
  }
  console.log(
    `  ${Math.round(makespanMs)} ms in all, ${servedBytes} bytes served, digest ${digest}`,
  );
  console.log(violation === undefined ? "  everything held" : `  BROKEN: ${violation}`);
  return violation === undefined;
}

async function runMany(
  family: WorldFamily,
  seeds: number,
  base: number,
  workers: number,
): Promise<boolean> {
  console.log(`${seeds} seeds from ${base} on, ${workers} workers`);
  const startMs = performance.now();
  const ends = new Map<string, number>();
  let failures = 0;
  let done = 0;
  const onBatch = (batch: Batch): void => {
    for (const [end, count] of batch.ends) ends.set(end, (ends.get(end) ?? 0) + count);
    for (const { seed, violation } of batch.failures) {
      failures += 1;
      if (failures > TOLD_MAX) continue;
      console.log(`seed ${seed}: ${violation.split("\n")[0]}`);
      console.log(
        `  again: deno task sim ${family === "links" ? "" : `--${family} `}--seed ${seed}`,
      );
    }
    done += batch.count;
    if (done % 10_000 < batch.count && done < seeds) {
      console.log(`${done} seeds, ${failures} failed`);
    }
  };
  await new SeedPool(workers, family, onBatch).run(base, seeds);
  const seconds = (performance.now() - startMs) / 1_000;
  const told = [...ends].sort(([, a], [, b]) => b - a).map(([end, n]) => `${end} ${n}`).join(", ");
  console.log(`ends: ${told}`);
  const rate = `${(seeds / seconds).toFixed(0)} seeds/s`;
  console.log(`${seeds} seeds in ${seconds.toFixed(1)} s (${rate}), ${failures} failed`);
  return failures === 0;
}

const args = parseArgs(Deno.args, {
  string: ["seed", "seeds", "base", "workers", "scenario"],
  boolean: ["trace", "fixtures", "shipped", "swarm"],
});

if (args.scenario !== undefined) {
  const kept = JSON.parse(Deno.readTextFileSync(String(args.scenario)));
  Deno.exit(await replay(kept.scenario ?? kept, args.trace === true) ? 0 : 1);
}
if (args.seed !== undefined && (args.shipped || args.swarm)) {
  const replayFamily = args.shipped ? replayShipped : replaySwarm;
  Deno.exit(await replayFamily(Number(args.seed) >>> 0, args.trace === true) ? 0 : 1);
}
if (args.seed !== undefined) {
  Deno.exit(await replay(scenarioOf(Number(args.seed) >>> 0), args.trace === true) ? 0 : 1);
}
if (args.fixtures) {
  const broken: SeedFixture[] = [];
  for (const fixture of seedFixtures()) {
    if (!await replay(fixture.scenario, false)) broken.push(fixture);
  }
  Deno.exit(broken.length === 0 ? 0 : 1);
}
const base = args.base === undefined ? await baseSeed() : Number(args.base) >>> 0;
const workers = Number(args.workers ?? navigator.hardwareConcurrency);
const isGood = await runMany(
  args.shipped ? "shipped" : args.swarm ? "swarm" : "links",
  Number(args.seeds ?? SEEDS_DEFAULT),
  base,
  workers,
);
Deno.exit(isGood ? 0 : 1);
