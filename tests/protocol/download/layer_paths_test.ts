/** What is known of the paths by which pages of a layer come: that they answer, and how long datagrams may be there. */
import type { Endpoint } from "../../../lib/address.ts";
import { assert, assertEquals, assertLess } from "@std/assert";
import type { Bytes } from "../../../lib/ids.ts";
import { AnsweredPaths } from "../../../lib/protocol/download/answered_paths.ts";
import { ANSWERED_PATH_MS, ANSWERED_PATHS_MAX } from "../../../lib/protocol/download/limits.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { BRIEF_FIND_BYTES_MAX } from "../../../lib/wire/limits.ts";
import { endpointOf, fileOf, idOf, path, start, type Want } from "./layer_fetch_scene.ts";

for (const chunkCount of [17, 300, 100_000]) {
  Deno.test(`the layer of ${chunkCount} chunks comes in parts where a page is too long for the path`, () => {
    const file = fileOf(chunkCount);
    const answeredPaths = new AnsweredPaths();
    const run = start({ ...file, bytesMax: BRIEF_FIND_BYTES_MAX, answeredPaths });
    run.at(0, path(1));
    run.runUntil(10_000);
    assertEquals(run.of("layer").map(({ action }) => action.layer), [file.layer]);
    assertLess(run.of("layer")[0]!.atMs, 2_000);
    // The next fetch on that path need not find it out.
    const wants: Want[] = [];
    const nowMs = run.of("layer")[0]!.atMs;
    const next = start({ ...file, bytesMax: BRIEF_FIND_BYTES_MAX, answeredPaths }, wants);
    next.at(nowMs, path(1));
    next.runUntil(nowMs + 5_000);
    assertEquals(next.of("layer").length, 1);
    assert(wants.every(({ isBrief }) => isBrief));
  });
}

Deno.test("what is lost of the parts of a page is asked for again", () => {
  const file = fileOf(300);
  const random = new Random(7);
  const run = start({ ...file, bytesMax: BRIEF_FIND_BYTES_MAX, answers: () => random.chance(0.7) });
  run.at(0, path(1));
  run.runUntil(30_000);
  assertEquals(run.of("layer").map(({ action }) => action.layer), [file.layer]);
});

Deno.test("a part that is not what was asked for does no harm, and wrong ones are held against their server", () => {
  const file = fileOf(300);
  const alter = (_: Endpoint, hashes: Bytes) => hashes.map((byte) => byte ^ 1);
  const run = start({ ...file, bytesMax: BRIEF_FIND_BYTES_MAX, alter });
  run.at(0, path(1));
  run.runUntil(5_000);
  assertEquals(run.of("lost").map(({ action }) => action.reason), ["lying"]);
});

Deno.test("a path that lately answered another fetch is confirmed without being asked", () => {
  const answeredPaths = new AnsweredPaths();
  const first = start({ ...fileOf(2), answeredPaths, delayMs: () => 7 });
  first.at(0, path(1));
  first.runUntil(100);
  const one = fileOf(1);
  const next = start({ ...one, answeredPaths, answers: () => false });
  next.at(100, path(1));
  // Neither another server at that address nor that server elsewhere has answered anything.
  next.at(101, path(2, endpointOf(1)));
  next.at(102, path(1, endpointOf(2)));
  next.runUntil(103);
  assertEquals(
    next.of("confirmed").map(({ action: { server, routes } }) => [server, routes[0]?.rttMs]),
    [
      [idOf(1), 7],
    ],
  );
  assertEquals(next.of("layer").map(({ action }) => action.layer), [one.layer]);
  assertEquals(next.of("send").map(({ atMs }) => atMs), [101, 102]);
});

Deno.test("the pages of a longer layer are asked of such a path at once, and lost ones again", () => {
  const answeredPaths = new AnsweredPaths();
  answeredPaths.note(0, idOf(1), endpointOf(1), { rttMs: 3, isBrief: false });
  const file = fileOf(40);
  let lost = 1;
  const run = start({ ...file, answeredPaths, answers: () => lost-- <= 0 });
  run.at(1, path(1));
  run.runUntil(2_000);
  assertEquals(run.of("confirmed").length, 1);
  assertEquals(run.of("layer").map(({ action }) => action.layer), [file.layer]);
});

Deno.test("what answered long ago is asked again", () => {
  const answeredPaths = new AnsweredPaths();
  answeredPaths.note(0, idOf(1), endpointOf(1), { rttMs: 3, isBrief: false });
  const run = start({ ...fileOf(1), answeredPaths, answers: () => false });
  run.at(ANSWERED_PATH_MS, path(1));
  run.runUntil(ANSWERED_PATH_MS + 1);
  assertEquals(run.of("confirmed"), []);
  assertEquals(run.of("send").length, 1);
});

Deno.test("of more routes than are remembered, those that answered last are", () => {
  const answeredPaths = new AnsweredPaths();
  const at = (port: number): Endpoint => ({ address: "10.0.0.1", port });
  for (let port = 0; port <= ANSWERED_PATHS_MAX; port++) {
    answeredPaths.note(0, idOf(1), at(port), { rttMs: 1, isBrief: false });
  }
  assertEquals(answeredPaths.last(0, idOf(1), at(0))?.rttMs, undefined);
  assertEquals(answeredPaths.last(0, idOf(1), at(1))?.rttMs, 1);
  assertEquals(answeredPaths.last(0, idOf(1), at(ANSWERED_PATHS_MAX))?.rttMs, 1);
});
