/** Packing in simulated networks: what is lost, who dies, who lies, and who comes back. */
import { assert, assertEquals } from "@std/assert";
import { plainPath, plainScenario, plainServer } from "./plain_scenario.ts";
import type { ServerSpec } from "./scenario.ts";
import { type Outcome, runScenario } from "./world.ts";

const SIZE_BYTES = 200 * 65_536 - 1_000;
/** What does not pack. */
const NOISE = 1;

function run(servers: readonly ServerSpec[], isWatched = true): Promise<Outcome> {
  return runScenario(plainScenario({ sizeBytes: SIZE_BYTES, servers }), isWatched);
}

function assertDone(outcome: Outcome): void {
  assertEquals([outcome.violation, outcome.end], [undefined, "done"]);
}

Deno.test("what packs travels packed, and arrives sooner", async () => {
  const text = await run([plainServer()]);
  const noise = await run([plainServer({ variant: NOISE })]);
  assertDone(text);
  assertDone(noise);
  assert(text.done!.savedBytes > SIZE_BYTES / 3, `${text.done!.savedBytes}`);
  assertEquals(noise.done!.savedBytes, 0);
  assert(text.done!.seconds < 0.8 * noise.done!.seconds);
});

Deno.test("over lines that lose, repeat, reorder and flip bits it is what it was", async () => {
  const bad = { loss: 0.03, duplication: 0.02, reordering: 0.02, bitFlips: 0.01, truncation: 0.01 };
  const outcome = await run([plainServer({ paths: [plainPath(bad)] })]);
  assertDone(outcome);
  assert(outcome.done!.savedBytes > SIZE_BYTES / 4, `${outcome.done!.savedBytes}`);
});

Deno.test("two servers pack for one client, each what it is asked for", async () => {
  const outcome = await run([plainServer(), plainServer()]);
  assertDone(outcome);
  const { servers } = outcome.done!;
  assertEquals(servers.length, 2);
  for (const { bytes, savedBytes } of servers) assert(savedBytes > bytes / 4, `${savedBytes}`);
});

Deno.test("a server that is started again knows no packs of before, and packs anew", async () => {
  const crash = { kind: "crash", atMs: 2_000, forMs: 400 } as const;
  const outcome = await run([plainServer({ mishaps: [crash] })]);
  assertDone(outcome);
  assert(outcome.done!.savedBytes > SIZE_BYTES / 4, `${outcome.done!.savedBytes}`);
});

Deno.test("when one of two dies, the other brings what was in its packs", async () => {
  const crash = { kind: "crash", atMs: 1_500 } as const;
  assertDone(await run([plainServer({ mishaps: [crash] }), plainServer()]));
});

Deno.test("a file that changes while it is packed and fetched is not mixed", async () => {
  const change = { kind: "change", atMs: 1_500, seenMs: 20 } as const;
  const outcome = await run([plainServer({ mishaps: [change] })], false);
  assertEquals(outcome.violation, undefined);
});

Deno.test("a liar about packs is asked for none any more, and its chunks come as they are", async () => {
  const outcome = await run([plainServer({ lie: "packs" })]);
  assertDone(outcome);
  assertEquals(outcome.done!.savedBytes, 0);
  const [share] = outcome.done!.servers;
  assert(share!.badChunks > 0);
});
