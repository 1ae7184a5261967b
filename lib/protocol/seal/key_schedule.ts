/** From a secret, and from what two sides agree on, to keys (docs/PROTOCOL.md, "Seal"): HKDF-SHA-256 throughout (RFC 5869). */
import type { Bytes } from "../../ids.ts";
import { sha256 } from "../base/sha256.ts";
import { hkdf, joined, NO_SALT } from "./hkdf.ts";

const AEAD_KEY_BYTES = 16;
const NONCE_BYTES = 12;
const SESSION_ID_BYTES = 8;
/** Of a session: two secrets of directions, and their ids. */
export const SESSION_BYTES = 80;
const WORD_BITS = 11;

/** What the holders of a secret have in common: 32 bytes from which all else follows. */
export type GroupKey = Bytes;

/** Of one secret: what first messages are sealed and marked by. */
export interface FirstKeys {
  readonly group: GroupKey;
  readonly firstKey: Bytes;
  readonly markKey: Bytes;
}

/** What one direction of a session begins with. */
export interface DirectionKeys {
  readonly secret: Bytes;
  readonly id: Bytes;
}

export interface SessionKeys {
  /** Of what the one says who asked. */
  readonly asking: DirectionKeys;
  readonly answering: DirectionKeys;
}

interface EpochKeys {
  readonly key: Bytes;
  readonly iv: Bytes;
  /** Of the next epoch; what led here cannot be had from it. */
  readonly secret: Bytes;
}

/** @param material what only the holders of the secret have, 16 bytes or more of entropy */
export function groupKeyOf(material: Uint8Array): GroupKey {
  return hkdf(material, NO_SALT, "shoal seal 1 secret", 32);
}

export function firstKeysOf(group: GroupKey): FirstKeys {
  const okm = hkdf(group, NO_SALT, "shoal seal 1 first", 48);
  return { group, firstKey: okm.slice(0, AEAD_KEY_BYTES), markKey: okm.slice(AEAD_KEY_BYTES) };
}

/** Four numbers below 2¹¹ by which people tell secrets apart; nothing about the secret can be had from them. */
export function fingerprintOf(group: GroupKey): readonly number[] {
  const bits = [...hkdf(group, NO_SALT, "shoal seal 1 fingerprint", 6)]
    .map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return [0, 1, 2, 3].map((i) => parseInt(bits.slice(WORD_BITS * i, WORD_BITS * (i + 1)), 2));
}

/** What is carried: keys of the one are none of the other. */
type Carrier = "datagrams" | "stream";

/** @param shared what X25519 gave both sides */
export function sessionKeysOf(
  group: GroupKey,
  shared: Bytes,
  carrier: Carrier,
  askingKey: Uint8Array,
  answeringKey: Uint8Array,
): SessionKeys {
  return directionsOf(
    hkdf(shared, group, `shoal seal 1 ${carrier}`, SESSION_BYTES, askingKey, answeringKey),
  );
}

/** The two directions of a session, from {@linkcode SESSION_BYTES} that follow from what both sides have. */
export function directionsOf(okm: Bytes): SessionKeys {
  return {
    asking: { secret: okm.slice(0, 32), id: okm.slice(64, 64 + SESSION_ID_BYTES) },
    answering: { secret: okm.slice(32, 64), id: okm.slice(64 + SESSION_ID_BYTES) },
  };
}

export function epochKeysOf(secret: Bytes): EpochKeys {
  const okm = hkdf(secret, NO_SALT, "shoal seal 1 epoch", AEAD_KEY_BYTES + NONCE_BYTES + 32);
  const ivEnd = AEAD_KEY_BYTES + NONCE_BYTES;
  return {
    key: okm.slice(0, AEAD_KEY_BYTES),
    iv: okm.slice(AEAD_KEY_BYTES, ivEnd),
    secret: okm.slice(ivEnd),
  };
}

/** The digest that a head's mark, and the nonce of a first message, are taken from. */
export function markDigest({ markKey }: FirstKeys, marked: Uint8Array): Bytes {
  return sha256(joined(markKey, marked));
}

/** The nonce of a first message. */
export function firstNonce(digest: Bytes): Bytes {
  return digest.slice(4, 4 + NONCE_BYTES);
}
