/** A server that is asked over UDP and over TCP in one run is one: it has one row of what it gave, and one blame. */
import { assert, assertEquals } from "@std/assert";
import { STREAM_ASK_AFTER_MS } from "../../lib/protocol/download/limits.ts";
import { INTEGRITY_FAILURES_MAX } from "../../lib/protocol/download/limits.ts";
import { CHUNKS, plainPath, plainScenario, plainServer } from "./plain_scenario.ts";
import type { ServerSpec } from "./scenario.ts";
import { type Outcome, runScenario } from "./world.ts";

const LIES = Array.from({ length: CHUNKS }, (_, chunk) => chunk);

/** Named by the user; nothing passes over UDP until long after it was asked over TCP. */
function silentAtFirst(given: Partial<ServerSpec> = {}): ServerSpec {
  const block = { what: "all", fromMs: 0, untilMs: 2 * STREAM_ASK_AFTER_MS } as const;
  return plainServer({ paths: [plainPath({}, { block })], tcp: { breaksMs: [] }, ...given });
}

function run(...servers: readonly ServerSpec[]): Promise<Outcome> {
  const { client } = plainScenario();
  const patient = { ...client, namesServers: true, retries: 6 };
  return runScenario(plainScenario({ servers, client: patient }), true);
}

Deno.test("found over TCP and then over UDP, a server gives by both and is told of once", async () => {
  // Over TCP alone it takes seconds, so that datagrams bring something as well.
  const outcome = await run(silentAtFirst({ rateBytesPerS: 400_000 }));
  assertEquals([outcome.violation, outcome.end], [undefined, "done"]);
  assertEquals(outcome.done!.servers.map(({ chunks }) => chunks), [CHUNKS]);
});

Deno.test("a liar that was caught over TCP is not asked over UDP under another name", async () => {
  const honest = silentAtFirst({ startsMs: 2_000, rateBytesPerS: 400_000 });
  const outcome = await run(silentAtFirst({ lie: "chunks", lieChunks: LIES }), honest);
  assertEquals([outcome.violation, outcome.end], [undefined, "done"]);
  assertBlamedOnce(outcome);
});

Deno.test("a liar that was caught over UDP is not asked over TCP under another name", async () => {
  const liar = plainServer({ lie: "chunks", lieChunks: LIES, tcp: { breaksMs: [] } });
  const outcome = await run(liar);
  assertEquals([outcome.violation, outcome.end], [undefined, "unverified"]);
  assertBlamedOnce(outcome);
});

/** It was given up after its share of bad chunks, and none came after that. */
function assertBlamedOnce({ lines }: Outcome): void {
  const blamed = lines.filter((line) => line.endsWith(" dropped"));
  assert(INTEGRITY_FAILURES_MAX > 1);
  assertEquals(blamed.length, 1, blamed.join("\n"));
}
