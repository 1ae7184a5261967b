/** How long a thread hashes blocks, to show what a transfer waits for. */
import { wrapBlockHashing } from "../../protocol/merkle/block_hashes.ts";
import { nowMs } from "../system/deno_clock.ts";

/** Starts to measure this thread's hashing; what comes back gives the milliseconds so far. */
export function startHashClock(): () => number {
  let spentMs = 0;
  wrapBlockHashing((inner) => (bytes, target, at) => {
    const startMs = nowMs();
    inner(bytes, target, at);
    spentMs += nowMs() - startMs;
  });
  return () => spentMs;
}
