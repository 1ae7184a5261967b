import { assertEquals, assertThrows } from "@std/assert";
import { hashHex } from "../../lib/ids.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { DATA_HEADER_BYTES, DataWriter } from "../../lib/wire/data_frame.ts";
import { encodeFrame } from "../../lib/wire/frames.ts";
import { GiftWatch } from "./gift_watch.ts";
import { Violation } from "./verdict.ts";

const SIZE_BYTES = 4_000;
const ASKER = { address: "10.0.1.1", port: 20_000 };
const OTHER = { address: "10.0.1.2", port: 20_000 };
const GIVER = { address: "10.0.0.1", port: 10_530 };
const NONCE = 0x0123_4567_89ab_cdefn;
const file = new Random(1).bytes(SIZE_BYTES);

function want(offset: number, lengthBytes: number, number = 3) {
  return encodeFrame({
    ...{ kind: "want", nonce: NONCE, token: new Uint8Array(16), number, withCrc: 0 },
    ...{ root: hashHex("ab".repeat(32)), sizeBytes: SIZE_BYTES, segmentBytes: 1_400 },
    ranges: [{ offset, lengthBytes }],
  });
}

function data(
  offset: number,
  lengthBytes: number,
  given: { number?: number; bytes?: Uint8Array } = {},
) {
  const { number = 3, bytes = file.subarray(offset, offset + lengthBytes) } = given;
  const segment = new Uint8Array(DATA_HEADER_BYTES + lengthBytes);
  segment.set(bytes, DATA_HEADER_BYTES);
  const writer = new DataWriter(segment);
  writer.header = { nonce: NONCE, number, withCrc: false };
  writer.write(0, lengthBytes, offset);
  return segment;
}

function asked(): GiftWatch {
  const watch = new GiftWatch(file);
  watch.onSent(ASKER, GIVER, want(0, 2_000), true);
  return watch;
}

Deno.test("what was asked for is counted, by who gave it", () => {
  const watch = asked();
  watch.onSent(GIVER, ASKER, data(0, 1_000), true);
  watch.onSent(GIVER, ASKER, data(1_000, 1_000), true);
  assertEquals([watch.givenBytes(GIVER.address), watch.givenBytes(ASKER.address)], [2_000, 0]);
});

Deno.test("bytes that nobody asked for are a violation: of another range, number, giver or receiver", () => {
  const watch = asked();
  assertThrows(() => watch.onSent(GIVER, ASKER, data(1_500, 1_000), true), Violation, "asked");
  assertThrows(() => watch.onSent(GIVER, ASKER, data(0, 100, { number: 4 }), true), Violation);
  assertThrows(() => watch.onSent(GIVER, OTHER, data(0, 100), true), Violation, "asked");
  assertThrows(() => watch.onSent(OTHER, ASKER, data(0, 100), true), Violation, "asked");
});

Deno.test("bytes that are not the file's are a violation of who is to be honest", () => {
  const watch = asked();
  const wrong = data(0, 100, { bytes: file.subarray(1, 101) });
  watch.onSent(GIVER, ASKER, wrong, false);
  assertThrows(() => watch.onSent(GIVER, ASKER, wrong, true), Violation, "not the file's");
});
