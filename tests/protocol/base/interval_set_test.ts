import { assertEquals } from "@std/assert";
import { IntervalSet } from "../../../lib/protocol/base/interval_set.ts";
import { Random } from "../../../lib/protocol/base/random.ts";

Deno.test("IntervalSet agrees with one flag a byte, whatever is added", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new Random(seed);
    const set = new IntervalSet();
    const flags = new Array<boolean>(100).fill(false);
    for (let step = 0; step < 60; step++) {
      const start = random.below(100);
      const end = start + random.below(100 - start + 1);
      const missing = flags.slice(start, end).filter((flag) => !flag).length;
      const visited: number[] = [];
      assertEquals(
        set.gaps(start, end, (from, to) => {
          for (let at = from; at < to; at++) visited.push(at);
        }),
        missing,
        `seed ${seed} step ${step}`,
      );
      assertEquals(
        visited,
        [...Array(end - start).keys()].map((i) => start + i).filter((at) => !flags[at]),
      );
      assertEquals(set.covers(start, end), start === end ? set.covers(start, end) : missing === 0);
      set.add(start, end);
      flags.fill(true, start, end);
    }
  }
});
