/** Servers that have some chunks of a file only, in the data path that ships. */
import { assert, assertEquals } from "@std/assert";
import { CHUNKS, plainPath, plainScenario, plainServer } from "./plain_scenario.ts";
import { type Outcome, runScenario } from "./world.ts";

/** What each server gave, in the order of their addresses. */
function chunksOf({ done }: Outcome): readonly number[] {
  assert(done !== undefined);
  return [...done.servers].sort((a, b) => a.server < b.server ? -1 : 1).map(({ chunks }) => chunks);
}

Deno.test("servers that have a part each make one file together, and each gives what it has", async () => {
  const servers = [
    plainServer({ holds: [0, 5] }),
    plainServer({ holds: [5, 20] }),
    plainServer({ holds: [20, CHUNKS] }),
  ];
  const outcome = await runScenario(plainScenario({ servers }));
  assertEquals([outcome.violation, outcome.end], [undefined, "done"]);
  assertEquals(chunksOf(outcome), [5, 15, CHUNKS - 20]);
});

Deno.test("what a server lacks is never asked of it, and comes when somebody has it", async () => {
  const servers = [
    plainServer({ holds: [0, 5] }),
    plainServer({ holds: [0, 5], startsMs: 400 }),
    plainServer({ startsMs: 800, rateBytesPerS: 1_000_000 }),
  ];
  const outcome = await runScenario(plainScenario({ servers }));
  assertEquals([outcome.violation, outcome.end], [undefined, "done"]);
  assertEquals(chunksOf(outcome), [5, CHUNKS - 5], "who came second had nothing more to give");
});

Deno.test("over TCP, too, a server is asked for what it has, and the rest comes from another", async () => {
  const block = { what: "data", fromMs: 0 } as const;
  const paths = [plainPath({}, { block })];
  const part = plainServer({ paths, holds: [0, 5], tcp: { breaksMs: [] } });
  const servers = [part, plainServer({ startsMs: 6_000 })];
  const outcome = await runScenario(plainScenario({ servers }));
  assertEquals([outcome.violation, outcome.end], [undefined, "done"]);
  assertEquals(chunksOf(outcome), [5, CHUNKS - 5]);
});
