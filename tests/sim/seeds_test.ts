import { assertEquals, assertNotEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { runBatch } from "./seed_batch.ts";
import { seedFixtures } from "./seed_fixtures.ts";
import { scenarioOf } from "./scenario.ts";
import { baseSeed } from "./seeds.ts";
import { runScenario } from "./world.ts";

/** Worlds of each commit that are tried here; `deno task sim` tries any number. */
const CI_SEEDS = 500;

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const canRead = (await Deno.permissions.query({ name: "read", path: ROOT })).state === "granted";
const canRun = (await Deno.permissions.query({ name: "run", command: "git" })).state === "granted";

Deno.test("the same seed gives the same run, byte for byte, and another seed another one", async () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const digest = (await runScenario(scenarioOf(seed))).digest;
    assertEquals((await runScenario(scenarioOf(seed))).digest, digest, `seed ${seed}`);
    assertNotEquals((await runScenario(scenarioOf(seed + 100))).digest, digest, `seed ${seed}`);
  }
});

Deno.test("a scenario is plain data: what comes back from JSON gives the same run", async () => {
  for (const seed of [11, 12, 13]) {
    const scenario = scenarioOf(seed);
    const again = JSON.parse(JSON.stringify(scenario));
    assertEquals(
      (await runScenario(again)).digest,
      (await runScenario(scenario)).digest,
      `seed ${seed}`,
    );
  }
});

Deno.test({
  name: "every world in which something was wrong once is right now",
  ignore: !canRead,
  async fn() {
    for (const { file, found, scenario } of seedFixtures()) {
      assertEquals((await runScenario(scenario)).violation, undefined, `${file}: ${found}`);
    }
  },
});

Deno.test({
  name: `${CI_SEEDS} worlds of this commit keep every promise`,
  ignore: !canRead || !canRun,
  async fn() {
    const base = await baseSeed();
    const { failures } = await runBatch({ family: "links", base, first: 0, count: CI_SEEDS });
    const again = failures.map(({ seed, violation }) =>
      `deno task sim --seed ${seed}: ${violation}`
    );
    assertEquals(again, []);
  },
});
