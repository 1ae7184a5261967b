import { assert, assertEquals, assertLess } from "@std/assert";
import { RateLimit } from "../../../lib/protocol/base/rate_limit.ts";

Deno.test("a rate limit lets a burst through, and then what the rate allows", () => {
  const limit = new RateLimit(1_000, 5);
  const taken = (nowMs: number) => Array.from({ length: 10 }).filter(() => limit.take(nowMs, 1));
  assertEquals(taken(0).length, 5);
  assertEquals(taken(3).length, 3);
  assertEquals(taken(1_000).length, 5);
});

Deno.test("a helping larger than the burst goes, and is paid back before the next", () => {
  const limit = new RateLimit(1_000, 10);
  assert(limit.take(0, 500));
  assert(!limit.take(489, 1));
  assertEquals(Math.ceil(limit.readyMs(489)), 491);
  assert(limit.take(491, 1));
});

Deno.test("what is ready at a time can be taken then, and the rate is kept", () => {
  const helping = 60_000;
  for (const perS of [1, 3, 7, 1_000, 123_456_789]) {
    const limit = new RateLimit(perS, helping);
    const startMs = 1_000_000_000;
    let nowMs = startMs;
    for (let i = 0; i <= 100; i++) {
      nowMs = limit.readyMs(nowMs);
      assert(limit.take(nowMs, helping), `${perS} a second, helping ${i}`);
    }
    // The burst pays for the first of them.
    const expectedMs = 100 * helping * 1_000 / perS;
    assertLess(Math.abs(nowMs - startMs - expectedMs) / expectedMs, 0.02);
  }
});
