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

Deno.test("segments get as short as they may be when none of their length comes, and then longer at once", () => {
  const mtu = new PathMtu(0, 1_400, 0);
  assertEquals(mtu.segmentBytes, 1_400);
  vanish(mtu, 300);
  assertEquals([mtu.segmentBytes, mtu.isUnproved], [512, true]);
  vanish(mtu, 310);
  assertEquals(mtu.segmentBytes, 512);
  mtu.onFull(320, 512);
  assertEquals(mtu.isUnproved, false);
  for (const [nowMs, bytes] of [[321, 900], [331, 1_200]] as const) {
    assertEquals(mtu.probeBytes(nowMs), bytes);
    mtu.onProbe(nowMs);
    assertEquals(mtu.probeBytes(nowMs), undefined);
    mtu.onFull(nowMs + 10, bytes);
    assertEquals(mtu.segmentBytes, bytes);
  }
  // What has vanished is left alone for a while: it may not have been a pause.
  assertEquals(mtu.probeBytes(300 + MTU_RAISE_MS_MIN - 1), undefined);
  assertEquals(mtu.probeBytes(300 + MTU_RAISE_MS_MIN), 1_400);
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
  assertEquals(mtu.segmentBytes, 512);
});

Deno.test("longer segments are tried one request at a time, ever more rarely, and taken up step by step", () => {
  const mtu = new PathMtu(0, 1_400, 0);
  vanish(mtu, 2_000);
  mtu.onFull(2_001, 512);
  assertEquals(mtu.probeBytes(2_001), 900);
  mtu.onProbe(2_250);
  assertEquals(mtu.probeBytes(2_251), undefined);
  mtu.onLost(2_260, [900]);
  assertEquals(mtu.segmentBytes, 512);
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
  assertEquals(mtu.probeBytes(1_250 + MTU_RAISE_MS_MAX), 900);
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
  assertEquals(mtu.segmentBytes, 496);
  assertEquals(mtu.probeBytes(9_000), 884);
});

Deno.test("a length that the user chose is the longest, even between two steps", () => {
  const mtu = new PathMtu(0, 1_300, 0);
  vanish(mtu, 1_000);
  for (const bytes of [900, 1_200, 1_300]) {
    assertEquals(mtu.probeBytes(9_000), bytes);
    mtu.onProbe(9_000);
    mtu.onFull(9_000, bytes);
  }
  assertEquals(mtu.probeBytes(1e9), undefined);
  assertEquals(new PathMtu(0, 576, 0).segmentBytes, 576);
  assertEquals(new PathMtu(0, 100, 0).segmentBytes, 512);
});
