import { assert, assertEquals } from "@std/assert";
import type { Bytes } from "../../lib/ids.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import {
  DATA_HEADER_BYTES,
  type DataHeader,
  DataReader,
  DataWriter,
  isData,
  payloadBytesOf,
} from "../../lib/wire/data_frame.ts";
import { decodeFrame } from "../../lib/wire/frames.ts";
import { segment } from "../support/segment.ts";
import { parseHexVector } from "./hex_vector.ts";
import data from "../../fixtures/wire/data.hex" with { type: "text" };
import dataCrc from "../../fixtures/wire/data_crc.hex" with { type: "text" };

const SEED = 32;
const PAYLOAD = Uint8Array.from({ length: 20 }, (_, i) => 64 + i);
const NONCE = 0xf0e1_d2c3_b4a5_9687n;

const VECTORS: readonly (readonly [string, Bytes, DataHeader, number])[] = [
  ["data", parseHexVector(data), {
    nonce: NONCE,
    number: 7,
    withCrc: false,
  }, 2 ** 32 + 65_536],
  ["data_crc", parseHexVector(dataCrc), {
    nonce: NONCE,
    number: 7,
    withCrc: true,
  }, 65_536],
];

function readerAt(bytes: Bytes, at = 0, slotBytes = bytes.length - at): DataReader {
  const reader = new DataReader(bytes);
  reader.at = at;
  reader.slotBytes = slotBytes;
  return reader;
}

for (const [title, bytes, header, offset] of VECTORS) {
  Deno.test(`the ${title} vector reads as its header and payload`, () => {
    const reader = readerAt(bytes);
    assert(isData(bytes, 0));
    assert(reader.isWhole());
    assertEquals(reader.nonceHigh, Number(header.nonce >> 32n));
    assertEquals(reader.nonceLow, Number(header.nonce & 0xffff_ffffn));
    assertEquals(reader.number, header.number);
    assertEquals(reader.offset, offset);
    assertEquals(reader.hasCrc, header.withCrc);
    const payload = bytes.subarray(reader.payloadStart, reader.payloadStart + reader.payloadLength);
    assertEquals(payload, PAYLOAD);
  });

  Deno.test(`writing the header of ${title} into used memory gives the vector and nothing beside it`, () => {
    const at = 13;
    const target = new Uint8Array(at + bytes.length + 9).fill(0xa5);
    target.set(PAYLOAD, at + DATA_HEADER_BYTES);
    const writer = new DataWriter(target);
    writer.header = header;
    writer.write(at, PAYLOAD.length, offset);
    assertEquals(target.slice(at, at + bytes.length), bytes);
    assert(target.subarray(0, at).every((byte) => byte === 0xa5));
    assert(target.subarray(at + bytes.length).every((byte) => byte === 0xa5));
    assert(readerAt(target, at, bytes.length).isWhole());
  });

  Deno.test(`a ${title} in a slot of another length is not whole`, () => {
    const buffer = new Uint8Array(bytes.length + 40);
    buffer.set(bytes);
    for (let slotBytes = 0; slotBytes <= buffer.length; slotBytes++) {
      assertEquals(readerAt(buffer, 0, slotBytes).isWhole(), slotBytes === bytes.length);
    }
  });

  Deno.test(`a truncated ${title} is not whole`, () => {
    for (let length = 0; length < bytes.length; length++) {
      assert(!readerAt(bytes.slice(0, length)).isWhole());
    }
  });

  Deno.test(`no flipped bit of ${title}'s magic, version, type or length leaves it whole`, () => {
    for (let bit = 0; bit < 8 * 6; bit++) {
      const flipped = bytes.slice();
      flipped[bit >>> 3]! ^= 1 << (bit & 7);
      assert(!readerAt(flipped).isWhole(), `bit ${bit}`);
    }
  });

  Deno.test(`a control frame's decoder takes no ${title}`, () => {
    assertEquals(decodeFrame(bytes).kind, "malformed");
  });
}

Deno.test("no flipped bit of a segment with a CRC-32 passes for one with a good CRC-32", () => {
  const bytes = parseHexVector(dataCrc);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const flipped = bytes.slice();
    flipped[bit >>> 3]! ^= 1 << (bit & 7);
    const reader = readerAt(flipped);
    // Without its flag a segment says that it has no CRC-32: whoever asked for one does not take it.
    assert(!reader.isWhole() || !reader.hasCrc, `bit ${bit}`);
  }
});

Deno.test("a segment without payload is not whole", () => {
  const bytes = segment(new Uint8Array(0), 0, { nonce: 1n, number: 1, withCrc: false });
  assert(!readerAt(bytes).isWhole());
});

Deno.test(`random bytes never throw, whatever slot is claimed (seed ${SEED})`, () => {
  const random = new Random(SEED);
  for (let round = 0; round < 20_000; round++) {
    const bytes = random.bytes(random.below(100));
    if (random.chance(0.8)) {
      bytes.set([0x53, 0x48, 1, 0x11, 0, bytes.length].slice(0, bytes.length));
    }
    const at = random.below(60);
    const reader = readerAt(bytes, at, random.below(120));
    if (!reader.isWhole()) continue;
    assert(reader.payloadStart + reader.payloadLength <= bytes.length);
    assert(reader.offset >= 0);
  }
});

Deno.test("a segment's payload is what its header leaves", () => {
  assertEquals(payloadBytesOf(1_400), 1_400 - DATA_HEADER_BYTES);
});
