import { assert, assertEquals } from "@std/assert";
import type { Bytes } from "../../lib/ids.ts";
import { DATA_HEADER_BYTES } from "../../lib/wire/data_frame.ts";
import { SegmentRuns } from "../../lib/wire/segment_runs.ts";
import { segment } from "../support/segment.ts";

const NONCE = 0x1_0000_0002n;
const [HIGH, LOW] = [1, 2];
const PAYLOAD = 100;
const SLOT = DATA_HEADER_BYTES + PAYLOAD;
/** Byte i of the file. */
const at = (i: number): number => (i * 7 + (i >> 8)) & 0xff;

interface Part {
  readonly offset: number;
  readonly length?: number;
  readonly number?: number;
  readonly nonce?: bigint;
  readonly withCrc?: boolean;
}

/** Segments end to end, as one receive brings them. */
function joined(...parts: readonly Part[]): Bytes {
  const frames = parts.map(({ offset, length = PAYLOAD, number = 9, nonce = NONCE, withCrc }) => {
    const payload = Uint8Array.from({ length }, (_, i) => at(offset + i));
    return segment(payload, offset, { nonce, number, withCrc: withCrc ?? false });
  });
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  let used = 0;
  for (const frame of frames) {
    bytes.set(frame, used);
    used += frame.length;
  }
  return bytes;
}

/** What is found in `bytes`: `[start, end, segments]` a run, "other" for what is passed by. */
function runsIn(bytes: Bytes, needsCrc = false): unknown[] {
  const runs = new SegmentRuns();
  runs.read(bytes, SLOT);
  const found: unknown[] = [];
  while (!runs.isAtEnd) {
    if (runs.isData && runs.isOfFlow(HIGH, LOW, needsCrc)) {
      runs.takeRun();
      found.push([runs.start, runs.end, runs.segments]);
    } else {
      runs.takeSlot();
      found.push("other");
    }
  }
  return found;
}

Deno.test("segments that go on from one another are one run, the last one shorter or not", () => {
  assertEquals(runsIn(joined({ offset: 0 }, { offset: 100 }, { offset: 200 })), [[0, 300, 3]]);
  assertEquals(runsIn(joined({ offset: 5 }, { offset: 105, length: 7 })), [[5, 112, 2]]);
  assertEquals(runsIn(joined({ offset: 2 ** 40 })), [[2 ** 40, 2 ** 40 + 100, 1]]);
});

Deno.test("a gap, a repetition and another request each begin a new run", () => {
  assertEquals(runsIn(joined({ offset: 0 }, { offset: 200 })), [[0, 100, 1], [200, 300, 1]]);
  assertEquals(runsIn(joined({ offset: 0 }, { offset: 0 })), [[0, 100, 1], [0, 100, 1]]);
  assertEquals(
    runsIn(joined({ offset: 0, number: 9 }, { offset: 100, number: 10 })),
    [[0, 100, 1], [100, 200, 1]],
  );
});

Deno.test("a slot that is damaged or of another flow is passed by, and costs no other", () => {
  const bytes = joined({ offset: 0 }, { offset: 100 }, { offset: 200 });
  bytes[SLOT]! ^= 0xff;
  assertEquals(runsIn(bytes), [[0, 100, 1], "other", [200, 300, 1]]);
  assertEquals(
    runsIn(joined({ offset: 0 }, { offset: 100, nonce: 5n }, { offset: 200 })),
    [[0, 100, 1], "other", [200, 300, 1]],
  );
});

Deno.test("segments with and without a CRC-32 are not mixed in a run", () => {
  const bytes = joined({ offset: 0, withCrc: true }, { offset: 100 }, { offset: 200 });
  assertEquals(runsIn(bytes), [[0, 100, 1], [100, 300, 2]]);
  assertEquals(runsIn(bytes, true), [[0, 100, 1], "other", "other"]);
});

Deno.test("any part of a run is copied from the segments that it lies in", () => {
  const runs = new SegmentRuns();
  runs.read(joined({ offset: 1_000 }, { offset: 1_100 }, { offset: 1_200, length: 30 }), SLOT);
  runs.takeRun();
  for (const [start, end] of [[1_000, 1_230], [1_000, 1_100], [1_050, 1_060], [1_099, 1_201]]) {
    const target = new Uint8Array(300).fill(0xa5);
    runs.copyTo(target, 3, start!, end!);
    const copied = target.subarray(3, 3 + end! - start!);
    assert(copied.every((byte, i) => byte === at(start! + i)), `${start} to ${end}`);
    assert(target.subarray(0, 3).every((byte) => byte === 0xa5));
    assert(target.subarray(3 + end! - start!).every((byte) => byte === 0xa5));
  }
});

Deno.test("a buffer that is used again gives what is in it now", () => {
  const runs = new SegmentRuns();
  const buffer = new Uint8Array(10 * SLOT);
  for (const offset of [0, 5_000]) {
    const received = joined({ offset }, { offset: offset + 100 });
    buffer.set(received);
    runs.read(buffer.subarray(0, received.length), SLOT);
    runs.takeRun();
    const target = new Uint8Array(200);
    runs.copyTo(target, 0, offset, offset + 200);
    assert(target.every((byte, i) => byte === at(offset + i)));
  }
});
