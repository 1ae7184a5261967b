/** The only server of many files dies: one finding ends it for all of them, and a server that is back continues. */
import { assert, assertEquals } from "@std/assert";
import { type BatchSpec, BatchWorld } from "./batch_world.ts";

const PATIENCE_MS = 9_000;
const SPEC: BatchSpec = {
  files: 300,
  timeoutMs: 3_000,
  retries: 3,
  jobs: 16,
  rateBytesPerS: 200_000,
  diesAfterFiles: [20],
};

for (const jobs of [1, 16]) {
  Deno.test(`a server that dies is waited for once, with ${jobs} files at a time`, async () => {
    const { ends, diedMs, endedMs } = await new BatchWorld({ ...SPEC, jobs }).run(600_000);
    const failed = ends.filter(({ event }) => event === "failed");
    assert(failed.length > SPEC.files / 2, `${failed.length} failed`);
    const codes = new Set(ends.map((end) => end.event === "failed" ? end.code : end.event));
    assertEquals([...codes].sort(), ["done", "stalled"]);
    const waitedMs = endedMs - diedMs;
    assert(waitedMs >= 0.8 * PATIENCE_MS && waitedMs <= 2 * PATIENCE_MS, `${waitedMs} ms`);
  });

  Deno.test(`a server that is back in time brings the rest, with ${jobs} files at a time`, async () => {
    const world = new BatchWorld({ ...SPEC, jobs, backAfterMs: 0.6 * PATIENCE_MS });
    const { ends } = await world.run(600_000);
    assertEquals(ends.filter(({ event }) => event !== "done"), []);
  });
}

Deno.test("a server that dies again and again, and is back in time each time, brings all of it", async () => {
  const world = new BatchWorld({
    ...SPEC,
    backAfterMs: 0.7 * PATIENCE_MS,
    diesAfterFiles: [20, 60, 100],
  });
  assertEquals((await world.run(600_000)).ends.filter(({ event }) => event !== "done"), []);
});
