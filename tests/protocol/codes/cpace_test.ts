/** The draft's vectors, and those that an independent program made of docs/PROTOCOL.md. */
import { assertEquals, assertNotEquals } from "@std/assert";
import draft from "../../../fixtures/codes/cpace.json" with { type: "json" };
import made from "../../../fixtures/codes/exchange.json" with { type: "json" };
import { type Bytes, fromHex, serverId, toHex } from "../../../lib/ids.ts";
import { codeKeys, codePart } from "../../../lib/protocol/codes/code_keys.ts";
import { readCode } from "../../../lib/protocol/codes/code_words.ts";
import {
  type CpaceInputs,
  cpaceKey,
  cpacePart,
  generatorString,
  multiplied,
  scalarOf,
} from "../../../lib/protocol/codes/cpace.ts";

const bytes = (hex: string): Bytes => fromHex(hex)!;
const { exchange, points } = draft;
const inputs: CpaceInputs = {
  password: bytes(exchange.PRS),
  channel: bytes(exchange.CI),
  session: bytes(exchange.sid),
};
const a = cpacePart(inputs, bytes(exchange.ya));
const b = cpacePart(inputs, bytes(exchange.yb));
const saidA = { share: a.share, data: bytes(exchange.ADa) };
const saidB = { share: b.share, data: bytes(exchange.ADb) };

Deno.test("CPace gives the draft's generator string, shares and key, on both sides", () => {
  assertEquals(toHex(generatorString(inputs)), draft.generatorString);
  assertEquals(toHex(a.share), exchange.Ya);
  assertEquals(toHex(b.share), exchange.Yb);
  assertEquals(toHex(cpaceKey(inputs, a, b.share, [saidA, saidB])!), exchange.ISK_IR);
  assertEquals(toHex(cpaceKey(inputs, b, a.share, [saidA, saidB])!), exchange.ISK_IR);
});

Deno.test("CPace multiplies as the draft does, and gives nothing for what is no element or leads to the identity", () => {
  const scalar = scalarOf(bytes(points.s));
  assertEquals(toHex(multiplied(bytes(points.X), scalar)!), points.product);
  for (const invalid of points.invalid) assertEquals(multiplied(bytes(invalid), scalar), undefined);
  for (const invalid of [...points.invalid, "ff".repeat(32), "01" + "00".repeat(31), "ab"]) {
    const share = bytes(invalid);
    assertEquals(cpaceKey(inputs, a, share, [saidA, { ...saidB, share }]), undefined, invalid);
  }
});

Deno.test("CPace gives another key for whatever differs of password, channel, session, shares, or who has said them", () => {
  const keyOf = (changed: CpaceInputs) => {
    const own = cpacePart(changed, bytes(exchange.ya));
    return toHex(cpaceKey(changed, own, b.share, [{ ...saidA, share: own.share }, saidB])!);
  };
  const heard = (...said: [typeof saidA, typeof saidA]) =>
    toHex(cpaceKey(inputs, a, b.share, said)!);
  const flipped = (value: Uint8Array): Bytes => {
    const copy = new Uint8Array(value);
    copy[0]! ^= 1;
    return copy;
  };
  for (const name of ["password", "channel", "session"] as const) {
    assertNotEquals(keyOf({ ...inputs, [name]: flipped(inputs[name]) }), exchange.ISK_IR, name);
  }
  assertNotEquals(heard(saidB, saidA), exchange.ISK_IR);
  assertNotEquals(heard({ ...saidA, data: saidB.data }, saidB), exchange.ISK_IR);
  assertNotEquals(heard({ ...saidA, share: flipped(a.share) }, saidB), exchange.ISK_IR);
});

Deno.test("CPace takes lengths of 128 bytes and more in LEB128, and a password that fills a block", () => {
  const long = { ...inputs, password: new Uint8Array(300).fill(7) };
  const string = generatorString(long);
  assertEquals([...string.subarray(18, 20)], [300 & 127 | 128, 300 >> 7]);
  // No zeros are left to fill up with.
  assertEquals(string[18 + 2 + 300], 0);
});

Deno.test("keys of a code are those of the vectors, on both sides", () => {
  const reading = readCode(made.code, true);
  if (reading.kind !== "code") throw new Error("the code of the vectors is none");
  const of = {
    code: reading.code,
    nonce: bytes(made.nonce),
    server: serverId(made.server),
  };
  const receiver = codePart(of, bytes(made.randomReceiver));
  const sender = codePart(of, bytes(made.randomSender));
  assertEquals(toHex(receiver.share), made.shareReceiver);
  assertEquals(toHex(sender.share), made.shareSender);
  const sides = [
    codeKeys(of, "receiver", receiver, sender.share)!,
    codeKeys(of, "sender", sender, receiver.share)!,
  ];
  for (const { receiverProof, senderProof, session: { asking, answering } } of sides) {
    assertEquals(toHex(receiverProof), made.proofReceiver);
    assertEquals(toHex(senderProof), made.proofSender);
    const parts = [asking.secret, answering.secret, asking.id, answering.id];
    assertEquals(parts.map(toHex).join(""), made.session);
  }
});
