/** Who has to go when a table of peers is full: never one that has proved itself before one that has not. */
import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../lib/protocol/base/random.ts";
import { chooseUnvalidated } from "../../../lib/protocol/base/validated_first.ts";

const isEven = (entry: number): boolean => entry % 2 === 0;

Deno.test("a validated peer is never chosen, however few others there are", () => {
  const random = new Random(1);
  for (let run = 0; run < 200; run++) {
    assertEquals(chooseUnvalidated([0, 2, 4, 5, 6, 8], isEven, random), 5);
  }
});

Deno.test("nobody is chosen where all are validated, or nobody is there", () => {
  assertEquals(chooseUnvalidated([0, 2, 4], isEven, new Random(2)), undefined);
  assertEquals(chooseUnvalidated<number>([], isEven, new Random(3)), undefined);
});

Deno.test("each unvalidated peer is as likely to be chosen, wherever it stands", () => {
  const entries = [1, 0, 3, 5, 2, 7, 4, 9];
  const counts = new Map<number, number>();
  const random = new Random(4);
  for (let run = 0; run < 5_000; run++) {
    const chosen = chooseUnvalidated(new Set(entries), isEven, random)!;
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
  }
  assertEquals([...counts.keys()].sort(), [1, 3, 5, 7, 9]);
  for (const [entry, count] of counts) {
    assert(count > 850 && count < 1_150, `${entry} was chosen ${count} times of 1000 expected`);
  }
});

Deno.test("the same seed chooses the same peers, and the entries stay as they are", () => {
  const entries = [1, 2, 3, 4, 5, 6, 7];
  const chosen = [1, 2].map(() => {
    const random = new Random(5);
    return Array.from({ length: 20 }, () => chooseUnvalidated(entries, isEven, random));
  });
  assertEquals(chosen[0], chosen[1]);
  assert(new Set(chosen[0]).size > 1);
  assertEquals(entries, [1, 2, 3, 4, 5, 6, 7]);
});
