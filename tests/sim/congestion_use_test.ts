import { assertGreater, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import { MIB } from "../../lib/limits.ts";
import { BottleneckLink } from "../support/bottleneck_link.ts";
import { ReceiverFlow } from "../support/receiver_link.ts";
import { Lab } from "./congestion_lab.ts";

/** One receiver on a link with more queue than it should ever need. */
function alone(bytesPerMs: number, baseRttMs: number, loss = 0) {
  const link = new BottleneckLink({ bytesPerMs, queueBytesMax: 8 * MIB, loss, seed: 7 });
  const flow = new ReceiverFlow(link, { baseRttMs });
  return { flow, lab: new Lab(link, [flow]) };
}

for (const [bytesPerMs, rttMs] of [[12_500, 20], [125_000, 5], [125_000, 0.3]] as const) {
  const path = `${bytesPerMs / 1_000} MB/s and ${rttMs} ms`;

  Deno.test(`a path of ${path} is full within a second, and stays full`, () => {
    const { lab } = alone(bytesPerMs, rttMs);
    lab.run(800);
    assertGreater(lab.run(1_000).use, 0.95);
    assertGreater(lab.run(2_500).use, 0.95);
  });

  Deno.test(`a path of ${path} is full at 5 % random loss, too`, () => {
    const loss = 0.05;
    const { lab } = alone(bytesPerMs, rttMs, loss);
    lab.run(900);
    assertGreater(lab.run(1_000).use, 0.9 * (1 - loss));
    assertGreater(lab.run(2_500).use, 0.9 * (1 - loss));
  });
}

Deno.test("the median round trip is at most twice the base, and the path is full", () => {
  for (const [bytesPerMs, rttsMs] of [[1_250, [20, 80]], [12_500, [5, 20, 80]]] as const) {
    for (const baseRttMs of rttsMs) {
      const { flow, lab } = alone(bytesPerMs, baseRttMs);
      lab.run(1_000);
      const { use, medianQueueMs } = lab.run(9_000);
      assertLessOrEqual(1 + medianQueueMs / baseRttMs, 2, `${bytesPerMs} B/ms, ${baseRttMs} ms`);
      assertGreaterOrEqual(use, 0.95, `${bytesPerMs} B/ms, ${baseRttMs} ms`);
      const samplesMs = flow.rtts.filter(({ atMs }) => atMs > 1_000).map(({ rttMs }) => rttMs);
      samplesMs.sort((a, b) => a - b);
      assertLessOrEqual(samplesMs[Math.floor(samplesMs.length / 2)]!, 2 * baseRttMs);
    }
  }
});

Deno.test("on a queue of one bandwidth-delay product hardly anything overflows after the start", () => {
  const link = new BottleneckLink({ bytesPerMs: 12_500, queueBytesMax: 20 * 12_500 });
  const lab = new Lab(link, [new ReceiverFlow(link, { baseRttMs: 20 })]);
  lab.run(1_000);
  const { use, overflow } = lab.run(6_000);
  assertLessOrEqual(overflow, 0.005);
  assertGreater(use, 0.95);
});
