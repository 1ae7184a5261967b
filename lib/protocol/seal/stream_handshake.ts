/** How a stream begins (docs/PROTOCOL.md, "Seal"): one first message for each secret, and one second message. */
import type { Bytes } from "../../ids.ts";
import { SEAL_HANDSHAKE_HEAD_BYTES, SEAL_TAG_BYTES } from "../../wire/limits.ts";
import { counterIn, keyIn, SEAL_KIND, sealSlot } from "../../wire/seal.ts";
import { sessionKeysOf } from "./key_schedule.ts";
import { SECRETS_MAX } from "./limits.ts";
import type { Secret } from "./secrets.ts";
import { SealSession } from "./session.ts";
import type { SealSuite } from "./suite.ts";

export const STREAM_HANDSHAKE_BYTES = SEAL_HANDSHAKE_HEAD_BYTES + SEAL_TAG_BYTES;

/** Neither message says anything but that its sender has the secret. */
const NOTHING: Bytes = new Uint8Array(0);

/** What whoever connected says first, and what comes of the answer: no session if that is of nobody who has the secret. */
export function askForStream(suite: SealSuite, secrets: readonly Secret[]): {
  readonly firsts: Bytes;
  session(second: Bytes): SealSession | undefined;
} {
  const own = suite.newKeyPair();
  const firsts: Bytes = new Uint8Array(secrets.length * STREAM_HANDSHAKE_BYTES);
  for (const [i, secret] of secrets.entries()) {
    const slot = slotOf(firsts, i * STREAM_HANDSHAKE_BYTES);
    // The counter says how many follow.
    const left = secrets.length - 1 - i;
    secret.sealFirst(SEAL_KIND.streamFirst, left, own.publicKey, slot, NOTHING, NOTHING);
  }
  return {
    firsts,
    session(second) {
      const slot = slotOf(second, 0);
      const secret = secrets.find((each) => each.judge(slot.head) !== undefined);
      if (slot.head[0] !== SEAL_KIND.streamSecond || secret === undefined) return undefined;
      const theirs = keyIn(slot.head);
      const shared = own.agree(theirs);
      if (shared === undefined) return undefined;
      const keys = sessionKeysOf(secret.group, shared, "stream", own.publicKey, theirs);
      const session = new SealSession(suite, keys, "asking");
      if (session.receiving.open(counterIn(slot.head), slot, NOTHING)) return session;
      session.close();
      return undefined;
    },
  };
}

/** Whether no first message follows this one, by its own word, or more have come than anybody has secrets. */
export function firstsAreOver(first: Bytes, read: number): boolean {
  return read >= SECRETS_MAX || counterIn(first) === 0;
}

/** The session that a first message opens, and what is said to that; `undefined` where nobody said it who has one of the secrets. */
export function acceptStream(suite: SealSuite, secrets: readonly Secret[], first: Bytes) {
  const slot = slotOf(first, 0);
  if (slot.head[0] !== SEAL_KIND.streamFirst) return undefined;
  for (const secret of secrets) {
    const digest = secret.judge(slot.head);
    if (digest === undefined || !secret.openFirst(digest, slot, NOTHING)) continue;
    const pair = suite.newKeyPair();
    const theirs = keyIn(slot.head);
    const shared = pair.agree(theirs);
    if (shared === undefined) return undefined;
    const keys = sessionKeysOf(secret.group, shared, "stream", theirs, pair.publicKey);
    const session = new SealSession(suite, keys, "answering");
    const second: Bytes = new Uint8Array(STREAM_HANDSHAKE_BYTES);
    const answer = slotOf(second, 0);
    const counter = session.sending.nextCounter();
    secret.writeHead(answer.head, SEAL_KIND.streamSecond, counter, pair.publicKey);
    session.sending.seal(counter, answer, NOTHING, NOTHING);
    return { session, second, firstsLeft: Math.min(counterIn(slot.head), SECRETS_MAX - 1) };
  }
  return undefined;
}

function slotOf(bytes: Bytes, at: number) {
  return sealSlot(bytes, at, STREAM_HANDSHAKE_BYTES, SEAL_HANDSHAKE_HEAD_BYTES);
}
