import { assert, assertEquals } from "@std/assert";
import { LookBudget } from "../../../lib/app/index/look_budget.ts";
import { LOOK_BURST_MS, LOOK_TIME_SHARE } from "../../../lib/app/index/limits.ts";

/** Questions that come one after another for `totalMs`, each look taking `lookMs`. */
function looks(lookMs: number, totalMs: number): number {
  let [nowMs, count] = [1_000, 0];
  const budget = new LookBudget({ nowMs: () => nowMs });
  for (const endMs = nowMs + totalMs; nowMs < endMs; nowMs += 0.25) {
    budget.spend(() => {
      nowMs += lookMs;
      count += 1;
    });
  }
  return count;
}

Deno.test("looks that are cheap are all taken", () => {
  assertEquals(looks(0, 1_000), 4_000);
});

Deno.test("looks that are slow take no more than their share of the time", () => {
  const totalMs = 60_000;
  for (const lookMs of [1, 20, 2_000]) {
    const tookMs = looks(lookMs, totalMs) * lookMs;
    assert(tookMs > 0);
    assert(tookMs <= LOOK_BURST_MS + totalMs * LOOK_TIME_SHARE + 2 * lookMs, `${tookMs} ms`);
  }
});
