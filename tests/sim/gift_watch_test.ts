import { assertEquals, assertMatch } from "@std/assert";
import { type Bytes, hashHex, serverId } from "../../lib/ids.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { DATA_HEADER_BYTES, DataWriter } from "../../lib/wire/data_frame.ts";
import { encodeFrame } from "../../lib/wire/frames.ts";
import { GiftWatch } from "../support/gift_watch.ts";

const SIZE_BYTES = 4_000;
const ASKER = { address: "10.0.1.1", port: 20_000 };
const OTHER = { address: "10.0.1.2", port: 20_000 };
const GIVER = { address: "10.0.0.1", port: 10_530 };
const NONCE = 0x0123_4567_89ab_cdefn;
const TOKEN = new Random(3).bytes(16);
const file = new Random(1).bytes(SIZE_BYTES);

function retry(token: Bytes) {
  const server = serverId("cd".repeat(16));
  return encodeFrame({ kind: "retry", echo: NONCE, number: 3, server, token });
}

function want(offset: number, lengthBytes: number, number = 3) {
  return encodeFrame({
    ...{ kind: "want", nonce: NONCE, token: TOKEN, number, withCrc: 0 },
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

/** It has been given a token, and has asked with it. */
function asked(): GiftWatch {
  const watch = new GiftWatch(file);
  watch.onSent(GIVER, ASKER, retry(TOKEN));
  watch.onSent(ASKER, GIVER, want(0, 2_000));
  return watch;
}

Deno.test("what was asked for is right, and counted by who gave it", () => {
  const watch = asked();
  assertEquals(watch.onSent(GIVER, ASKER, data(0, 1_000)), undefined);
  assertEquals(watch.onSent(GIVER, ASKER, data(1_000, 1_000)), undefined);
  assertEquals([watch.givenBytes(GIVER.address), watch.givenBytes(ASKER.address)], [2_000, 0]);
});

Deno.test("bytes of another range, number, giver or receiver were not asked for", () => {
  const watch = asked();
  const wrong = [
    watch.onSent(GIVER, ASKER, data(1_500, 1_000)),
    watch.onSent(GIVER, ASKER, data(0, 100, { number: 4 })),
    watch.onSent(GIVER, OTHER, data(0, 100)),
    watch.onSent(OTHER, ASKER, data(0, 100)),
  ];
  for (const each of wrong) assertMatch(String(each), /which it has not asked for/);
});

Deno.test("who asks with a token that was given to somebody else, or to nobody, has not asked", () => {
  const watch = new GiftWatch(file);
  watch.onSent(GIVER, OTHER, retry(TOKEN));
  watch.onSent(GIVER, ASKER, retry(new Random(2).bytes(16)));
  watch.onSent(ASKER, GIVER, want(0, 2_000));
  assertMatch(String(watch.onSent(GIVER, ASKER, data(0, 100))), /which it has not asked for/);
});

Deno.test("bytes that are not the file's are wrong of who is to be honest", () => {
  const watch = asked();
  const rot = data(0, 100, { bytes: file.subarray(1, 101) });
  assertMatch(String(watch.onSent(GIVER, ASKER, rot)), /not the file's/);
  assertEquals(watch.onSent(GIVER, ASKER, rot, false), undefined);
});
