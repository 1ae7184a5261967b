import { assert, assertEquals } from "@std/assert";
import {
  HASHING_BYTES_PER_S_MIN,
  HASHING_TIME_MS_MIN,
} from "../../../lib/protocol/discovery/limits.ts";
import { HashingProgress } from "../../../lib/protocol/discovery/hashing_progress.ts";

const POLL_MS = 500;
/** As large as it must be for the slowest rate to count. */
const SIZE_BYTES = HASHING_BYTES_PER_S_MIN / 1_000 * HASHING_TIME_MS_MIN;

/** What `claim` earns in a minute, asked every half second. */
function earnedMs(
  claim: (ms: number) => { hashedBytes: number; rateBytesPerS: number; sizeBytes?: number },
): number {
  const progress = new HashingProgress();
  let sumMs = 0;
  for (let ms = 0; ms <= 60_000; ms += POLL_MS) {
    sumMs += progress.onPending(ms, "server", 0, { sizeBytes: SIZE_BYTES, ...claim(ms) });
  }
  return sumMs;
}

Deno.test("bytes that grow as claimed earn the time that they would take at the slowest rate", () => {
  const rateBytesPerS = 4 * HASHING_BYTES_PER_S_MIN;
  const claim = (ms: number) => ({ hashedBytes: ms * rateBytesPerS / 1_000, rateBytesPerS });
  assertEquals(Math.round(earnedMs(claim)), 4 * 60_000);
  const small = (ms: number) => ({ hashedBytes: ms / 1_000, rateBytesPerS: 1, sizeBytes: 100 });
  assertEquals(Math.round(earnedMs(small)), 0.6 * HASHING_TIME_MS_MIN);
});

Deno.test("a rate that wavers, and is claimed late, is still true", () => {
  const claim = (ms: number) => {
    const stalls = Math.floor(ms / 20_000);
    const busyMs = stalls * 15_000 + Math.min(15_000, ms % 20_000);
    return { hashedBytes: busyMs * 1_000, rateBytesPerS: ms % 20_000 <= 16_000 ? 1_000_000 : 0 };
  };
  assert(earnedMs(claim) > 60_000);
});

for (
  const [what, claim] of [
    ["never gets further", () => ({ hashedBytes: 5_000, rateBytesPerS: 1_000 })],
    ["grows at a third of what it claims", (ms) => ({ hashedBytes: ms, rateBytesPerS: 3_000 })],
    ["has claimed more than there is", (ms) => ({
      hashedBytes: SIZE_BYTES + ms * 1_000,
      rateBytesPerS: 1_000_000,
    })],
    ["is another file each time", (ms) => ({
      hashedBytes: ms * 1_000,
      rateBytesPerS: 1_000_000,
      sizeBytes: SIZE_BYTES + ms + 1,
    })],
  ] as [string, Parameters<typeof earnedMs>[0]][]
) {
  Deno.test(`what ${what} earns nothing`, () => assertEquals(earnedMs(claim), 0));
}

Deno.test("what grew as claimed at first earns nothing more once it grows at a third of that", () => {
  const turnMs = 10_000;
  const until = (ms: number) => Math.min(ms, turnMs) * 1_000;
  const slow = (ms: number) => ({
    hashedBytes: until(ms) + Math.max(0, ms - turnMs) * 333,
    rateBytesPerS: 1_000_000,
  });
  const over = (ms: number) => ({ hashedBytes: until(ms), rateBytesPerS: 1_000_000 });
  assert(earnedMs(over) > 0);
  assertEquals(earnedMs(slow), earnedMs(over));
});

Deno.test("what is hashed over and over is earned once, however small its steps", () => {
  const most = SIZE_BYTES / HASHING_BYTES_PER_S_MIN * 1_000;
  const again = (ms: number) => ({
    hashedBytes: ms % 2_000 * SIZE_BYTES / 2_000,
    rateBytesPerS: 0,
  });
  assert(earnedMs(again) <= most);
  const drip = (ms: number) => ({ hashedBytes: ms / POLL_MS, rateBytesPerS: 0 });
  assert(earnedMs(drip) < 1);
});

Deno.test("files that are hashed one after another are all worth waiting for", () => {
  const progress = new HashingProgress();
  const [sizeBytes, count] = [1_000_000, 10];
  const rateBytesPerS = 1_000_000;
  for (let ms = 0; ms < count * 1_000; ms += POLL_MS) {
    for (let turn = 0; turn < count; turn++) {
      const hashedBytes = Math.max(0, Math.min(sizeBytes, 1_000 * (ms - 1_000 * turn)));
      if (hashedBytes === sizeBytes) progress.onReady("server", turn);
      else {
        const rate = hashedBytes > 0 ? rateBytesPerS : 0;
        const claim = { sizeBytes, hashedBytes, rateBytesPerS: rate };
        const earned = progress.onPending(ms, "server", turn, claim);
        if (ms >= 2 * POLL_MS && rate === 0) assert(earned > POLL_MS, `${turn} at ${ms} ms`);
      }
    }
  }
  // Another server's files are not this one's.
  const other = { sizeBytes, hashedBytes: 0, rateBytesPerS: 0 };
  for (const ms of [0, 10_000]) assertEquals(progress.onPending(ms, "other", 0, other), 0);
});

Deno.test("a new attempt measures afresh, and what was forgotten is", () => {
  const progress = new HashingProgress();
  const at = (ms: number, hashedBytes: number) =>
    progress.onPending(ms, "server", 0, { sizeBytes: SIZE_BYTES, hashedBytes, rateBytesPerS: 0 });
  at(0, 0);
  assert(at(500, 1_000_000) > 0);
  assertEquals(at(1_000, 1_000_000), 0);
  progress.restart(0);
  assertEquals(at(1_500, 500_000), 0);
  assert(at(2_000, 900_000) > 0);
  progress.forget("server");
  assertEquals(at(2_500, 5_000_000), 0);
});

Deno.test("a file that is another one each time it is asked for is seen to change, whatever attempts begin", () => {
  const progress = new HashingProgress();
  const claim = (sizeBytes: number) => ({ sizeBytes, hashedBytes: 0, rateBytesPerS: 0 });
  for (const ms of [0, 500]) progress.onPending(ms, "server", 0, claim(100));
  assertEquals(progress.isChanging(0), false);
  assertEquals(progress.onPending(1_000, "server", 0, claim(101)), 0);
  progress.restart(0);
  progress.onPending(1_500, "server", 1, claim(7));
  assertEquals([progress.isChanging(0), progress.isChanging(1)], [true, false]);
});
