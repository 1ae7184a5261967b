import { assert, assertEquals } from "@std/assert";
import { hashHex } from "../../../lib/ids.ts";
import { ChunkChecks } from "../../../lib/protocol/serve/chunk_checks.ts";
import {
  CHECK_TIME_SHARE,
  CHECKS_PER_ADDRESS_MAX,
  CHECKS_WAITING_MAX,
} from "../../../lib/protocol/serve/limits.ts";

const CONTENT = { root: hashHex("ab".repeat(32)), sizeBytes: 1_000_000 };
const check = (chunk: number) => ({ content: CONTENT, chunk });

Deno.test("one chunk is checked at a time, and addresses take turns", () => {
  const checks = new ChunkChecks();
  for (const chunk of [1, 2, 3]) checks.add("10.0.0.1", check(chunk));
  checks.add("10.0.0.2", check(4));
  const order: (number | undefined)[] = [];
  for (let i = 0; i < 5; i++) {
    order.push(checks.next(0)?.chunk);
    assertEquals(checks.next(0), undefined);
    checks.done(0);
  }
  assertEquals(order, [1, 4, 2, 3, undefined]);
});

Deno.test("checks take no more than their share of the time, however many wait and however long one takes", () => {
  const checks = new ChunkChecks();
  let [nowMs, busyMs] = [1_000, 0];
  for (let i = 0; i < 50; i++) {
    checks.add("10.0.0.1", check(i));
    nowMs = Math.max(nowMs, checks.nextWakeupMs());
    assert(checks.next(nowMs) !== undefined);
    assertEquals(checks.nextWakeupMs(), Infinity);
    const tookMs = 1 + i % 7 * 100;
    nowMs += tookMs;
    busyMs += tookMs;
    checks.done(nowMs);
    assertEquals(checks.next(nowMs), undefined);
  }
  checks.add("10.0.0.1", check(50));
  assert(busyMs / (checks.nextWakeupMs() - 1_000) <= CHECK_TIME_SHARE * 1.001);
});

Deno.test("whoever comes while checks rest waits for the end of the rest, too", () => {
  const checks = new ChunkChecks();
  checks.add("10.0.0.1", check(1));
  assertEquals(checks.next(0)?.chunk, 1);
  checks.done(100);
  checks.add("10.0.0.2", check(2));
  const restedMs = 100 / CHECK_TIME_SHARE;
  assertEquals(checks.next(101), undefined);
  assertEquals(checks.next(restedMs - 1), undefined);
  assertEquals(checks.next(restedMs)?.chunk, 2);
});

Deno.test("what waits is bounded by address and in all, and no chunk waits twice", () => {
  const checks = new ChunkChecks();
  assert(checks.add("10.0.0.1", check(0)));
  assert(!checks.add("10.0.0.1", check(0)));
  assert(!checks.add("10.0.0.2", check(0)));
  for (let i = 1; i < CHECKS_PER_ADDRESS_MAX; i++) assert(checks.add("10.0.0.1", check(i)));
  assert(!checks.add("10.0.0.1", check(CHECKS_PER_ADDRESS_MAX)));
  for (let i = CHECKS_PER_ADDRESS_MAX; i < CHECKS_WAITING_MAX; i++) {
    assert(checks.add(`10.0.1.${i}`, check(i)));
  }
  assert(!checks.add("10.0.2.1", check(CHECKS_WAITING_MAX)));
  // There is room again as soon as one has begun.
  checks.next(0);
  assert(checks.add("10.0.2.1", check(CHECKS_WAITING_MAX)));
});
