/** Cryptographic randomness, for ids, nonces, secrets and seeds. */
import { type Bytes, type ServerId, serverId, toHex } from "../../ids.ts";
import { SERVER_ID_BYTES } from "../../wire/limits.ts";

/** Randomness, as drivers and use cases are handed it. */
export interface RandomSource {
  bytes(count: number): Bytes;
  u64(): bigint;
  /** For the seeded generators of machines. */
  u32(): number;
}

export function randomBytes(count: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(count));
}

export function randomU64(): bigint {
  return new DataView(randomBytes(8).buffer).getBigUint64(0);
}

/** For the seeded generators of machines. */
export function randomSeed(): number {
  return new DataView(randomBytes(4).buffer).getUint32(0);
}

export const denoRandom: RandomSource = { bytes: randomBytes, u64: randomU64, u32: randomSeed };

export function randomServerId(random: RandomSource): ServerId {
  return serverId(toHex(random.bytes(SERVER_ID_BYTES)));
}
