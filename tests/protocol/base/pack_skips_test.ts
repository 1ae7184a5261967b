import { assertEquals } from "@std/assert";
import { PACK_SKIP_MAX, PACK_SKIPS_REMEMBERED_MAX } from "../../../lib/protocol/base/limits.ts";
import { PackSkips } from "../../../lib/protocol/base/pack_skips.ts";

/** How many ranges are passed over before the next one is tried. */
function passedOver(skips: PackSkips, content: string): number {
  let count = 0;
  while (skips.takes(content)) count += 1;
  return count;
}

Deno.test("more and more ranges of what does not pack are passed over, up to a bound", () => {
  const skips = new PackSkips();
  const counts: number[] = [];
  for (let i = 0; i < 9; i++) {
    skips.onTried("a", false);
    counts.push(passedOver(skips, "a"));
  }
  assertEquals(counts, [1, 2, 4, 8, 16, 32, 64, 64, PACK_SKIP_MAX]);
});

Deno.test("several failures at once count as one, and a range that packs ends it", () => {
  const skips = new PackSkips();
  for (let i = 0; i < 5; i++) skips.onTried("a", false);
  assertEquals(passedOver(skips, "a"), 1);
  skips.onTried("a", false);
  skips.onTried("a", true);
  assertEquals(passedOver(skips, "a"), 0);
});

Deno.test("contents count apart, and the one not heard of for longest is forgotten", () => {
  const skips = new PackSkips();
  skips.onTried("a", false);
  for (let i = 1; i < PACK_SKIPS_REMEMBERED_MAX; i++) skips.onTried(`${i}`, false);
  assertEquals(passedOver(skips, "a"), 1);
  skips.onTried("more", false);
  assertEquals(passedOver(skips, "more"), 1);
  skips.onTried("a", false);
  assertEquals(passedOver(skips, "a"), 1);
});
