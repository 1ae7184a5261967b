/** How long a thread hashes, for whoever wants to know what a transfer waits for. */
import { BLOCK_BYTES } from "../limits.ts";
import { wrapSha256 } from "../protocol/sha256.ts";
import { nowMs } from "./clock.ts";

/** Starts to measure this thread's whole digests; what comes back gives the milliseconds so far. */
export function startHashClock(): () => number {
  let spentMs = 0;
  wrapSha256((inner) => (bytes, target, at) => {
    // The nodes above the blocks take less time than looking at the clock.
    if (bytes.length < BLOCK_BYTES) return inner(bytes, target, at);
    const startMs = nowMs();
    inner(bytes, target, at);
    spentMs += nowMs() - startMs;
  });
  return () => spentMs;
}
