import { assertEquals } from "@std/assert";
import { Growth } from "../../../lib/app/index/growth.ts";
import { GROWING_BYTES_PER_S_MAX, GROWING_SPAN_MS_MIN } from "../../../lib/app/index/limits.ts";
import type { FileSignature, SafeFileName } from "../../../lib/ids.ts";

const NAME = "app.log" as SafeFileName;

function of(sizeBytes: number, inode = 7): FileSignature {
  return { sizeBytes, inode, mtimeMs: 1, ctimeMs: 1 };
}

const SPAN = GROWING_SPAN_MS_MIN;

Deno.test("a file that is seen to grow slowly at moments that are far apart is one that is appended to", () => {
  const growth = new Growth();
  assertEquals(growth.isAppendedTo(0, NAME, of(100)), false);
  assertEquals(growth.isAppendedTo(9_000, NAME, of(200)), false);
  assertEquals(growth.isAppendedTo(9_000 + SPAN - 1, NAME, of(300)), false);
  assertEquals(growth.isAppendedTo(9_000 + SPAN, NAME, of(400)), true);
  assertEquals(growth.isAppendedTo(20_000, NAME, of(400)), true);
});

Deno.test("one that is being copied, rewritten or put in another's place is not", () => {
  const fast = GROWING_BYTES_PER_S_MAX * SPAN / 1_000;
  for (
    const [what, last, isAppendedTo] of [
      ["as fast as a log may grow", of(fast), true],
      ["faster", of(fast + 101), false],
      ["shorter than before", of(50), false],
      ["as long as before", of(150), false],
      ["another file", of(200, 8), false],
    ] as const
  ) {
    const growth = new Growth();
    growth.isAppendedTo(0, NAME, of(100));
    growth.isAppendedTo(500, NAME, of(150));
    assertEquals([what, growth.isAppendedTo(500 + SPAN, NAME, last)], [what, isAppendedTo]);
  }
});

Deno.test("nothing is said of a file that cannot be told from another one in its place", () => {
  const growth = new Growth();
  growth.isAppendedTo(0, NAME, of(100, 0));
  growth.isAppendedTo(100, NAME, of(150, 0));
  assertEquals(growth.isAppendedTo(100 + SPAN, NAME, of(200, 0)), false);
});

Deno.test("a file that has changed inside is not taken for one that only grows", () => {
  const growth = new Growth();
  growth.isAppendedTo(0, NAME, of(100));
  growth.isAppendedTo(100, NAME, of(150));
  growth.refuse(101, NAME);
  assertEquals(growth.isAppendedTo(100 + SPAN, NAME, of(200)), false);
});

Deno.test("a file that has come to rest is not offered in part, however long ago it began to grow", () => {
  const growth = new Growth();
  growth.isAppendedTo(0, NAME, of(100));
  growth.isAppendedTo(500, NAME, of(200));
  assertEquals(growth.isAppendedTo(500 + SPAN, NAME, of(200)), false);
  assertEquals(growth.isAppendedTo(9 * SPAN, NAME, of(200)), false);
});
