import { assert, assertEquals, assertGreater } from "@std/assert";
import { Random } from "../../../lib/protocol/base/random.ts";
import { DelayedAnswers } from "../../../lib/protocol/serve/delayed_answers.ts";
import { DELAYED_ANSWERS_MAX } from "../../../lib/protocol/serve/limits.ts";

Deno.test("delayed answers come when they are due, the earliest first", () => {
  const answers = new DelayedAnswers<string>(new Random(1));
  assertEquals(answers.nextWakeupMs(), Infinity);
  answers.add(30, "c");
  answers.add(10, "a");
  answers.add(20, "b");
  assertEquals(answers.nextWakeupMs(), 10);
  assertEquals(answers.take(9), []);
  assertEquals(answers.take(20), ["a", "b"]);
  assertEquals(answers.take(100), ["c"]);
  assertEquals(answers.nextWakeupMs(), Infinity);
});

Deno.test("when too many wait, one makes room at random, be it an old one or a new one", () => {
  const answers = new DelayedAnswers<number>(new Random(1));
  for (let i = 0; i < 2 * DELAYED_ANSWERS_MAX; i++) answers.add(1, i);
  const left = answers.take(1);
  assertEquals(left.length, DELAYED_ANSWERS_MAX);
  const old = left.filter((i) => i < DELAYED_ANSWERS_MAX).length;
  assertGreater(old, DELAYED_ANSWERS_MAX / 4);
  assert(old < DELAYED_ANSWERS_MAX / 2);
});
