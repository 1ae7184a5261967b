import { assert, assertLess } from "@std/assert";
import { denoClock, nowMs } from "../../../lib/io/system/deno_clock.ts";
import { Throttle } from "../../../lib/io/net/throttle.ts";

Deno.test("what passes a throttle keeps to the rate, whoever shares it", async () => {
  const throttle = new Throttle(denoClock, 1_000_000);
  const startMs = nowMs();
  const passing = async () => {
    for (let i = 0; i < 10; i++) await throttle.pass(10_000);
  };
  await Promise.all([passing(), passing()]);
  // 200 kB, of which the burst and the last helping take no time.
  assert(nowMs() - startMs > 100, `${nowMs() - startMs} ms`);
});

Deno.test("a throttle without a rate lets everything pass", async () => {
  const throttle = new Throttle(denoClock, 0);
  const startMs = nowMs();
  for (let i = 0; i < 1_000; i++) await throttle.pass(1e9);
  assertLess(nowMs() - startMs, 5_000);
});
