/** Chooses, once per thread, how blocks are hashed. */
import { GROUP_HASHING_BELOW_BYTES_PER_MS, HASH_TRIAL_RUNS } from "./limits.ts";
import {
  BLOCK_GROUP_BYTES,
  hashBlocks,
  useGroupHashing,
} from "../../protocol/merkle/block_hashes.ts";
import { fourBlocksByLanes } from "../../protocol/base/sha256_lanes.ts";
import { nowMs } from "../system/deno_clock.ts";
import { useNativeSha256 } from "./native_sha256.ts";

/** The system's library where it can be had; four blocks at a time where that is quicker still. */
export function useFastestSha256(): void {
  useNativeSha256();
  if (bytesPerMs() >= GROUP_HASHING_BELOW_BYTES_PER_MS) return;
  try {
    useGroupHashing(fourBlocksByLanes());
  } catch {
    // A platform without vectors in WebAssembly.
  }
}

/** How fast blocks are hashed now, at best: a thread that has just started is often interrupted. */
function bytesPerMs(): number {
  const sample = new Uint8Array(BLOCK_GROUP_BYTES);
  const hashes = new Uint8Array(BLOCK_GROUP_BYTES);
  let bestMs = Infinity;
  for (let i = 0; i < HASH_TRIAL_RUNS; i++) {
    const startMs = nowMs();
    hashBlocks(sample, hashes, 0);
    bestMs = Math.min(bestMs, nowMs() - startMs);
  }
  return BLOCK_GROUP_BYTES / bestMs;
}
