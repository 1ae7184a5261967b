import { assert, assertEquals } from "@std/assert";
import { hashHex } from "../../../lib/ids.ts";
import { CheckSchedule } from "../../../lib/app/index/check_schedule.ts";
import { CHECK_TIME_SHARE } from "../../../lib/protocol/serve/limits.ts";
import { VirtualClock } from "../../sim/virtual_clock.ts";
import { VirtualThread } from "../../sim/virtual_thread.ts";

const CONTENT = { root: hashHex("ab".repeat(32)), sizeBytes: 10_000_000 };
const CHECK_MS = 20;

interface Scene {
  readonly world: VirtualClock;
  readonly schedule: CheckSchedule;
  /** Chunks whose check has begun. */
  readonly begun: number[];
  busyMs: number;
}

function scene(): Scene {
  const world = new VirtualClock();
  const { clock } = new VirtualThread(world, {
    ...{ isMain: true, isGone: () => false, pausedUntilMs: () => 0 },
  });
  const begun: number[] = [];
  const schedule = new CheckSchedule(clock, async ({ chunk }) => {
    begun.push(chunk);
    await clock.sleep(CHECK_MS);
    made.busyMs += CHECK_MS;
  });
  const made: Scene = { world, schedule, begun, busyMs: 0 };
  return made;
}

Deno.test("what clients doubt is checked, all of it, within the share of the time", async () => {
  const made = scene();
  const { world, schedule, begun } = made;
  const count = 40;
  for (let i = 0; i < count; i++) {
    assert(schedule.add(`10.0.0.${i}`, { content: CONTENT, chunk: i }));
  }
  assertEquals(begun, [0]);
  await world.run(1_000_000, () => made.busyMs === count * CHECK_MS);
  assertEquals(begun.length, count);
  // The last one's rest is still to come.
  const spentMs = world.nowMs + CHECK_MS / CHECK_TIME_SHARE;
  assert(made.busyMs / spentMs <= CHECK_TIME_SHARE, `${made.busyMs} of ${world.nowMs} ms`);
  // It is no slower than that, either.
  assert(made.busyMs / spentMs > CHECK_TIME_SHARE * 0.9, `${made.busyMs} of ${world.nowMs} ms`);
});

Deno.test("a schedule that is closed begins nothing", async () => {
  const made = scene();
  const { world, schedule, begun } = made;
  for (let i = 0; i < 3; i++) schedule.add("10.0.0.1", { content: CONTENT, chunk: i });
  schedule.close();
  schedule.add("10.0.0.2", { content: CONTENT, chunk: 9 });
  await world.run(100_000, () => false);
  assertEquals(begun, [0]);
});
