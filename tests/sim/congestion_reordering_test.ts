import { assertGreater, assertLess } from "@std/assert";
import { MIB } from "../../lib/limits.ts";
import { REQUEST_SEGMENTS_MIN } from "../../lib/protocol/download/limits.ts";
import { MTU_BYTES_DEFAULT } from "../../lib/wire/limits.ts";
import { BottleneckLink } from "../support/bottleneck_link.ts";
import { ReceiverFlow } from "../support/receiver_link.ts";
import { Lab } from "./congestion_lab.ts";

const MEGABIT = 125;

/**
 * What a path carries on which each datagram takes its own time, as parts of what its rate allows: at least so much
 * of it in the first three seconds, and then. Jitter is that of each direction, so round trips differ by twice as much.
 */
const GOODPUT = [
  // rate, base, jitter: ms; loss; the first 3 s, the next 5 s
  [50 * MEGABIT, 1, 2, 0, 0.95, 0.97],
  [50 * MEGABIT, 1, 10, 0, 0.92, 0.95],
  [50 * MEGABIT, 1, 20, 0, 0.87, 0.94],
  [50 * MEGABIT, 1, 50, 0, 0.76, 0.91],
  [50 * MEGABIT, 20, 10, 0, 0.92, 0.95],
  [50 * MEGABIT, 20, 50, 0, 0.76, 0.9],
  [50 * MEGABIT, 1, 10, 0.01, 0.9, 0.94],
  [50 * MEGABIT, 1, 50, 0.01, 0.72, 0.88],
  [100 * MEGABIT, 0.3, 5, 0, 0.94, 0.96],
  [1_000 * MEGABIT, 0.3, 2, 0.01, 0.93, 0.95],
] as const;

for (const [bytesPerMs, baseRttMs, jitterMs, loss, first, then] of GOODPUT) {
  const path = `${bytesPerMs / MEGABIT} Mbit/s, ${baseRttMs} ms, 0 to ${jitterMs} ms more`;
  Deno.test(`a path of ${path} and ${100 * loss} % loss is used well from the start`, () => {
    for (const seed of [3, 7]) {
      const link = new BottleneckLink({ bytesPerMs, queueBytesMax: MIB, loss, jitterMs, seed });
      const flow = new ReceiverFlow(link, { baseRttMs });
      const lab = new Lab(link, [flow]);
      const start = lab.run(3_000);
      const rest = lab.run(8_000);
      assertGreater(start.use, first, `seed ${seed}, first`);
      assertGreater(rest.use, then, `seed ${seed}, then`);
      // What had only been late was not asked for again, and no queue was taken for lateness.
      assertLess(flow.receiver.duplicateBytes / flow.arrivedBytes, 0.01);
      const requestMs = REQUEST_SEGMENTS_MIN * MTU_BYTES_DEFAULT / bytesPerMs;
      assertLess(rest.medianQueueMs, 2 * jitterMs + baseRttMs + requestMs);
      assertLess(rest.overflow, 0.001);
    }
  });
}

Deno.test("two receivers share a path that reorders evenly", () => {
  const link = new BottleneckLink({
    bytesPerMs: 50 * MEGABIT,
    queueBytesMax: MIB,
    jitterMs: 10,
    seed: 5,
  });
  const flows = [0, 700].map((startMs) => new ReceiverFlow(link, { baseRttMs: 5, startMs }));
  const lab = new Lab(link, flows);
  lab.run(4_000);
  const { shares, use } = lab.run(10_000);
  assertGreater(Math.min(...shares), 0.35);
  assertGreater(use, 0.93);
});

Deno.test("jitter that ends is forgotten: three later segments prove a loss again", () => {
  const link = new BottleneckLink({ bytesPerMs: 50 * MEGABIT, queueBytesMax: MIB, jitterMs: 20 });
  const flow = new ReceiverFlow(link, { baseRttMs: 5 });
  const lab = new Lab(link, [flow]);
  lab.run(2_000);
  link.jitterMs = 0;
  lab.run(9_000);
  const { medianQueueMs, use } = lab.run(12_000);
  assertLess(1 + medianQueueMs / 5, 2);
  assertGreater(use, 0.95);
});
