import { assertEquals } from "@std/assert";
import { serverId, type SourceId, sourceId } from "../../../lib/ids.ts";
import {
  PATH_JUDGE_MS,
  PATH_REST_MS,
  PATH_TRIAL_AFTER_MS,
  PATHS_USED_MAX,
  SERVER_SILENT_MS,
} from "../../../lib/protocol/download/limits.ts";
import {
  hasSeveralPaths,
  type PathAtWork,
  PathPlan,
} from "../../../lib/protocol/download/path_plan.ts";

const SOURCE = sourceId(serverId("a".repeat(32)), "datagrams");
const MUCH = 1e12;

function at(address: string, port = 10_530) {
  return { endpoint: { address, port }, rttMs: 1 };
}

function working(id: SourceId, mbytesPerS: number, sinceMs = 0, isHeard = true): PathAtWork {
  return { id, sinceMs, firstMs: sinceMs, rateBytesPerS: mbytesPerS * 1e6, isHeard };
}

/** A plan of two paths, and what they are called. */
function twoPaths() {
  const plan = new PathPlan();
  const [a, b] = plan.split(SOURCE, [at("10.0.1.1"), at("10.0.2.1")]).map(({ id }) => id);
  return { plan, a: a!, b: b! };
}

Deno.test("each path has a name of its own and keeps it, whichever is best later", () => {
  const { plan, a, b } = twoPaths();
  assertEquals(a, SOURCE);
  const later = plan.split(SOURCE, [at("10.0.3.1"), at("10.0.2.1"), at("10.0.1.1")]);
  assertEquals(later.map(({ id }) => id).slice(1), [b, a]);
  assertEquals(plan.of(SOURCE), [a, b, later[0]!.id]);
  assertEquals(new Set(plan.of(SOURCE)).size, 3);
});

Deno.test("a server on this machine has one path, and any other a bounded number", () => {
  const plan = new PathPlan();
  const local = [at("127.0.0.1"), at("10.0.1.1")];
  assertEquals(plan.split(SOURCE, local), [{ id: SOURCE, routes: local }]);
  assertEquals(hasSeveralPaths(local), false);
  assertEquals(hasSeveralPaths(local.slice(1)), false);
  const many = Array.from({ length: 9 }, (_, i) => at(`10.0.${i}.1`));
  assertEquals(plan.split(SOURCE, many).length, PATHS_USED_MAX);
  assertEquals(hasSeveralPaths(many), true);
});

Deno.test("one more path is tried after a moment, where enough is left, one at a time", () => {
  const { plan, a, b } = twoPaths();
  assertEquals(plan.mayStart(0, SOURCE, [], 1), true);
  const first = working(a, 1);
  assertEquals(plan.mayStart(PATH_TRIAL_AFTER_MS - 1, SOURCE, [first], MUCH), false);
  assertEquals(plan.mayStart(PATH_TRIAL_AFTER_MS, SOURCE, [first], 0.9e6), false);
  assertEquals(plan.mayStart(PATH_TRIAL_AFTER_MS, SOURCE, [first], 1.1e6), true);
  plan.started(SOURCE, b, [first]);
  assertEquals(plan.mayStart(2 * PATH_TRIAL_AFTER_MS, SOURCE, [first, working(b, 0)], MUCH), false);
});

Deno.test("where those at work have fallen silent another one starts at once", () => {
  const { plan, a } = twoPaths();
  assertEquals(plan.mayStart(1, SOURCE, [working(a, 1, 0, false)], 1), true);
});

Deno.test("a path is judged by what it brings from its first bytes on, however long those take", () => {
  const { plan, a, b } = twoPaths();
  plan.started(SOURCE, b, [working(a, 5)]);
  const others = [working(a, 5)];
  const starting = { ...working(b, 0), firstMs: undefined };
  assertEquals(plan.toRest(PATH_JUDGE_MS + 500, SOURCE, [...others, starting]), undefined);
  const begun = { ...working(b, 1), firstMs: 1_400 };
  assertEquals(plan.toRest(1_400 + PATH_JUDGE_MS - 1, SOURCE, [...others, begun]), undefined);
  assertEquals(plan.toRest(1_400 + PATH_JUDGE_MS, SOURCE, [...others, begun]), undefined);
  // One that never brings anything is judged in the end.
  const mute = twoPaths();
  mute.plan.started(SOURCE, mute.b, [working(mute.a, 5)]);
  const both = [working(mute.a, 5), { ...working(mute.b, 0), firstMs: undefined }];
  const endMs = SERVER_SILENT_MS + PATH_JUDGE_MS;
  assertEquals(mute.plan.toRest(endMs - 1, SOURCE, both), undefined);
  assertEquals(mute.plan.toRest(endMs, SOURCE, both)?.id, mute.b);
});

Deno.test("paths that bring more together stay, whichever is the faster", () => {
  for (const second of [1, 100]) {
    const { plan, a, b } = twoPaths();
    plan.started(SOURCE, b, [working(a, 5)]);
    const both = [working(a, 5), working(b, second, 10)];
    assertEquals(plan.toRest(10 + PATH_JUDGE_MS - 1, SOURCE, both), undefined);
    assertEquals(plan.toRest(10 + PATH_JUDGE_MS, SOURCE, both), undefined);
    // It is judged once.
    assertEquals(plan.toRest(9_999, SOURCE, [working(a, 1), working(b, 1)]), undefined);
  }
});

Deno.test("of paths that share a bottleneck the slowest rests, longer each time in a row", () => {
  const { plan, a, b } = twoPaths();
  const rests: unknown[] = [];
  for (const [first, second] of [[60, 40], [40, 60], [50, 50], [60, 40], [60, 40]]) {
    plan.started(SOURCE, b, [working(a, 100)]);
    const both = [working(a, first!), working(b, second!)];
    rests.push(plan.toRest(PATH_JUDGE_MS, SOURCE, both));
  }
  assertEquals(rests, [
    { id: b, restMs: PATH_REST_MS },
    { id: a, restMs: 2 * PATH_REST_MS },
    { id: a, restMs: 4 * PATH_REST_MS },
    { id: b, restMs: 8 * PATH_REST_MS },
    { id: b, restMs: 8 * PATH_REST_MS },
  ]);
});

Deno.test("a path that is tried because the others are silent is not measured by what they brought before", () => {
  const { plan, a, b } = twoPaths();
  const silent = working(a, 100, 0, false);
  plan.started(SOURCE, b, [silent]);
  assertEquals(plan.toRest(PATH_JUDGE_MS, SOURCE, [silent, working(b, 1)]), undefined);
});

Deno.test("a trial whose path has gone, or is alone, is over", () => {
  const { plan, a, b } = twoPaths();
  plan.started(SOURCE, b, [working(a, 5)]);
  assertEquals(plan.toRest(PATH_JUDGE_MS, SOURCE, [working(a, 5)]), undefined);
  assertEquals(plan.mayStart(PATH_JUDGE_MS, SOURCE, [working(a, 5)], MUCH), true);
});
