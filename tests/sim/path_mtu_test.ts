import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { TAIL_TIMER_MS_MAX } from "../../lib/protocol/base/limits.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { mixedFile } from "../support/virtual_link.ts";
import { SimNetwork, type SimResult, type SimServer } from "./network.ts";

const MEBIBYTE = 1024 * 1024;
const SLOW: SimServer = { oneWayMs: 2, bytesPerMs: 2_000 };
const FILE = mixedFile(14 * MEBIBYTE + 17);

/** The longest time in which no chunk came. */
function longestPauseMs({ verifiedMs }: SimResult): number {
  return Math.max(...verifiedMs.map((atMs, i) => atMs - (verifiedMs[i - 1] ?? 0)));
}

function lengthsAsked({ asked }: SimResult, fromMs: number, toMs: number): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { atMs, segmentBytes } of asked) {
    if (atMs < fromMs || atMs >= toMs) continue;
    counts.set(segmentBytes, (counts.get(segmentBytes) ?? 0) + 1);
  }
  return counts;
}

for (const bytes of [1_372, 1_000, 600, 540]) {
  Deno.test(`a black hole above ${bytes} bytes that opens in mid-transfer costs half a second, and ends`, () => {
    for (const loss of [0, 0.01]) {
      const blackHoles = [{ bytes, fromMs: 1_000, toMs: 4_000 }];
      const result = new SimNetwork(FILE, [{ ...SLOW, loss, blackHoles }], 3).run(60_000);
      assertSameBytes(result.file, FILE);
      assertLess(longestPauseMs(result), 500, `loss ${loss}`);
      const inside = lengthsAsked(result, 3_000, 4_000);
      const [[most]] = [...inside].sort(([, a], [, b]) => b - a) as [[number, number]];
      assert(most <= bytes, `${most} bytes are asked for`);
      // What cannot pass is tried, but rarely.
      for (const [length, count] of inside) if (length > bytes) assertLess(count, 4);
      assertEquals(result.asked.at(-1)?.segmentBytes, 1_400, `loss ${loss}`);
    }
  });
}

Deno.test("of a black hole that comes and goes only the first few times are noticed", () => {
  const blackHoles = Array.from({ length: 10 }, (_, i) => {
    return { bytes: 1_300, fromMs: 500 + 1_000 * i, toMs: 1_000 + 1_000 * i };
  });
  const file = mixedFile(20 * MEBIBYTE);
  const result = new SimNetwork(file, [{ ...SLOW, blackHoles }], 3).run(60_000);
  assertSameBytes(result.file, file);
  const { verifiedMs } = result;
  const pauses = verifiedMs.filter((atMs, i) => atMs - (verifiedMs[i - 1] ?? 0) > 150);
  assertGreater(pauses.length, 0);
  assertLess(pauses.length, 5);
});

Deno.test("a server that pauses is asked for segments of full length again soon after", () => {
  const servers = [{ ...SLOW, blackHoles: [{ bytes: 0, fromMs: 1_000, toMs: 2_200 }] }];
  const result = new SimNetwork(FILE, servers, 3).run(60_000);
  assertSameBytes(result.file, FILE);
  // It has last been asked just before, and is asked again when the longest timer has run.
  const after = lengthsAsked(result, 2_200 + TAIL_TIMER_MS_MAX + 300, 5_000);
  assertEquals([...after.keys()], [1_400]);
});
