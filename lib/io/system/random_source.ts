/** Cryptographic randomness, for ids, nonces, secrets and seeds; the platform's is in `deno_random.ts`. */
import { type Bytes, type ServerId, serverId, toHex } from "../../ids.ts";
import { SERVER_ID_BYTES } from "../../wire/limits.ts";

/** Randomness, as drivers and use cases are handed it. */
export interface RandomSource {
  bytes(count: number): Bytes;
  u64(): bigint;
  /** For the seeded generators of machines. */
  u32(): number;
}

export function randomServerId(random: RandomSource): ServerId {
  return serverId(toHex(random.bytes(SERVER_ID_BYTES)));
}
