import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { Permutation } from "../../../lib/protocol/base/permutation.ts";
import { Random } from "../../../lib/protocol/base/random.ts";

const orderOf = (count: number, seed: number): number[] => {
  const permutation = new Permutation(count, new Random(seed));
  return Array.from({ length: count }, (_, position) => permutation.at(position));
};

// One item; powers of two and their neighbours, where the network's domain fits or just does not.
for (const count of [1, 2, 3, 4, 5, 16, 17, 255, 256, 257, 10_000]) {
  Deno.test(`Permutation of ${count} visits every number once`, () => {
    const order = orderOf(count, count);
    assertEquals(order.toSorted((a, b) => a - b), Array.from({ length: count }, (_, i) => i));
  });
}

Deno.test("Permutation differs with the seed and leaves little in place", () => {
  assertNotEquals(orderOf(1_000, 1), orderOf(1_000, 2));
  const kept = orderOf(1_000, 1).filter((number, position) => number === position).length;
  assert(kept < 20, `${kept} of 1,000 stayed in place`);
});

Deno.test("Permutation stays in range at its largest count", () => {
  const permutation = new Permutation(2 ** 30, new Random(5));
  const seen = new Set<number>();
  for (let position = 0; position < 1_000; position++) {
    const number = permutation.at(2 ** 30 - 1 - position);
    assert(number >= 0 && number < 2 ** 30);
    seen.add(number);
  }
  assertEquals(seen.size, 1_000);
});
