import { assertEquals } from "@std/assert";
import { SEAL_WINDOW_DATAGRAMS as WINDOW } from "../../../lib/protocol/seal/limits.ts";
import { ReplayWindow } from "../../../lib/protocol/seal/replay_window.ts";
import { Random } from "../../../lib/protocol/base/random.ts";

Deno.test("a counter is taken once, in whatever order counters come", () => {
  const window = new ReplayWindow();
  for (const counter of [5, 0, 3, 4, 1, 2]) {
    assertEquals(window.isFresh(counter), true, String(counter));
    window.take(counter);
    assertEquals(window.isFresh(counter), false, String(counter));
  }
});

Deno.test("what is older than the window is not fresh, whether it has come or not", () => {
  const window = new ReplayWindow();
  window.take(3 * WINDOW);
  for (const late of [1, 40, WINDOW]) assertEquals(window.isFresh(2 * WINDOW + 1 - late), false);
  assertEquals(window.isFresh(2 * WINDOW + 1), true);
  // Counters of 48 bits are no bit patterns of 32.
  window.take(2 ** 47);
  assertEquals([window.isFresh(2 ** 47), window.isFresh(2 ** 47 - 1)], [false, true]);
});

Deno.test("the window agrees with a set of all counters that were taken", () => {
  const random = new Random(20_261_129);
  const window = new ReplayWindow();
  const taken = new Set<number>();
  let highest = -1;
  for (let i = 0; i < 50_000; i++) {
    const reach = i % 500 === 0 ? 4 * WINDOW : WINDOW / 8;
    const counter = Math.max(0, highest - 2 * WINDOW + random.below(2 * WINDOW + reach));
    const isFresh = !taken.has(counter) && counter > highest - WINDOW;
    assertEquals(window.isFresh(counter), isFresh, `${counter} after ${highest}`);
    if (!isFresh) continue;
    window.take(counter);
    taken.add(counter);
    highest = Math.max(highest, counter);
  }
});
