/** How long a search goes on in which nobody at all is there. */
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { ABSENT_END_MS } from "../../../lib/protocol/discovery/limits.ts";
import {
  absent,
  frameOf,
  offer,
  peerOf,
  pending,
  provedMs,
  serverAt,
  start,
  times,
  type World,
} from "./finder_world.ts";

Deno.test("a search that nobody answers ends after its wait, however many attempts are left", () => {
  const run = start({ timeoutMs: 10_000, attempts: 10, waitMs: 15_000 });
  run.runUntil(200_000);
  assertEquals(times(run, "timedOut"), [15_000]);
  assertEquals(times(run, "broadcast").filter((atMs) => atMs >= 15_000), []);
});

Deno.test("a wait that is longer than all attempts is waited, and asks until its end", () => {
  const run = start({ timeoutMs: 1_000, attempts: 2, waitMs: 60_000 });
  run.runUntil(200_000);
  assertEquals(times(run, "timedOut"), [60_000]);
  assertGreater(times(run, "broadcast").at(-1)!, 55_000);
});

Deno.test("who answers at the end of the wait is found", () => {
  const run = start({
    timeoutMs: 1_000,
    attempts: 2,
    waitMs: 60_000,
    onFind: serverAt(1, (world, find, nowMs) => {
      if (nowMs > 50_000) world.at(nowMs + 1, frameOf(1, offer(find, 1)));
    }),
  });
  run.runUntil(200_000);
  assertLess(provedMs(run)[0]!, 60_000);
  assertEquals(times(run, "timedOut"), []);
});

Deno.test("a server that is there and hashes has its own patience, and the wait is none of it", () => {
  const run = start({
    timeoutMs: 10_000,
    attempts: 3,
    waitMs: 5_000,
    onFind: serverAt(1, (world, find, nowMs) => {
      world.at(nowMs + 1, frameOf(1, pending(find, 1)));
    }),
  });
  run.runUntil(20_000);
  assertEquals(times(run, "timedOut"), []);
});

Deno.test("when the only server is gone, the wait begins anew", () => {
  const [goneMs, waitMs] = [20_000, 8_000];
  const run = start({
    timeoutMs: 10_000,
    attempts: 100,
    waitMs,
    onFind: serverAt(1, (world, find, nowMs) => {
      if (nowMs < goneMs) world.at(nowMs + 1, frameOf(1, pending(find, 1)));
    }),
  });
  run.runUntil(200_000);
  const [endMs = Infinity] = times(run, "timedOut");
  assertGreater(endMs, goneMs + waitMs - 1);
  assertLess(endMs, goneMs + 3 * waitMs);
});

Deno.test("where nobody can be, silence is waited for no longer than for those who lack it", () => {
  const run = start({ timeoutMs: 10_000, attempts: 10, waitMs: 15_000 });
  run.at(500, { kind: "vain" });
  run.runUntil(200_000);
  assertEquals(times(run, "timedOut"), [ABSENT_END_MS]);
  // What is known later ends it at once.
  const late = start({ timeoutMs: 10_000, attempts: 10, waitMs: 15_000 });
  late.at(4_000, { kind: "vain" });
  late.runUntil(200_000);
  assertEquals(times(late, "timedOut"), [4_000]);
});

Deno.test("who answers where nobody can be is there all the same", () => {
  const run = start({
    waitMs: 15_000,
    onFind: serverAt(1, (world, find, nowMs) => {
      if (nowMs >= 1_000) world.at(nowMs + 1, frameOf(1, offer(find, 1)));
    }),
  });
  run.at(500, { kind: "vain" });
  run.runUntil(60_000);
  assertEquals([provedMs(run).length, times(run, "timedOut")], [1, []]);
});

/** It offers at once, and is ignored from then on. */
function ignored(seed: number): NonNullable<World["onFind"]> {
  return serverAt(seed, (world, find, nowMs, to) => {
    world.at(nowMs + 1, frameOf(seed, offer(find, seed)));
    const server = peerOf(seed);
    if (to !== undefined) world.at(nowMs + 2, { kind: "ignore", queryIndex: 0, server });
  });
}

Deno.test("where all who have answered are ignored, the search ends as if nobody had", () => {
  const patience = { timeoutMs: 10_000, attempts: 10, waitMs: 15_000 };
  const run = start({ ...patience, onFind: ignored(1) });
  run.runUntil(200_000);
  assertEquals(times(run, "timedOut"), [15_000]);
  assertEquals(times(run, "notFound"), []);
  assertEquals(provedMs(run).length, 1, "it is heard once");
});

Deno.test("who comes after one that is ignored is found, and who lacks it ends the search", () => {
  const says = (answer: typeof offer | typeof absent, fromMs: number): World => ({
    timeoutMs: 10_000,
    attempts: 10,
    waitMs: 15_000,
    onFind: (world, find, nowMs, to) => {
      ignored(1)(world, find, nowMs, to);
      if (nowMs < fromMs) return;
      const other = serverAt(2, () => world.at(nowMs + 1, frameOf(2, answer(find, 2))));
      other(world, find, nowMs, to);
    },
  });
  const found = start(says(offer, 8_000));
  found.runUntil(200_000);
  assertGreater(provedMs(found)[1]!, 8_000);
  assertEquals([...times(found, "timedOut"), ...times(found, "notFound")], []);
  const lacked = start(says(absent, 0));
  lacked.runUntil(200_000);
  assertEquals(times(lacked, "notFound"), [ABSENT_END_MS]);
});
