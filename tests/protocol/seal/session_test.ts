import { assert, assertEquals } from "@std/assert";
import type { Bytes } from "../../../lib/ids.ts";
import { SEAL_HEAD_BYTES, SEAL_TAG_BYTES } from "../../../lib/wire/limits.ts";
import { endOf, SEAL_KIND, sealSlot, writeHead } from "../../../lib/wire/seal.ts";
import { sessionKeysOf } from "../../../lib/protocol/seal/key_schedule.ts";
import { SEAL_EPOCH_COUNT } from "../../../lib/protocol/seal/limits.ts";
import { SealSession } from "../../../lib/protocol/seal/session.ts";
import { GROUP, suiteWith } from "../../support/seal_scene.ts";

const TEXT = new TextEncoder().encode("said");

function pair() {
  const [a, b] = [suiteWith().newKeyPair(), suiteWith().newKeyPair()];
  const keys = sessionKeysOf(
    GROUP,
    a.agree(b.publicKey)!,
    "datagrams",
    a.publicKey,
    b.publicKey,
  );
  return {
    asker: new SealSession(suiteWith(), keys, "asking"),
    answerer: new SealSession(suiteWith(), keys, "answering"),
  };
}

/** The next thing that is said, in the next epoch or the present one. */
function said({ sending }: SealSession, epoch: number): { counter: number; datagram: Bytes } {
  let counter = sending.nextCounter();
  while (counter < epoch * SEAL_EPOCH_COUNT) counter = sending.nextCounter();
  const datagram = new Uint8Array(SEAL_HEAD_BYTES + TEXT.length + 1 + SEAL_TAG_BYTES);
  const slot = sealSlot(datagram, 0, datagram.length, SEAL_HEAD_BYTES, 1);
  writeHead(slot.head, SEAL_KIND.sealed, counter, sending.id);
  sending.seal(counter, slot, TEXT, endOf(1));
  return { counter, datagram };
}

function isHeard({ receiving }: SealSession, { counter, datagram }: ReturnType<typeof said>) {
  const target = new Uint8Array(TEXT.length + 1);
  const slot = sealSlot(datagram, 0, datagram.length, SEAL_HEAD_BYTES);
  return receiving.open(counter, slot, target);
}

Deno.test("epochs follow one another; what is late is heard for one more, and what is older never", () => {
  const { asker, answerer } = pair();
  const [early, held, lost] = [0, 0, 0].map((epoch) => said(asker, epoch));
  assert(isHeard(answerer, early!));
  const second = said(asker, 1);
  assert(isHeard(answerer, second));
  // In the first epoch still, and not old in numbers of datagrams.
  const near = said(pair().asker, 0);
  assertEquals(isHeard(answerer, near), false);
  const third = said(asker, 2);
  assert(isHeard(answerer, third));
  assertEquals([isHeard(answerer, held!), isHeard(answerer, lost!)], [false, false]);
  assertEquals(isHeard(answerer, second), false);
});

Deno.test("an epoch that is not the next one is nothing, whatever claims to be of it", () => {
  const { asker, answerer } = pair();
  const far = said(asker, 2);
  assertEquals(isHeard(answerer, far), false);
  // It has not moved: what is of the present epoch is heard.
  const { asker: other, answerer: theirs } = pair();
  assert(isHeard(theirs, said(other, 0)));
  const forged = said(pair().asker, 1);
  assertEquals(isHeard(theirs, forged), false);
  assert(isHeard(theirs, said(other, 0)));
  assert(isHeard(theirs, said(other, 1)));
});

Deno.test("what was made just before the next epoch is heard after it, too", () => {
  const { asker, answerer } = pair();
  let last = said(asker, 0);
  while (last.counter < SEAL_EPOCH_COUNT - 2) {
    const counter = asker.sending.nextCounter();
    if (counter < SEAL_EPOCH_COUNT - 2) last = { ...last, counter };
    else last = said(asker, 0);
  }
  assertEquals(last.counter, SEAL_EPOCH_COUNT - 1);
  assert(isHeard(answerer, said(asker, 1)));
  assert(isHeard(answerer, last));
});

Deno.test("a counter is never used twice", () => {
  const { asker } = pair();
  const counters = Array.from({ length: 1_000 }, () => asker.sending.nextCounter());
  assertEquals(counters, counters.map((_, i) => i));
});
