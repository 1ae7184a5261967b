/** The platform's randomness. */
import type { Bytes } from "../../ids.ts";
import type { RandomSource } from "./random_source.ts";

export const denoRandom: RandomSource = {
  bytes: randomBytes,
  u64: () => new DataView(randomBytes(8).buffer).getBigUint64(0),
  u32: () => new DataView(randomBytes(4).buffer).getUint32(0),
};

function randomBytes(count: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(count));
}
