/** What holds for every datagram codec, whatever it is given: see `arbitraries.ts` for the seeds. */
import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { hashHex } from "../../lib/ids.ts";
import { CLASSIC_CHUNK_BYTES_MAX, CONTROL_BYTES_MAX } from "../../lib/wire/limits.ts";
import {
  decodeClassicAnswer,
  decodeClassicChunk,
  decodeClassicRequest,
  encodeClassicAnswer,
  encodeClassicChunk,
  encodeClassicRequest,
} from "../../lib/wire/classic.ts";
import { DATA_HEADER_BYTES, DataReader } from "../../lib/wire/data_frame.ts";
import {
  decodeFrame,
  encodeFrame,
  type Frame,
  frameCrc,
  HEADER,
  HEADER_BYTES,
} from "../../lib/wire/frames.ts";
import { packedFramesIn } from "../../lib/wire/packed_frames.ts";
import { SegmentRuns } from "../../lib/wire/segment_runs.ts";
import { bytes, frame, hash, property, sizeBytes, u64 } from "../support/arbitraries.ts";
import { segment } from "../support/segment.ts";

/** `undefined` for a frame that is too long to be one. */
function encoded(value: Frame): Uint8Array<ArrayBuffer> | undefined {
  try {
    return encodeFrame(value);
  } catch (error) {
    assert(error instanceof RangeError, String(error));
    return undefined;
  }
}

property("a control frame decodes to what was encoded", [frame], (value) => {
  const wire = encoded(value);
  fc.pre(wire !== undefined);
  assert(wire.length <= CONTROL_BYTES_MAX);
  assertEquals(decodeFrame(wire), value);
});

property("control frames that share a buffer come out as they went in", [
  fc.array(frame, { maxLength: 6 }),
], (values) => {
  const wires = values.map(encoded).filter((each) => each !== undefined);
  const joined = Uint8Array.from(wires.flatMap((each) => [...each]));
  const packed = [...packedFramesIn(joined)];
  assertEquals(packed.map((each) => encodeFrame(each.frame)), wires);
  assertEquals(packed.map((each) => Uint8Array.from(each.bytes)), wires);
});

property("no cut of a control frame, and no byte behind it, decodes", [frame, bytes(20, 1)], (
  value,
  more,
) => {
  const wire = encoded(value);
  fc.pre(wire !== undefined);
  for (const end of [0, 1, HEADER_BYTES, Math.floor(wire.length / 2), wire.length - 1]) {
    assertEquals(decodeFrame(wire.subarray(0, end)).kind, "malformed");
  }
  assertEquals(decodeFrame(Uint8Array.of(...wire, ...more)).kind, "malformed");
});

property("a control frame with one byte changed does not decode", [
  frame,
  fc.nat(),
  fc.integer({ min: 1, max: 255 }),
], (value, where, change) => {
  const wire = encoded(value);
  fc.pre(wire !== undefined);
  wire[where % wire.length]! ^= change;
  assertEquals(decodeFrame(wire).kind, "malformed");
});

property("whatever decodes says the same when it is encoded again", [
  frame,
  fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
], (value, changes) => {
  const wire = encoded(value);
  fc.pre(wire !== undefined);
  for (const [where, byte] of changes) {
    // Magic, version and length would only end it early.
    const at = where % wire.length;
    if (at >= 6 || at === HEADER.type) wire[at] = byte;
  }
  new DataView(wire.buffer).setUint32(HEADER.crc, frameCrc(wire));
  const decoded = decodeFrame(wire);
  if (decoded.kind === "malformed") return;
  assertEquals(decodeFrame(encodeFrame(decoded)), decoded);
}, 1_000);

property("decoders of datagrams never throw, and their answers are views within bounds", [
  fc.oneof(
    bytes(200),
    bytes(1_500),
    bytes(80).map((tail) => Uint8Array.of(0x53, 0x48, 1, ...tail)),
  ),
  fc.integer({ min: 1, max: 1_500 }),
], (wire, slotBytes) => {
  decodeFrame(wire);
  assertEquals([...packedFramesIn(wire)].every((each) => each.bytes.length <= wire.length), true);
  decodeClassicRequest(wire);
  decodeClassicAnswer(wire);
  decodeClassicChunk(wire);
  const runs = new SegmentRuns();
  runs.read(wire, slotBytes);
  for (let slots = 0; !runs.isAtEnd; slots++) {
    assert(slots <= wire.length);
    if (runs.isData && runs.isOfFlow(runs.segment.nonceHigh, runs.segment.nonceLow, false)) {
      runs.takeRun();
    } else runs.takeSlot();
  }
});

property("a segment says what was written, alone and in a run", [
  fc.array(bytes(40, 40), { minLength: 1, maxLength: 5 }),
  sizeBytes,
  u64,
  fc.integer({ min: 0, max: 0xffff_ffff }),
  fc.boolean(),
], (payloads, offset, nonce, number, withCrc) => {
  const header = { nonce, number, withCrc };
  const wires = payloads.map((payload, i) => segment(payload, offset + 40 * i, header));
  const joined = Uint8Array.from(wires.flatMap((each) => [...each]));
  const slotBytes = DATA_HEADER_BYTES + 40;
  const reader = new DataReader(joined);
  reader.slotBytes = slotBytes;
  assert(reader.isWhole());
  assertEquals([reader.number, reader.offset, reader.hasCrc], [number, offset, withCrc]);
  assertEquals((BigInt(reader.nonceHigh) << 32n) | BigInt(reader.nonceLow), nonce);
  const runs = new SegmentRuns();
  runs.read(joined, slotBytes);
  assert(runs.isOfFlow(reader.nonceHigh, reader.nonceLow, withCrc));
  runs.takeRun();
  assertEquals([runs.start, runs.end, runs.segments], [
    offset,
    offset + 40 * payloads.length,
    payloads.length,
  ]);
  const copy = new Uint8Array(40 * payloads.length);
  runs.copyTo(copy, 0, runs.start, runs.end);
  assertEquals(copy, Uint8Array.from(payloads.flatMap((each) => [...each])));
});

property("a segment with a CRC and one byte changed is not whole", [
  bytes(100, 1),
  fc.nat(),
  fc.integer({ min: 1, max: 255 }),
], (payload, where, change) => {
  const wire = segment(payload, 0, { nonce: 1n, number: 1, withCrc: true });
  wire[where % wire.length]! ^= change;
  const reader = new DataReader(wire);
  reader.slotBytes = wire.length;
  // The one bit that says that there is a CRC is all that stands between: who asked for it looks.
  assert(!reader.isWhole() || !reader.hasCrc);
});

property("classic datagrams go to and fro", [
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }),
  fc.integer({ min: 0, max: 0xffff_ffff }),
  hash,
  bytes(300, 1),
  bytes(32, 32),
], (name, number, sha256, payload, digest) => {
  assertEquals(decodeClassicRequest(encodeClassicRequest(name)), name);
  const answer = { chunkCount: number, sha256 };
  assertEquals(decodeClassicAnswer(encodeClassicAnswer(answer)), answer);
  const wire = encodeClassicChunk(number, payload, digest);
  assertEquals(decodeClassicChunk(wire), { number, payload, sha256: digest });
  new DataView(wire.buffer).setUint32(4, CLASSIC_CHUNK_BYTES_MAX + 1);
  assertEquals(decodeClassicChunk(wire), undefined);
});

Deno.test("an answer with capitals in its digest means the same", () => {
  const sha256 = hashHex("ab".repeat(32));
  const wire = new TextEncoder().encode(`except 3 chunks ${sha256.toUpperCase()}\n`);
  assertEquals(decodeClassicAnswer(wire), { chunkCount: 3, sha256 });
});
