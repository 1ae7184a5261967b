/**
 * A file that is larger than all chunk buffers of a source together, by each kind of source: what is written comes
 * back to be filled again.
 */
import { assertEquals } from "@std/assert";
import { CHUNK_BUFFER_BYTES_MAX } from "../../lib/protocol/download/limits.ts";
import { plainPath, plainScenario, plainServer } from "./plain_scenario.ts";
import type { Scenario, ServerSpec } from "./scenario.ts";
import { runScenario } from "./world.ts";

const SIZE_BYTES = CHUNK_BUFFER_BYTES_MAX + 1_000_000;
const FAST = { bytesPerMs: 125_000, queueBytesMax: 1 << 20 };

async function assertArrives(server: ServerSpec, given: Partial<Scenario> = {}): Promise<void> {
  const scenario = plainScenario({ sizeBytes: SIZE_BYTES, servers: [server], ...given });
  const outcome = await runScenario(scenario);
  assertEquals([outcome.violation, outcome.end], [undefined, "done"]);
}

Deno.test("more than all buffers comes in datagrams", async () => {
  await assertArrives(plainServer({ paths: [plainPath(FAST)], bytesPerMs: 125_000 }));
});

Deno.test("more than all buffers comes over a stream", async () => {
  const block = { what: "data", fromMs: 0 } as const;
  await assertArrives(plainServer({ paths: [plainPath(FAST, { block })], tcp: { breaksMs: [] } }));
});

Deno.test("more than all buffers is pushed", async () => {
  const crash = { kind: "crash", atMs: 100 } as const;
  const server = plainServer({ paths: [plainPath(FAST)], mishaps: [crash] });
  const push = { bytesPerMs: 20_000, startsMs: 0, loss: 0, badChunks: [] };
  await assertArrives(server, { push });
});
