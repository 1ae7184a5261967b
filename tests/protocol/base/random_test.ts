import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Random } from "../../../lib/protocol/base/random.ts";

const draw = (random: Random, count: number): number[] =>
  Array.from({ length: count }, () => random.u32());

Deno.test("Random repeats its sequence for the same seed and for no other", () => {
  assertEquals(draw(new Random(7), 50), draw(new Random(7), 50));
  assertNotEquals(draw(new Random(7), 50), draw(new Random(8), 50));
  assertNotEquals(draw(new Random(1), 50), draw(new Random(1 + 2 ** 40), 50));
});

Deno.test("Random.below() stays in range and reaches every value about as often", () => {
  const random = new Random(1);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[random.below(10)]! += 1;
  for (const count of counts) assert(count > 850 && count < 1_150, `${counts}`);
  assertEquals(counts.length, 10);
});

Deno.test("Random.chance() is never true for 0, always for 1, and about right between", () => {
  const random = new Random(2);
  let hits = 0;
  for (let i = 0; i < 10_000; i++) {
    assert(!random.chance(0));
    assert(random.chance(1));
    if (random.chance(0.2)) hits += 1;
  }
  assert(hits > 1_850 && hits < 2_150, `${hits} of 10,000`);
});

Deno.test("Random.shuffle() keeps every item and moves most of them", () => {
  const items = Array.from({ length: 1_000 }, (_, i) => i);
  const shuffled = new Random(3).shuffle([...items]);
  assertEquals(shuffled.toSorted((a, b) => a - b), items);
  assert(shuffled.filter((item, i) => item === i).length < 20);
});

Deno.test("Random.u64() and bytes() fill every bit", () => {
  const random = new Random(4);
  let or = 0n;
  let and = 0xffff_ffff_ffff_ffffn;
  for (let i = 0; i < 200; i++) {
    const value = random.u64();
    or |= value;
    and &= value;
  }
  assertEquals(or, 0xffff_ffff_ffff_ffffn);
  assertEquals(and, 0n);
  assertEquals(new Set(random.bytes(10_000)).size, 256);
});
