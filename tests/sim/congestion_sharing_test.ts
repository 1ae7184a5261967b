import { assertGreater, assertLess } from "@std/assert";
import { BottleneckLink } from "../support/bottleneck_link.ts";
import { ReceiverFlow } from "../support/receiver_link.ts";
import { Lab } from "./congestion_lab.ts";
import { CubicFlow } from "./cubic.ts";

const BYTES_PER_MS = 12_500;

/** A link whose queue holds so many bandwidth-delay products. */
function linkOf(baseRttMs: number, products: number, loss = 0): BottleneckLink {
  const queueBytesMax = products * BYTES_PER_MS * baseRttMs;
  return new BottleneckLink({ bytesPerMs: BYTES_PER_MS, queueBytesMax, loss, seed: 3 });
}

function assertBetween(value: number, low: number, high: number, what: string): void {
  assertGreater(value, low, what);
  assertLess(value, high, what);
}

Deno.test("two receivers that start together share a link evenly, with little queue", () => {
  for (const baseRttMs of [5, 20, 80]) {
    const link = linkOf(baseRttMs, 4);
    const flows = [1, 2].map(() => new ReceiverFlow(link, { baseRttMs }));
    const lab = new Lab(link, flows);
    lab.run(3_000);
    const { shares, use, medianQueueMs } = lab.run(8_000);
    assertBetween(shares[0]!, 0.4, 0.6, `${baseRttMs} ms`);
    assertGreater(use, 0.95);
    assertLess(1 + medianQueueMs / baseRttMs, 2);
  }
});

Deno.test("a receiver that comes later gets as much as the first, wherever the probes fall", () => {
  for (const [baseRttMs, startMs] of [[5, 3_000], [20, 2_100], [20, 3_700], [80, 3_000]] as const) {
    const link = linkOf(baseRttMs, 4);
    const flows = [0, startMs].map((startMs) => new ReceiverFlow(link, { baseRttMs, startMs }));
    const lab = new Lab(link, flows);
    lab.run(startMs + 5_000);
    const { shares, medianQueueMs } = lab.run(startMs + 10_000);
    assertBetween(shares[1]!, 0.4, 0.6, `${baseRttMs} ms, the second at ${startMs}`);
    assertLess(1 + medianQueueMs / baseRttMs, 2);
  }
});

Deno.test("two receivers share evenly at 5 % random loss, too", () => {
  const link = linkOf(20, 4, 0.05);
  const flows = [0, 1_500].map((startMs) => new ReceiverFlow(link, { baseRttMs: 20, startMs }));
  const lab = new Lab(link, flows);
  lab.run(5_000);
  assertBetween(lab.run(10_000).shares[0]!, 0.4, 0.6, "the first one's share");
});

Deno.test("two receivers share evenly on a path of few requests, and on one shorter than the floor", () => {
  for (const [bytesPerMs, baseRttMs] of [[12_500, 0.3], [12_500, 1.2], [40_000, 1.5]] as const) {
    const link = new BottleneckLink({ bytesPerMs, queueBytesMax: 8 * bytesPerMs });
    const flows = [0, 700].map((startMs) => new ReceiverFlow(link, { baseRttMs, startMs }));
    const lab = new Lab(link, flows);
    lab.run(3_700);
    const { shares, overflow } = lab.run(6_000);
    assertBetween(shares[0]!, 0.4, 0.6, `${bytesPerMs} B/ms, ${baseRttMs} ms`);
    assertLess(overflow, 0.001);
  }
});

Deno.test("clocks that disagree cost the short queue, not the even shares", () => {
  const link = linkOf(20, 4);
  const flows = [0, 1_000].map((clockOriginMs) => {
    return new ReceiverFlow(link, { baseRttMs: 20, clockOriginMs });
  });
  const lab = new Lab(link, flows);
  lab.run(4_000);
  assertBetween(lab.run(10_000).shares[0]!, 0.4, 0.6, "the first one's share");
});

Deno.test("clocks that agree roughly probe together: eight receivers, three milliseconds apart each", () => {
  const link = linkOf(20, 4);
  const flows = Array.from(
    { length: 8 },
    (_, i) => new ReceiverFlow(link, { baseRttMs: 20, startMs: 40 * i, clockOriginMs: 3 * i }),
  );
  const lab = new Lab(link, flows);
  lab.run(4_000);
  const { shares, medianQueueMs, use } = lab.run(10_000);
  assertGreater(Math.min(...shares), 0.06);
  assertLess(1 + medianQueueMs / 20, 2.2);
  assertGreater(use, 0.95);
});

for (const products of [1, 2, 4]) {
  Deno.test(`beside CUBIC on a queue of ${products} products neither starves, whoever comes first`, () => {
    const baseRttMs = 20;
    for (const [ourStartMs, itsStartMs] of [[0, 0], [3_000, 0], [0, 3_000]] as const) {
      const link = linkOf(baseRttMs, products);
      const ours = new ReceiverFlow(link, { baseRttMs, startMs: ourStartMs });
      const cubic = new CubicFlow(link, { baseRttMs, startMs: itsStartMs });
      const lab = new Lab(link, [ours, cubic]);
      lab.run(Math.max(ourStartMs, itsStartMs));
      // It holds for a download of ten seconds, and for a longer one.
      const { shares: first } = lab.run(lab.nowMs + 10_000);
      const { shares: then, use } = lab.run(lab.nowMs + 10_000);
      const what = `we from ${ourStartMs}, it from ${itsStartMs}`;
      assertBetween((first[0]! + then[0]!) / 2, 0.25, 0.75, what);
      assertBetween(first[0]!, 0.25, 0.75, `${what}, at first`);
      assertGreater(use, 0.95);
    }
  });
}

Deno.test("two CUBIC flows of the model share as CUBIC does, and fill the link", () => {
  const link = linkOf(20, 1);
  const flows = [0, 500].map((startMs) => new CubicFlow(link, { baseRttMs: 20, startMs }));
  const lab = new Lab(link, flows);
  lab.run(10_000);
  const { shares, use, overflow } = lab.run(40_000);
  assertBetween(shares[0]!, 0.3, 0.7, "the first one's share");
  assertGreater(use, 0.95);
  assertLess(overflow, 0.01);
});
