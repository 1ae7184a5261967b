import { assertEquals } from "@std/assert";
import { RequestPace } from "../../../lib/io/net/request_pace.ts";
import { RateLimit } from "../../../lib/protocol/base/rate_limit.ts";
import type { Clock } from "../../../lib/io/system/clock.ts";

/** A clock on which sleeping takes no time, and so many milliseconds pass. */
class JumpingClock {
  atMs = 0;

  nowMs(): number {
    return this.atMs;
  }

  sleep(ms: number): Promise<void> {
    this.atMs += ms;
    return Promise.resolve();
  }
}

function paceOn(clock: JumpingClock, work: RateLimit): RequestPace {
  return new RequestPace(clock as unknown as Clock, [new RateLimit(1_000, 1_000)], work);
}

Deno.test("work beyond the burst waits, over all connections of an address", async () => {
  const clock = new JumpingClock();
  const work = new RateLimit(100, 100);
  const [first, second] = [paceOn(clock, work), paceOn(clock, work)];
  await first.work(100);
  assertEquals(Math.round(clock.atMs), 0);
  await second.work(50);
  await first.work(1);
  assertEquals(Math.round(clock.atMs / 10), 50, "half a second for what the second had");
});

Deno.test("one question may cost more than the burst, and is paid for by those after it", async () => {
  const clock = new JumpingClock();
  const pace = paceOn(clock, new RateLimit(100, 100));
  await pace.work(1_000);
  assertEquals(Math.round(clock.atMs), 0);
  await pace.work(1);
  assertEquals(Math.round(clock.atMs / 100), 90);
});
