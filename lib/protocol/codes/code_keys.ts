/** What both sides of an exchange come to by a code (docs/PROTOCOL.md, "From a code to keys"). */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { type Bytes, fromHex, type ServerId } from "../../ids.ts";
import { CODE_KEY_BYTES } from "../../wire/limits.ts";
import { hkdf, joined, NO_SALT } from "../seal/hkdf.ts";
import { directionsOf, SESSION_BYTES, type SessionKeys } from "../seal/key_schedule.ts";
import type { Code } from "./code_words.ts";
import { cpaceKey, type CpacePart, cpacePart } from "./cpace.ts";

const utf8 = new TextEncoder();
const CHANNEL = utf8.encode("shoal code 1");
const GET = utf8.encode("get");
const SEND = utf8.encode("send");

/** Which exchange it is. */
export interface CodeRun {
  readonly code: Code;
  readonly nonce: Bytes;
  readonly server: ServerId;
}

export interface CodeKeys {
  /** What the receiver says to prove that it has them, and the sender. */
  readonly receiverProof: Bytes;
  readonly senderProof: Bytes;
  readonly session: SessionKeys;
}

type Side = "receiver" | "sender";

/** @param random 32 bytes for this exchange */
export function codePart(exchange: CodeRun, random: Uint8Array): CpacePart {
  return cpacePart(inputsOf(exchange), random);
}

/** `undefined` for a share that nobody has who follows the protocol. */
export function codeKeys(
  exchange: CodeRun,
  side: Side,
  own: CpacePart,
  theirs: Uint8Array,
): CodeKeys | undefined {
  const [receiver, sender] = side === "receiver" ? [own.share, theirs] : [theirs, own.share];
  const isk = cpaceKey(inputsOf(exchange), own, theirs, [
    { share: receiver, data: GET },
    { share: sender, data: SEND },
  ]);
  if (isk === undefined) return undefined;
  const okm = hkdf(isk, NO_SALT, "shoal code 1", 2 * CODE_KEY_BYTES + SESSION_BYTES);
  return {
    receiverProof: okm.slice(0, CODE_KEY_BYTES),
    senderProof: okm.slice(CODE_KEY_BYTES, 2 * CODE_KEY_BYTES),
    session: directionsOf(okm.slice(2 * CODE_KEY_BYTES)),
  };
}

/** In a time that does not depend on where they differ. */
export function isProof(expected: Bytes, said: Bytes): boolean {
  return timingSafeEqual(expected, said);
}

function inputsOf({ code, nonce, server }: CodeRun) {
  const session = joined(nonce, fromHex(server)!);
  return { password: utf8.encode(code.text), channel: CHANNEL, session };
}
