import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { Reordering } from "../../../lib/protocol/download/reordering.ts";
import {
  REORDER_LIFETIME_MS,
  REORDER_MS_MAX,
  REORDER_WINDOW_GAIN,
} from "../../../lib/protocol/download/limits.ts";

Deno.test("a path that reorders gets a window for it within a few round trips", () => {
  const path = new Reordering();
  for (let now = 0; now < 120; now += 2) path.onLate(now, 40, 20);
  assertEquals(path.windowMs, REORDER_WINDOW_GAIN * 40);
});

Deno.test("one datagram that went astray widens the window by half a round trip, whatever its lateness", () => {
  const path = new Reordering();
  path.onLate(10, 5_000, 20);
  assertEquals(path.windowMs, REORDER_WINDOW_GAIN * 10);
});

Deno.test("several of them in one round trip widen it no further, and nothing beyond the bound", () => {
  const path = new Reordering();
  for (let i = 0; i < 100; i++) path.onLate(10, 5_000, 20);
  assertEquals(path.windowMs, REORDER_WINDOW_GAIN * 10);
  for (let now = 10; now < 1_000; now += 20) path.onLate(now, 5_000, 20);
  assertEquals(path.windowMs, REORDER_WINDOW_GAIN * REORDER_MS_MAX);
});

Deno.test("a lateness is remembered for a period and the one after it, then the path keeps the order", () => {
  const path = new Reordering();
  path.onLate(REORDER_LIFETIME_MS, 2, 1);
  const seenMs = path.windowMs;
  for (let now = REORDER_LIFETIME_MS; now < 2 * REORDER_LIFETIME_MS; now += 50) path.onTime(now);
  assertEquals(path.windowMs, seenMs);
  path.onTime(2 * REORDER_LIFETIME_MS);
  path.onLate(2 * REORDER_LIFETIME_MS + 1, 0.5, 1);
  assertEquals(path.windowMs, seenMs);
  path.onTime(3 * REORDER_LIFETIME_MS);
  assertLess(path.windowMs, seenMs);
  assertGreater(path.windowMs, 0);
  path.onTime(4 * REORDER_LIFETIME_MS);
  path.onTime(5 * REORDER_LIFETIME_MS);
  assertEquals(path.windowMs, 0);
});

Deno.test("after a long silence nothing is remembered", () => {
  const path = new Reordering();
  path.onLate(1, 2, 1);
  path.onTime(10 * REORDER_LIFETIME_MS);
  assertEquals(path.windowMs, 0);
});
