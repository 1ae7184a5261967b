import { assertEquals, assertGreater, assertGreaterOrEqual, assertLess } from "@std/assert";
import {
  PROBE_RTT_INTERVAL_MS,
  REQUEST_MS_MAX,
  REQUEST_SEGMENTS_FLOOR,
  WINDOW_MS_MIN,
} from "../../../lib/protocol/download/limits.ts";
import { Congestion, type SendMark } from "../../../lib/protocol/download/congestion.ts";
import { Random } from "../../../lib/protocol/base/random.ts";

const SEGMENT = 1_400;

/**
 * A flow over a link of `bytesPerMs`, `baseRttMs` and an endless queue, for `untilMs`: requests are
 * answered in order, each segment lost with `loss`. Returns what the flow knows at the end, the
 * bytes that arrived in the second half, and the round trips then.
 */
function run(bytesPerMs: number, baseRttMs: number, untilMs: number, loss = 0, originMs = 0) {
  const random = new Random(1);
  const flow = new Congestion(SEGMENT, 0, originMs);
  const inFlight: { readonly mark: SendMark; readonly bytes: number; readonly atMs: number }[] = [];
  const rttsMs: number[] = [];
  let [now, freeMs, flightBytes, lateBytes] = [0, 0, 0, 0];
  const ask = (): void => {
    while (flow.hasRoom(now, flightBytes)) {
      const bytes = flow.requestBytes;
      freeMs = Math.max(freeMs, now + baseRttMs) + bytes / bytesPerMs;
      inFlight.push({ mark: flow.onSent(now, false), bytes, atMs: freeMs });
      flightBytes += bytes;
    }
  };
  for (ask(); now < untilMs; ask()) {
    const { mark, bytes, atMs } = inFlight.shift()!;
    now = atMs;
    flow.onRtt(now, mark);
    let arrived = 0;
    for (let at = 0; at < bytes; at += SEGMENT) if (!random.chance(loss)) arrived += SEGMENT;
    flow.onDelivered(now, mark, arrived);
    flow.onAnswered(now, mark);
    flightBytes -= bytes;
    if (now < untilMs / 2) continue;
    lateBytes += arrived;
    rttsMs.push(now - mark.sentMs);
  }
  rttsMs.sort((a, b) => a - b);
  const medianRttMs = rttsMs[Math.floor(rttsMs.length / 2)]!;
  return { flow, share: lateBytes / (bytesPerMs * untilMs / 2), medianRttMs };
}

Deno.test("a flow fills a link within a second, whatever its rate and delay", () => {
  for (
    const [bytesPerMs, rttMs] of [[12_500, 0.4], [12_500, 10], [125_000, 1], [1_250, 40]] as const
  ) {
    assertGreater(run(bytesPerMs, rttMs, 2_000).share, 0.97);
  }
});

Deno.test("random loss takes what it takes and not the window", () => {
  assertGreater(run(12_500, 10, 2_000, 0.05).share, 0.92);
});

Deno.test("the queue that a flow makes is less than one bandwidth-delay product", () => {
  assertLess(run(12_500, 10, 4_000).medianRttMs, 2 * 10);
});

Deno.test("on a short path the window is its part of the rate, not of the round trip", () => {
  const { flow } = run(125_000, 0.1, 1_000);
  assertGreaterOrEqual(flow.windowBytes(1_000), WINDOW_MS_MIN * flow.rateBytesPerMs);
});

Deno.test("flows whose clocks began at different times probe at the same moment", () => {
  for (const originMs of [0, 700, 1_234_567]) {
    const { flow } = run(12_500, 10, 1_000, 0, originMs);
    const probeMs = PROBE_RTT_INTERVAL_MS * Math.ceil((originMs + 1_000) / PROBE_RTT_INTERVAL_MS) -
      originMs;
    assertLess(flow.windowBytes(probeMs + 1), flow.windowBytes(probeMs - 1) / 2);
  }
});

Deno.test("a long path is probed less often, at moments that shorter ones share", () => {
  const { flow } = run(2_500, 300, 7_000);
  const windowAt = (atMs: number): number => flow.windowBytes(atMs);
  assertEquals(windowAt(7_999), windowAt(7_001));
  assertLess(windowAt(8_001), windowAt(7_999) / 2);
});

Deno.test("requests are few beside what they bring, and never much of a second of it", () => {
  for (const bytesPerMs of [50, 125, 1_000, 12_500]) {
    const { flow } = run(bytesPerMs, 40, 10_000);
    const segments = flow.requestBytes / SEGMENT;
    if (bytesPerMs >= 125) assertGreaterOrEqual(segments, 7);
    assertLess(flow.requestBytes / bytesPerMs, 1.1 * REQUEST_MS_MAX);
  }
  assertEquals(run(1, 40, 60_000).flow.requestBytes, REQUEST_SEGMENTS_FLOOR * SEGMENT);
});

Deno.test("a longer path is believed after some probes, not after one", () => {
  const flow = new Congestion(SEGMENT, 10, 0);
  const believedAt = (rttMs: number, untilMs: number): number => {
    for (let now = 0; now < untilMs; now += 5) {
      const mark = flow.onSent(now, false);
      flow.onDelivered(now + rttMs, mark, 500_000);
      flow.onRtt(now + rttMs, mark);
      flow.onAnswered(now + rttMs, mark);
    }
    return flow.windowBytes(untilMs) / flow.rateBytesPerMs;
  };
  assertLess(believedAt(80, 1_900), 40);
  assertGreater(believedAt(80, 7_900), 110);
});

Deno.test("the tail timer follows the round trip, within its bounds", () => {
  assertEquals(new Congestion(SEGMENT, 0, 0).tailTimerMs, 100);
  assertEquals(new Congestion(SEGMENT, 0.2, 0).tailTimerMs, 5);
  const { flow, medianRttMs } = run(12_500, 40, 4_000);
  assertGreater(flow.tailTimerMs, medianRttMs * 0.8);
});
