/**
 * CPace (draft-irtf-cfrg-cpace) in its suite CPACE-RISTR255-SHA512, with an initiator and a responder: from a password that two
 * sides share to a key that nobody else has, such that whoever takes part without the password learns of one guess whether it is right.
 */
import { ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import type { Bytes } from "../../ids.ts";
import { joined } from "../seal/hkdf.ts";

const { Point } = ristretto255;
const utf8 = new TextEncoder();
const DSI = utf8.encode("CPaceRistretto255");
const DSI_ISK = utf8.encode("CPaceRistretto255_ISK");
/** Of SHA-512. */
const BLOCK_BYTES = 128;
const SCALAR_BITS = 252n;
const SCALAR_BYTES = 32;

export interface CpaceInputs {
  /** PRS: the password. */
  readonly password: Uint8Array;
  /** CI: what it is used for. */
  readonly channel: Uint8Array;
  /** sid: of this exchange. */
  readonly session: Uint8Array;
}

/** One side's part: its scalar, and what the other side is told of it. */
export interface CpacePart {
  /** 32 bytes. */
  readonly share: Bytes;
  readonly scalar: bigint;
}

/** What a side has said. */
interface CpaceMessage {
  readonly share: Uint8Array;
  /** AD: who says so. */
  readonly data: Uint8Array;
}

/** @param random 32 bytes that are used for nothing else */
export function cpacePart(inputs: CpaceInputs, random: Uint8Array): CpacePart {
  const scalar = scalarOf(random);
  const generator = ristretto255_hasher.deriveToCurve!(sha512(generatorString(inputs)));
  return { scalar, share: bytesOf(generator.multiply(scalar).toBytes()) };
}

/**
 * ISK, 64 bytes; `undefined` for a share that is no element of the group, or that leads to what everybody knows.
 *
 * @param theirs the share that has come
 * @param transcript what the initiator has said, and the responder
 */
export function cpaceKey(
  { session }: CpaceInputs,
  { scalar }: CpacePart,
  theirs: Uint8Array,
  transcript: readonly [CpaceMessage, CpaceMessage],
): Bytes | undefined {
  const secret = multiplied(theirs, scalar);
  if (secret === undefined) return undefined;
  const said = transcript.flatMap(({ share, data }) => [share, data]);
  return bytesOf(sha512(lengthsAndValues(DSI_ISK, session, secret, ...said)));
}

/** Exported for the draft's vectors. */
export function generatorString({ password, channel, session }: CpaceInputs): Bytes {
  const inBlock = prefixed(password).length + prefixed(DSI).length;
  const zeros = new Uint8Array(Math.max(0, BLOCK_BYTES - 1 - inBlock));
  return lengthsAndValues(DSI, password, zeros, channel, session);
}

/** The element that `encoded` stands for, times the scalar; `undefined` where there is none, or the product is the identity. */
export function multiplied(encoded: Uint8Array, scalar: bigint): Bytes | undefined {
  try {
    const product = Point.fromBytes(encoded).multiply(scalar);
    return product.equals(Point.ZERO) ? undefined : bytesOf(product.toBytes());
  } catch {
    return undefined;
  }
}

/** Little-endian, with the bits above the group's order cleared. */
export function scalarOf(random: Uint8Array): bigint {
  if (random.length !== SCALAR_BYTES) throw new RangeError("a scalar is 32 bytes");
  let value = 0n;
  for (const byte of random.toReversed()) value = value << 8n | BigInt(byte);
  const scalar = value & ((1n << SCALAR_BITS) - 1n);
  // It comes once in 2²⁵² times.
  if (scalar === 0n) throw new RangeError("a scalar is not 0");
  return scalar;
}

function lengthsAndValues(...values: readonly Uint8Array[]): Bytes {
  return joined(...values.map(prefixed));
}

/** Behind its length in LEB128. */
function prefixed(value: Uint8Array): Bytes {
  const length: number[] = [];
  let left = value.length;
  for (; left >= 128; left >>>= 7) length.push(left & 127 | 128);
  return joined(Uint8Array.of(...length, left), value);
}

function bytesOf(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}
