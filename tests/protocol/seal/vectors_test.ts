/** docs/PROTOCOL.md, "Seal", against vectors that Python has made from it. */
import "../../support/libraries.ts";
import { assertEquals } from "@std/assert";
import { type Bytes, fromHex, toHex } from "../../../lib/ids.ts";
import { nodeAeadKey } from "../../../lib/io/seal/node_aead.ts";
import { nativeAeadKey } from "../../../lib/io/seal/native_aead.ts";
import { stretched } from "../../../lib/io/seal/stretch.ts";
import { keyPairOf } from "../../../lib/io/seal/x25519.ts";
import {
  fingerprintOf,
  firstKeysOf,
  groupKeyOf,
  sessionKeysOf,
} from "../../../lib/protocol/seal/key_schedule.ts";
import { SEAL_EPOCH_COUNT } from "../../../lib/protocol/seal/limits.ts";
import { SealSession } from "../../../lib/protocol/seal/session.ts";
import { acceptStream, askForStream } from "../../../lib/protocol/seal/stream_handshake.ts";
import { Secret } from "../../../lib/protocol/seal/secrets.ts";
import { endOf, SEAL_KIND, sealSlot, writeHead } from "../../../lib/wire/seal.ts";
import { SEAL_HEAD_BYTES, SEAL_TAG_BYTES } from "../../../lib/wire/limits.ts";
import { CLIENT, GROUP, SealSocket, SERVER, suiteWith } from "../../support/seal_scene.ts";
import { parseHexVector } from "../../wire/hex_vector.ts";
import keys from "../../../fixtures/wire/seal/keys.json" with { type: "json" };
import firstText from "../../../fixtures/wire/seal/first.hex" with { type: "text" };
import secondText from "../../../fixtures/wire/seal/second.hex" with { type: "text" };
import sealedText from "../../../fixtures/wire/seal/sealed.hex" with { type: "text" };
import segmentText from "../../../fixtures/wire/seal/segment.hex" with { type: "text" };
import nextEpochText from "../../../fixtures/wire/seal/next_epoch.hex" with { type: "text" };
import streamFirstText from "../../../fixtures/wire/seal/stream_first.hex" with { type: "text" };
import streamSecondText from "../../../fixtures/wire/seal/stream_second.hex" with { type: "text" };
import recordAskingText from "../../../fixtures/wire/seal/record_asking.hex" with { type: "text" };
import recordAnsweringText from "../../../fixtures/wire/seal/record_answering.hex" with {
  type: "text",
};

const bytes = (hex: string): Bytes => fromHex(hex)!;
const asking = bytes(keys.scalars.asking);
const answering = bytes(keys.scalars.answering);
const QUESTION = "a question";
const ANSWER = "an answer";

Deno.test("keys follow from a secret as in the vectors", () => {
  const group = groupKeyOf(bytes(keys.material));
  assertEquals(toHex(group), keys.group);
  const { firstKey, markKey } = firstKeysOf(group);
  assertEquals([toHex(firstKey), toHex(markKey)], [keys.firstKey, keys.markKey]);
  const bits = fingerprintOf(group).map((number) => number.toString(2).padStart(11, "0")).join("");
  assertEquals(BigInt(`0b${bits}`), BigInt(`0x${keys.fingerprint}`) >> 4n);
});

Deno.test("a secret that was thought up is stretched as in the vectors", async () => {
  assertEquals(toHex(groupKeyOf(await stretched(keys.typed))), keys.typedGroup);
});

Deno.test("a session's keys are those of the vectors, on both sides", () => {
  const [a, b] = [keyPairOf(asking), keyPairOf(answering)];
  assertEquals(toHex(a.publicKey), keys.publicKeys.asking);
  assertEquals(toHex(b.publicKey), keys.publicKeys.answering);
  for (const shared of [a.agree(b.publicKey)!, b.agree(a.publicKey)!]) {
    const made = sessionKeysOf(GROUP, shared, "datagrams", a.publicKey, b.publicKey);
    for (const side of ["asking", "answering"] as const) {
      assertEquals(toHex(made[side].secret), keys.session[side].secret);
      assertEquals(toHex(made[side].id), keys.session[side].id);
    }
  }
});

Deno.test("the datagrams of a session are those of the vectors, made and understood", () => {
  const client = new SealSocket([GROUP], suiteWith([asking]));
  const server = new SealSocket([GROUP], suiteWith([answering]));

  const [first] = client.say(QUESTION, SERVER);
  assertEquals(toHex(first!), toHex(parseHexVector(firstText)));
  const asked = server.hearOne(first, CLIENT)!;
  assertEquals(asked.text, QUESTION);

  const [second] = server.say(ANSWER, asked.from);
  assertEquals(toHex(second!), toHex(parseHexVector(secondText)));
  assertEquals(client.hearOne(second, SERVER)?.text, ANSWER);

  const [sealed] = client.say(QUESTION, SERVER);
  assertEquals(toHex(sealed!), toHex(parseHexVector(sealedText)));
  assertEquals(server.hearOne(sealed, CLIENT)?.text, QUESTION);

  const segment = server.burst(ANSWER, ANSWER.length, asked.from);
  assertEquals(toHex(segment), toHex(parseHexVector(segmentText)));
  assertEquals(client.hearOne(segment, SERVER)?.text, ANSWER);

  // Whoever hears of the next epoch follows.
  assertEquals(client.hearOne(parseHexVector(nextEpochText), SERVER)?.text, ANSWER);
});

Deno.test("a side that has used up an epoch goes on in the next one, as in the vectors", () => {
  const [a, b] = [keyPairOf(asking), keyPairOf(answering)];
  const made = sessionKeysOf(
    GROUP,
    b.agree(a.publicKey)!,
    "datagrams",
    a.publicKey,
    b.publicKey,
  );
  const { sending } = new SealSession(suiteWith(), made, "answering");
  let counter = 0;
  while (counter < SEAL_EPOCH_COUNT) counter = sending.nextCounter();
  const vector = parseHexVector(nextEpochText);
  const text = new TextEncoder().encode(ANSWER);
  const end = endOf(vector.length - SEAL_HEAD_BYTES - SEAL_TAG_BYTES - text.length);
  const datagram = new Uint8Array(vector.length);
  const slot = sealSlot(datagram, 0, datagram.length, SEAL_HEAD_BYTES, end.length);
  writeHead(slot.head, SEAL_KIND.sealed, counter, sending.id);
  sending.seal(counter, slot, text, end);
  assertEquals(toHex(datagram), toHex(vector));
});

Deno.test("a stream begins as in the vectors, and its records are theirs", () => {
  const secrets = [new Secret(suiteWith(), GROUP)];
  const { firsts, session } = askForStream(suiteWith([asking]), secrets);
  assertEquals(toHex(firsts), toHex(parseHexVector(streamFirstText)));
  const accepted = acceptStream(suiteWith([answering]), secrets, firsts)!;
  assertEquals(toHex(accepted.second), toHex(parseHexVector(streamSecondText)));
  const asker = session(accepted.second)!;
  const sides = [
    { from: asker, to: accepted.session, text: QUESTION, vector: recordAskingText, counter: 0 },
    { from: accepted.session, to: asker, text: ANSWER, vector: recordAnsweringText, counter: 1 },
  ];
  for (const { from, to, text, vector, counter } of sides) {
    const record = parseHexVector(vector);
    const made = record.slice().fill(0, 2);
    assertEquals(from.sending.nextCounter(), counter);
    const said = new TextEncoder().encode(text);
    from.sending.seal(counter, sealSlot(made, 0, made.length, 2), said, new Uint8Array(0));
    assertEquals(toHex(made), toHex(record));
    const target = new Uint8Array(said.length);
    assertEquals(to.receiving.open(counter, sealSlot(record, 0, record.length, 2), target), true);
    assertEquals(target, said);
  }
});

Deno.test("the system's library and the portable way seal and open the same bytes", () => {
  const key = Uint8Array.from({ length: 16 }, (_, i) => i);
  const native = nativeAeadKey(key);
  // Without permission for FFI, or where it is switched off, there is only one way.
  if (native === undefined) return;
  const ways = [native, nodeAeadKey(key)];
  const nonce = new Uint8Array(12).fill(3);
  for (const textBytes of [0, 1, 15, 16, 17, 1_367, 8_000]) {
    for (const endBytes of [1, 64]) {
      const text = Uint8Array.from({ length: textBytes }, (_, i) => i * 7);
      const sizeBytes = SEAL_HEAD_BYTES + textBytes + endBytes + SEAL_TAG_BYTES;
      const sealed = ways.map((way) => {
        const made = new Uint8Array(sizeBytes).fill(5, 0, SEAL_HEAD_BYTES);
        way.seal(
          nonce,
          sealSlot(made, 0, sizeBytes, SEAL_HEAD_BYTES, endBytes),
          text,
          endOf(endBytes),
        );
        return made;
      });
      assertEquals(toHex(sealed[0]!), toHex(sealed[1]!));
      for (const way of ways) {
        const target = new Uint8Array(textBytes + endBytes);
        const slot = sealSlot(sealed[0]!, 0, sizeBytes, SEAL_HEAD_BYTES);
        assertEquals(way.open(nonce, slot, target), true);
        assertEquals(toHex(target), toHex(text) + toHex(endOf(endBytes)));
        const damaged = sealed[0]!.slice();
        damaged[damaged.length - 1]! ^= 1;
        assertEquals(
          way.open(nonce, sealSlot(damaged, 0, sizeBytes, SEAL_HEAD_BYTES), target),
          false,
        );
      }
    }
  }
  native.close();
  assertEquals(
    native.open(nonce, sealSlot(new Uint8Array(40), 0, 40, 15), new Uint8Array(9)),
    false,
  );
});
