/** How long a search waits for what a server has not come to yet, and for what it keeps from answering. */
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import type { SafeFileName } from "../../../lib/ids.ts";
import { TURN_PATIENCES_MAX } from "../../../lib/protocol/discovery/limits.ts";
import type { Query } from "../../../lib/wire/frames.ts";
import { frameOf, NAME, offer, proved, type Run, serverAt, start, times } from "./finder_world.ts";

const PATIENCE = { timeoutMs: 1_000, attempts: 3 };
const QUERIES = Array.from({ length: 200 }, (_, i): Query & { by: "name" } => ({
  by: "name",
  name: (i === 0 ? NAME : `f${i}`) as SafeFileName,
}));

/** A search that a server answers query by query, but for what it keeps back, until it falls silent. */
function searchOf(everyMs: number, keptBack: readonly string[], untilMs = Infinity): Run {
  let freeMs = 0;
  const answered = new Set<string>();
  return start({
    ...PATIENCE,
    queries: QUERIES,
    onFind: serverAt(1, (world, find, nowMs, to) => {
      if (to === undefined) return world.at(nowMs + 1, frameOf(1, offer(find, 1)));
      find.queries.forEach((query, queryIndex) => {
        if (query.by !== "name" || keptBack.includes(query.name) || answered.has(query.name)) {
          return;
        }
        freeMs = Math.max(freeMs, nowMs) + everyMs;
        if (freeMs > untilMs) return;
        answered.add(query.name);
        world.at(freeMs, frameOf(1, offer(find, 1, { queryIndex, name: query.name })));
        const sought = QUERIES.findIndex(({ name }) => name === query.name);
        world.at(freeMs, { kind: "settle", queryIndex: sought });
      });
    }),
  });
}

Deno.test("who answers one after another is waited for by all whose turn is yet to come", () => {
  const run = searchOf(100, []);
  run.runUntil(200_000);
  assertEquals(new Set(proved(run).map(({ action }) => action.queryIndex)).size, QUERIES.length);
  assertGreater(proved(run).at(-1)!.atMs, PATIENCE.timeoutMs * PATIENCE.attempts);
  assertEquals(times(run, "timedOut"), []);
});

Deno.test("what it keeps back is given up once it has answered all else, after as many attempts", () => {
  const run = searchOf(20, ["f7", "f150"]);
  run.runUntil(200_000);
  const lastMs = proved(run).at(-1)!.atMs;
  const ends = times(run, "timedOut");
  assertEquals(ends.length, 2);
  for (const endMs of ends) assertLess(endMs, lastMs + PATIENCE.timeoutMs * PATIENCE.attempts + 1);
});

Deno.test("a server that drips its answers to hold a search up does so for a bounded time", () => {
  const run = searchOf(PATIENCE.timeoutMs * 0.9, ["f7"]);
  run.runUntil(2_000_000);
  const patienceMs = PATIENCE.timeoutMs * PATIENCE.attempts;
  assertEquals(times(run, "timedOut").length > 0, true);
  assertLess(Math.max(...times(run, "timedOut")), (TURN_PATIENCES_MAX + 1) * patienceMs + 1);
});

Deno.test("a server that falls silent in the middle costs the rest its attempts, and no more", () => {
  const run = searchOf(20, [], 1_500);
  run.runUntil(200_000);
  const endMs = 1_500 + PATIENCE.timeoutMs * PATIENCE.attempts;
  assertGreater(times(run, "timedOut").length, QUERIES.length / 2);
  assertLess(Math.max(...times(run, "timedOut")), endMs + PATIENCE.timeoutMs);
});
