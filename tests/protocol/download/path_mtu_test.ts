import { assertEquals } from "@std/assert";
import { PathMtu } from "../../../lib/protocol/download/path_mtu.ts";
import {
  MTU_LOSSES_MAX,
  MTU_RAISE_MS_MAX,
  MTU_RAISE_MS_MIN,
} from "../../../lib/protocol/download/limits.ts";

/** Segments of the present length vanish. */
function vanish(mtu: PathMtu, nowMs: number): void {
  mtu.onTimeout(nowMs);
  mtu.onTimeout(nowMs);
}

Deno.test("segments get shorter when none of their length comes, then as short as they may be", () => {
  const mtu = new PathMtu(0, 1_400, 0);
  assertEquals(mtu.segmentBytes, 1_400);
  vanish(mtu, 300);
  assertEquals(mtu.segmentBytes, 1_200);
  vanish(mtu, 1_500);
  assertEquals(mtu.segmentBytes, 576);
  vanish(mtu, 3_000);
  assertEquals(mtu.segmentBytes, 576);
});

Deno.test("longer segments than usual are tried at once where the user allows them, and taken up if they come", () => {
  const mtu = new PathMtu(0, 8_900, 0);
  assertEquals([mtu.segmentBytes, mtu.isShortened], [1_400, false]);
  for (const bytes of [4_000, 8_900]) {
    assertEquals(mtu.probeBytes(1), bytes);
    mtu.onProbe(1);
    mtu.onFull(1, bytes);
    assertEquals(mtu.segmentBytes, bytes);
  }
  const ordinary = new PathMtu(0, 8_900, 0);
  ordinary.onProbe(0);
  ordinary.onLost(10, [4_000]);
  assertEquals([ordinary.segmentBytes, ordinary.isShortened], [1_400, false]);
  assertEquals(ordinary.probeBytes(11), undefined);
});

Deno.test("a pause of the server, shorter than what a black hole is told by, changes nothing", () => {
  const mtu = new PathMtu(0, 1_400, 0);
  mtu.onFull(1_000, 1_400);
  vanish(mtu, 1_100);
  assertEquals(mtu.segmentBytes, 1_400);
  mtu.onFull(1_150, 1_400);
  mtu.onTimeout(1_400);
  assertEquals(mtu.segmentBytes, 1_400);
});

Deno.test("losses that later answers prove shorten segments, if none of their length comes in between", () => {
  const mtu = new PathMtu(0, 1_400, 0);
  for (let i = 1; i < MTU_LOSSES_MAX; i++) mtu.onLost(i, [1_400, 1_400, 1_400]);
  mtu.onFull(20, 1_400);
  for (let i = 1; i < MTU_LOSSES_MAX; i++) mtu.onLost(20 + i, [1_400]);
  assertEquals(mtu.segmentBytes, 1_400);
  mtu.onLost(40, [1_400]);
  assertEquals(mtu.segmentBytes, 1_200);
});

Deno.test("longer segments are tried one request at a time, ever more rarely, and taken up step by step", () => {
  const mtu = new PathMtu(0, 1_400, 0);
  vanish(mtu, 1_000);
  vanish(mtu, 2_000);
  mtu.onFull(2_001, 576);
  assertEquals(mtu.probeBytes(2_000 + MTU_RAISE_MS_MIN - 1), undefined);
  assertEquals(mtu.probeBytes(2_000 + MTU_RAISE_MS_MIN), 900);
  mtu.onProbe(2_250);
  assertEquals(mtu.probeBytes(2_251), undefined);
  mtu.onLost(2_260, [900]);
  assertEquals(mtu.segmentBytes, 576);
  assertEquals(mtu.probeBytes(2_260 + 2 * MTU_RAISE_MS_MIN - 1), undefined);
  assertEquals(mtu.probeBytes(2_260 + 2 * MTU_RAISE_MS_MIN), 900);
  mtu.onProbe(3_000);
  mtu.onFull(3_004, 900);
  assertEquals(mtu.segmentBytes, 900);
  assertEquals(mtu.probeBytes(3_005), 1_200);
  mtu.onProbe(3_005);
  mtu.onFull(3_009, 1_200);
  mtu.onProbe(3_010);
  mtu.onFull(3_014, 1_400);
  assertEquals(mtu.segmentBytes, 1_400);
  assertEquals(mtu.probeBytes(1e9), undefined);
});

Deno.test("a probe of which nothing is ever heard does not end the probing", () => {
  const mtu = new PathMtu(0, 1_400, 0);
  vanish(mtu, 1_000);
  mtu.onProbe(1_250);
  assertEquals(mtu.probeBytes(1_250 + MTU_RAISE_MS_MAX), 1_400);
});

Deno.test("segments that had only been late take the length up again at once", () => {
  const mtu = new PathMtu(0, 1_400, 0);
  vanish(mtu, 1_000);
  mtu.onFull(1_010, 1_400);
  assertEquals(mtu.segmentBytes, 1_400);
});

Deno.test("what the transport adds is left free in every length", () => {
  const mtu = new PathMtu(0, 1_400, 16);
  assertEquals(mtu.segmentBytes, 1_384);
  vanish(mtu, 1_000);
  vanish(mtu, 2_000);
  assertEquals(mtu.segmentBytes, 560);
  assertEquals(mtu.probeBytes(9_000), 884);
});

Deno.test("a length that the user chose is the longest, even between two steps", () => {
  const mtu = new PathMtu(0, 1_300, 0);
  vanish(mtu, 1_000);
  assertEquals(mtu.segmentBytes, 1_200);
  assertEquals(mtu.probeBytes(9_000), 1_300);
  assertEquals(new PathMtu(0, 576, 0).segmentBytes, 576);
});
