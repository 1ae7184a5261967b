import { assert, assertEquals } from "@std/assert";
import type { Bytes } from "../../lib/ids.ts";
import { DataReader, DataWriter } from "../../lib/wire/data_frame.ts";
import { decodeFrame, HEADER } from "../../lib/wire/frames.ts";
import { slotBytesOf } from "../../lib/wire/slots.ts";
import { CONTROL_VECTORS } from "./control_vectors.ts";
import { parseHexVector } from "./hex_vector.ts";
import joined from "../../fixtures/wire/joined.hex" with { type: "text" };

const SEGMENT_BYTES = 1_400;

/** DATA frames of `SEGMENT_BYTES` end to end, the last one of `lastBytes`. */
function joinedSegments(count: number, lastBytes = SEGMENT_BYTES): Bytes {
  const bytes = new Uint8Array((count - 1) * SEGMENT_BYTES + lastBytes).fill(7);
  const writer = new DataWriter(bytes);
  writer.header = { nonce: 5n, number: 1, withCrc: false };
  for (let i = 0; i < count; i++) {
    const frameBytes = i === count - 1 ? lastBytes : SEGMENT_BYTES;
    writer.write(i * SEGMENT_BYTES, frameBytes - 32, i * 1_368);
  }
  return bytes;
}

/** Which segments of a buffer a reader finds whole. */
function wholeSegments(bytes: Bytes, expectedBytes: number): number[] {
  const slotBytes = slotBytesOf(bytes, expectedBytes);
  const reader = new DataReader(bytes);
  const whole: number[] = [];
  for (let at = 0; at < bytes.length; at += slotBytes) {
    reader.at = at;
    reader.slotBytes = Math.min(slotBytes, bytes.length - at);
    if (reader.isWhole()) whole.push(reader.offset / 1_368);
  }
  return whole;
}

const allBut = (count: number, missing: number): number[] =>
  Array.from({ length: count }, (_, i) => i).filter((i) => i !== missing);

Deno.test("the joined vector falls into its three slots, asked for or not", () => {
  const bytes = parseHexVector(joined);
  assertEquals(slotBytesOf(bytes, 52), 52);
  assertEquals(slotBytesOf(bytes, 0), 52);
  assertEquals(slotBytesOf(bytes, 1_400), 52);
  const reader = new DataReader(bytes);
  const payloads = [[0, 52], [52, 52], [104, 38]].map(([at, slotBytes]) => {
    reader.at = at!;
    reader.slotBytes = slotBytes!;
    assert(reader.isWhole());
    return bytes.slice(reader.payloadStart, reader.payloadStart + reader.payloadLength);
  });
  assertEquals(payloads.map((payload) => payload.length), [20, 20, 6]);
  assertEquals(
    payloads.flatMap((payload) => [...payload]),
    Array.from({ length: 46 }, (_, i) => i),
  );
});

Deno.test("one datagram is one slot, whatever size was asked for", () => {
  for (const expectedBytes of [0, 100, 700, SEGMENT_BYTES, 8_000]) {
    assertEquals(slotBytesOf(joinedSegments(1), expectedBytes), SEGMENT_BYTES);
    assertEquals(slotBytesOf(joinedSegments(1, 40), expectedBytes), 40);
    for (const { bytes } of CONTROL_VECTORS) {
      assertEquals(slotBytesOf(bytes, expectedBytes), bytes.length);
    }
  }
});

// Two segments, where one bad field leaves the least to go by; some; as many as one receive brings.
for (const count of [2, 3, 46]) {
  Deno.test(`${count} joined segments all arrive, with a last one of any length`, () => {
    for (const lastBytes of [33, 700, SEGMENT_BYTES]) {
      assertEquals(
        wholeSegments(joinedSegments(count, lastBytes), SEGMENT_BYTES),
        allBut(count, -1),
      );
      assertEquals(wholeSegments(joinedSegments(count, lastBytes), 0), allBut(count, -1));
    }
  });

  Deno.test(`a corrupt length costs one of ${count} joined segments, whichever it is`, () => {
    for (const hit of [0, 1, count - 1]) {
      // Divisors and multiples of the true size are what could be mistaken for it.
      for (const length of [0, 11, 12, 100, 280, 700, 1_399, 1_401, 2_800, 0xffff]) {
        const bytes = joinedSegments(count, 900);
        new DataView(bytes.buffer).setUint16(hit * SEGMENT_BYTES + HEADER.length, length);
        assertEquals(wholeSegments(bytes, SEGMENT_BYTES), allBut(count, hit), `${hit}: ${length}`);
      }
    }
  });

  Deno.test(`a corrupt magic costs one of ${count} joined segments, whichever it is`, () => {
    for (const hit of [0, 1, count - 1]) {
      const bytes = joinedSegments(count, 900);
      bytes[hit * SEGMENT_BYTES] = 0;
      assertEquals(wholeSegments(bytes, SEGMENT_BYTES), allBut(count, hit), `${hit}`);
    }
  });
}

Deno.test("control frames survive being joined", () => {
  for (const { title, bytes, frame } of CONTROL_VECTORS) {
    const buffer = new Uint8Array(3 * bytes.length);
    for (let i = 0; i < 3; i++) buffer.set(bytes, i * bytes.length);
    for (const expectedBytes of [0, SEGMENT_BYTES]) {
      const slotBytes = slotBytesOf(buffer, expectedBytes);
      assertEquals(slotBytes, bytes.length, title);
      assertEquals(decodeFrame(buffer.subarray(slotBytes, 2 * slotBytes)), frame);
    }
  }
});

Deno.test("smaller frames than were asked for are told apart by what they declare", () => {
  // Two slots of 700 in each expected slot of 1,400: both sizes find a frame at every place.
  const bytes = new Uint8Array(2_800).fill(7);
  const writer = new DataWriter(bytes);
  writer.header = { nonce: 5n, number: 1, withCrc: false };
  for (let i = 0; i < 4; i++) writer.write(i * 700, 668, 0);
  assertEquals(slotBytesOf(bytes, SEGMENT_BYTES), 700);
});

Deno.test("what is no frame at all is one slot", () => {
  const bytes = new Uint8Array(5_000).fill(0xff);
  assertEquals(slotBytesOf(bytes, SEGMENT_BYTES), 5_000);
  assertEquals(slotBytesOf(bytes, 0), 5_000);
  assertEquals(slotBytesOf(bytes.subarray(0, 3), SEGMENT_BYTES), 3);
});
