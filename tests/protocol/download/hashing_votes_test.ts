/** Those who are still hashing the name have a vote that is still to come (docs/PROTOCOL.md, "Choosing a content"). */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import {
  GATHER_MS,
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
  patient.hashing(2, SIZE_BYTES, 1e9);
  assertEquals(gather(patient), GATHER_MS + HASHING_VOTE_MS_MAX);
  assertEquals(patient.of("settle").length, 1);
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
