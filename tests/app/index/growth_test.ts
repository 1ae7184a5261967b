import { assertEquals } from "@std/assert";
import { Growth } from "../../../lib/app/index/growth.ts";
import { GROWING_BYTES_PER_S_MAX, SETTLE_MS } from "../../../lib/app/index/limits.ts";
import type { FileSignature, SafeFileName } from "../../../lib/ids.ts";

const NAME = "app.log" as SafeFileName;

function of(sizeBytes: number, inode = 7): FileSignature {
  return { sizeBytes, inode, mtimeMs: 1, ctimeMs: 1 };
}

Deno.test("a file that grows slowly for long enough is one that is appended to", () => {
  const growth = new Growth();
  assertEquals(growth.isAppendedTo(0, NAME, of(100)), false);
  assertEquals(growth.isAppendedTo(SETTLE_MS - 1, NAME, of(200)), false);
  assertEquals(growth.isAppendedTo(SETTLE_MS, NAME, of(300)), true);
  assertEquals(growth.isAppendedTo(9 * SETTLE_MS, NAME, of(300)), true);
});

Deno.test("one that is being copied, rewritten or put in another's place is not", () => {
  const fast = GROWING_BYTES_PER_S_MAX * SETTLE_MS / 1_000;
  for (
    const [what, last, isAppendedTo] of [
      ["as fast as a log may grow", of(fast), true],
      ["faster", of(fast + 101), false],
      ["shorter than before", of(50), false],
      ["as long as before", of(100), false],
      ["another file", of(200, 8), false],
    ] as const
  ) {
    const growth = new Growth();
    growth.isAppendedTo(0, NAME, of(100));
    assertEquals([what, growth.isAppendedTo(SETTLE_MS, NAME, last)], [what, isAppendedTo]);
  }
});

Deno.test("nothing is said of a file that cannot be told from another one in its place", () => {
  const growth = new Growth();
  growth.isAppendedTo(0, NAME, of(100, 0));
  assertEquals(growth.isAppendedTo(SETTLE_MS, NAME, of(200, 0)), false);
});

Deno.test("a file that has changed inside is not taken for one that only grows", () => {
  const growth = new Growth();
  growth.isAppendedTo(0, NAME, of(100));
  growth.refuse(1, NAME);
  assertEquals(growth.isAppendedTo(SETTLE_MS, NAME, of(200)), false);
});
