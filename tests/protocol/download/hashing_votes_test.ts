/** Those who are still hashing the name have a vote that is still to come (docs/PROTOCOL.md, "Choosing a content"). */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import {
  GATHER_MS,
  HASHING_VOTE_BYTES_PER_S,
  HASHING_VOTE_MS_MAX,
  HASHING_VOTE_PATIENCE_MS,
} from "../../../lib/protocol/download/limits.ts";
import { complete, confirmed, content, finished, LAYER, Run } from "./download_world.ts";

const SIZE_BYTES = content(1).sizeBytes;
const OTHER_BYTES = 3 * SIZE_BYTES;

/** Lets the time for offers pass, and what those who hash add to it; says how long that was. */
function gather(run: Run): number {
  run.nowMs = run.download.nextWakeupMs();
  run.on({ kind: "wakeup" });
  return run.nowMs;
}

Deno.test("what one offers and another hashes in another size is not taken", () => {
  for (const isFirst of [true, false]) {
    const run = new Run();
    if (isFirst) run.hashing(2, OTHER_BYTES);
    run.offer(1, content(1));
    if (!isFirst) run.hashing(2, OTHER_BYTES);
    assertEquals(gather(run), HASHING_VOTE_PATIENCE_MS);
    assertEquals(run.failure, "ambiguous");
    assertMatch(run.of("failed")[0]!.error.message, /still being hashed at 10\.0\.0\.2/);
  }
});

Deno.test("hashing is waited for while it could turn the choice, and decides once it is done", () => {
  const run = new Run();
  run.offer(1, content(1));
  run.offer(2, content(2));
  run.hashing(3, SIZE_BYTES, 3_000);
  run.nowMs = 2_000;
  run.on({ kind: "wakeup" });
  assertEquals([run.failure, run.of("settle").length], [undefined, 0]);
  run.offer(3, content(2));
  gather(run);
  assertEquals(run.of("settle").length, 1);
  assertEquals(run.of("fetchLayer").at(-1)?.content, content(2));
});

Deno.test("hashing without end holds nobody up for longer than its patience, and is said", () => {
  const run = new Run();
  run.offer(1, content(1));
  run.hashing(2, SIZE_BYTES);
  assertEquals(gather(run), HASHING_VOTE_PATIENCE_MS);
  assertEquals(run.of("settle").length, 1);
  assertMatch(run.notices[0]!, /still being hashed at 10\.0\.0\.2/);

  const patient = new Run();
  patient.offer(1, content(1));
  patient.layer(confirmed(1));
  patient.hashing(2, OTHER_BYTES, 1e9);
  assertEquals(gather(patient), HASHING_VOTE_MS_MAX);
  assertEquals(patient.failure, "ambiguous");
});

const LARGE = { ...content(1), sizeBytes: 20 * HASHING_VOTE_BYTES_PER_S };

/** The second one says once a second that it hashes, until `untilMs` or the choice; returns when that was. */
function hashFor(run: Run, sizeBytes: number, untilMs: number): number {
  for (let dueMs = 0; dueMs <= untilMs; dueMs += 1_000) {
    while (run.download.nextWakeupMs() <= dueMs && run.of("settle").length === 0) gather(run);
    if (run.of("settle").length > 0 || run.failure !== undefined) return run.nowMs;
    run.nowMs = dueMs;
    run.hashing(2, sizeBytes, 5_000);
  }
  while (run.of("settle").length === 0 && run.failure === undefined) gather(run);
  return run.nowMs;
}

Deno.test("who hashes a file of the leading size is waited for as long as that size may take, and then it is said", () => {
  const run = new Run();
  run.offer(1, LARGE);
  const endedMs = hashFor(run, LARGE.sizeBytes, 60_000);
  assertEquals(endedMs, GATHER_MS + HASHING_VOTE_MS_MAX + 20_000);
  assertMatch(run.notices[0]!, /still being hashed at 10\.0\.0\.2/);
});

Deno.test("who hashes a file of the leading size and is done in that time has its vote", () => {
  const run = new Run();
  run.offer(1, LARGE);
  const endedMs = hashFor(run, LARGE.sizeBytes, 25_000);
  assertEquals(endedMs, 25_000 + 5_000);

  const voted = new Run();
  voted.offer(1, LARGE);
  for (voted.nowMs = 0; voted.nowMs < 25_000; voted.nowMs += 1_000) {
    voted.on({ kind: "wakeup" });
    voted.hashing(2, LARGE.sizeBytes, 5_000);
  }
  assertEquals([voted.failure, voted.of("settle").length], [undefined, 0]);
  voted.offer(2, { ...content(2), sizeBytes: LARGE.sizeBytes });
  gather(voted);
  assertEquals(voted.failure, "ambiguous");
});

Deno.test("who hashes a file of another size, or shows no more progress, is not waited for that long", () => {
  const other = new Run();
  other.offer(1, LARGE);
  assertEquals(hashFor(other, LARGE.sizeBytes + 1, 60_000), GATHER_MS + HASHING_VOTE_MS_MAX);
  assertEquals(other.failure, "ambiguous");

  const stopped = new Run();
  stopped.offer(1, LARGE);
  stopped.hashing(2, LARGE.sizeBytes, 1e9);
  assertEquals(gather(stopped), HASHING_VOTE_MS_MAX);
  assertEquals(stopped.of("settle").length, 1);
});

Deno.test("where a majority has it whatever the others turn out to have, nobody is waited for", () => {
  const run = new Run();
  run.offer(1, content(1));
  run.offer(2, content(1));
  run.hashing(3, SIZE_BYTES, 1e9);
  assertEquals(gather(run), GATHER_MS);
  assertEquals([run.of("settle").length, run.notices.length], [1, 0]);

  const said = new Run();
  said.offer(1, content(1));
  said.offer(2, content(1));
  said.hashing(3, OTHER_BYTES);
  gather(said);
  assertMatch(said.notices[0]!, /disagree.*still being hashed at 10\.0\.0\.3/);
});

Deno.test("two who hash another file of one size are more than one who offers", () => {
  const run = new Run();
  run.offer(1, content(1));
  run.hashing(2, OTHER_BYTES);
  run.hashing(3, OTHER_BYTES);
  gather(run);
  assertEquals(run.failure, "ambiguous");
});

Deno.test("a pinned content needs no votes, and one server alone that was hashing is as any other", () => {
  const pinned = new Run({ pinned: content(1).sha256 });
  pinned.hashing(2, OTHER_BYTES);
  pinned.offer(1, content(1));
  assertEquals(gather(pinned), GATHER_MS);
  assertEquals([pinned.of("settle").length, pinned.notices.length], [1, 0]);

  const alone = new Run();
  alone.hashing(1, OTHER_BYTES);
  alone.offer(1, content(1));
  assertEquals(gather(alone), GATHER_MS);
  assertEquals([alone.of("settle").length, alone.notices.length], [1, 0]);
});

Deno.test("who is heard to hash another file only after the choice is named at the end", () => {
  const run = new Run({ asksAnybody: true });
  run.offer(1, content(1));
  gather(run);
  run.opened();
  run.layer(confirmed(1));
  run.layer({ kind: "layer", layer: LAYER });
  run.hashing(2, OTHER_BYTES);
  run.on(complete);
  run.target(finished);
  assertGreater(run.download.nextWakeupMs(), run.nowMs);
  gather(run);
  assert(run.notices.length > 1);
  assertMatch(run.notices.at(-1)!, /would not have been.*still being hashed at 10\.0\.0\.2/);
});
