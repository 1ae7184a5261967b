/**
 * A third kind of source in the data path that ships: what it is pushed goes through fetch list, chunk buffers,
 * outlet and assembler to a file, beside a source that fetches.
 */
import { assert, assertEquals } from "@std/assert";
import { endpointText } from "../../lib/address.ts";
import { CHUNKS, plainScenario, plainServer } from "./plain_scenario.ts";
import { PUSHER } from "./push_driver.ts";
import type { PushSpec, Scenario, ServerSpec } from "./scenario.ts";
import { type Outcome, runScenario } from "./world.ts";

const PUSH: PushSpec = { bytesPerMs: 2_000, startsMs: 0, loss: 0, badChunks: [] };

function scenario(push: PushSpec | undefined, server: Partial<ServerSpec> = {}): Scenario {
  return plainScenario({ servers: [plainServer(server)], push });
}

const PUSHED_FROM = endpointText(PUSHER.endpoint);

/** What each source gave. */
function sharesOf({ done }: Outcome): { readonly pushed: number; readonly fetched: number } {
  assert(done !== undefined);
  const shares = { pushed: 0, fetched: 0 };
  for (const { server, chunks } of done.servers) {
    shares[server === PUSHED_FROM ? "pushed" : "fetched"] += chunks;
  }
  return shares;
}

Deno.test("chunks that are pushed and chunks that are fetched make one file", async () => {
  const outcome = await runScenario(scenario(PUSH));
  assertEquals([outcome.violation, outcome.end], [undefined, "done"]);
  const { pushed, fetched } = sharesOf(outcome);
  assertEquals(pushed + fetched, CHUNKS, "each chunk counts once");
  assert(pushed > 0 && fetched > 0, `${pushed} pushed, ${fetched} fetched`);
});

Deno.test("a chunk that is pushed wrong is not written, and comes right from whoever has it", async () => {
  for (const badChunks of [[12], [12, 13]]) {
    const outcome = await runScenario(scenario({ ...PUSH, bytesPerMs: 20_000, badChunks }));
    assertEquals([outcome.violation, outcome.end], [undefined, "done"]);
    const bad = outcome.done!.servers.map((
      { server, badChunks },
    ) => [server === PUSHED_FROM, badChunks]);
    assertEquals(bad.filter(([, count]) => count !== 0), [[true, badChunks.length]]);
    assertEquals(sharesOf(outcome).pushed + sharesOf(outcome).fetched, CHUNKS);
  }
});

Deno.test("a source that pushes wrong chunks again and again is dropped, and the file comes", async () => {
  const badChunks = Array.from({ length: CHUNKS }, (_, chunk) => chunk);
  const outcome = await runScenario(scenario({ ...PUSH, bytesPerMs: 20_000, badChunks }));
  assertEquals([outcome.violation, outcome.end], [undefined, "done"]);
  assertEquals(sharesOf(outcome), { pushed: 0, fetched: CHUNKS });
});

Deno.test("what the only server can give no more, a later round of pushed pieces brings", async () => {
  const crash = { kind: "crash", atMs: 300 } as const;
  const outcome = await runScenario(scenario({ ...PUSH, loss: 0.05 }, { mishaps: [crash] }));
  assertEquals([outcome.violation, outcome.end], [undefined, "done"]);
  const { pushed, fetched } = sharesOf(outcome);
  assertEquals(pushed + fetched, CHUNKS);
  assert(fetched > 0 && pushed > CHUNKS / 2);
});

Deno.test("a source that pushes and falls silent costs nothing", async () => {
  const alone = await runScenario(scenario(undefined));
  const silent = await runScenario(scenario({ ...PUSH, endsMs: 0 }));
  assertEquals([silent.violation, silent.end], [undefined, "done"]);
  assertEquals(sharesOf(silent), { pushed: 0, fetched: CHUNKS });
  assert(
    silent.elapsedMs < 1.1 * alone.elapsedMs,
    `${silent.elapsedMs} ms, not ${alone.elapsedMs}`,
  );
});
