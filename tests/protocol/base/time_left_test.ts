import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../lib/protocol/base/random.ts";
import { TIME_LEFT_STALL_MS } from "../../../lib/protocol/base/limits.ts";
import { TimeLeft } from "../../../lib/protocol/base/time_left.ts";

const TICK_MS = 100;

interface File {
  readonly bytes: number;
  /** Milliseconds that it takes. */
  readonly ms: number;
}

/** A transfer of files, one after another, in bursts of `burst`: what was foretold at each tick, and when it ended. */
function played(files: readonly File[], burst = 1) {
  const endsMs: number[] = [];
  files.reduce((atMs, { ms }) => (endsMs.push(atMs + ms), atMs + ms), 0);
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const endMs = endsMs.at(-1)!;
  const timeLeft = new TimeLeft();
  const told: { readonly atMs: number; readonly endMs: number }[] = [];
  let [next, bytes, count] = [0, 0, 0];
  for (let nowMs = 0; nowMs < endMs; nowMs += TICK_MS) {
    while (next < files.length && endsMs[next]! <= nowMs) {
      bytes += files[next]!.bytes;
      next += 1;
      if (next % burst === 0) count = next;
    }
    timeLeft.note(nowMs, bytes, count);
    const seconds = timeLeft.seconds(nowMs, totalBytes - bytes, files.length - count);
    if (seconds !== undefined) told.push({ atMs: nowMs, endMs: nowMs + seconds * 1000 });
  }
  return { endMs, told };
}

/** Largest error of what was foretold after the first tenth, as a share of what was left then. */
function worstError({ endMs, told }: ReturnType<typeof played>, untilShare = 0.9): number {
  const judged = told.filter(({ atMs }) => atMs >= endMs / 10 && atMs <= endMs * untilShare);
  assert(judged.length > 10);
  return Math.max(...judged.map((each) => Math.abs(each.endMs - endMs) / (endMs - each.atMs)));
}

function filesOf(count: number, file: (i: number) => File): File[] {
  return Array.from({ length: count }, (_, i) => file(i));
}

Deno.test("after a tenth, the end of an even transfer is foretold within a few percent", () => {
  assert(worstError(played(filesOf(2_000, () => ({ bytes: 1_000_000, ms: 10 })))) < 0.05);
  assert(worstError(played(filesOf(20_000, () => ({ bytes: 4_000, ms: 1 })))) < 0.05);
});

Deno.test("after a tenth, it is right within a fifth where small and large files are mixed", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const files = filesOf(20_000, () => {
      const isLarge = random.below(200) === 0;
      const bytes = isLarge ? 5_000_000 + random.below(5_000_000) : 1_000 + random.below(8_000);
      // A file costs half a millisecond, and 100 MB take a second.
      return { bytes, ms: 0.5 + bytes / 100_000 };
    });
    const error = worstError(played(files, 64));
    assert(error < 0.2, `seed ${seed}: ${error}`);
  }
});

Deno.test("what the files cost is told from what the bytes cost when their mixture changes", () => {
  // At first mostly small files, later mostly large ones.
  const random = new Random(7);
  const files = filesOf(20_000, (i) => {
    const isLarge = random.below(10_000) < (i < 10_000 ? 20 : 80);
    const bytes = isLarge ? 10_000_000 : 4_000;
    return { bytes, ms: 0.5 + bytes / 100_000 };
  });
  assert(worstError(played(files)) < 0.25);
});

Deno.test("of what stands still nothing is foretold, and standing still costs nothing afterwards", () => {
  const timeLeft = new TimeLeft();
  let nowMs = 0;
  const run = (ticks: number, bytesPerTick: number, from: number): number => {
    let bytes = from;
    for (let i = 0; i < ticks; i++) {
      nowMs += TICK_MS;
      bytes += bytesPerTick;
      timeLeft.note(nowMs, bytes, 0);
    }
    return bytes;
  };
  let bytes = run(50, 1_000_000, 0);
  const before = timeLeft.seconds(nowMs, 100_000_000, 0)!;
  assert(Math.abs(before - 10) < 0.5, `${before}`);
  bytes = run((TIME_LEFT_STALL_MS / TICK_MS) + 1, 0, bytes);
  assertEquals(timeLeft.seconds(nowMs, 100_000_000, 0), undefined);
  run(600, 0, bytes);
  run(50, 1_000_000, bytes);
  const after = timeLeft.seconds(nowMs, 100_000_000, 0)!;
  assert(Math.abs(after - 10) < 0.5, `${after}`);
});

Deno.test("before anything has come nothing is foretold, and when nothing is left it is over", () => {
  const timeLeft = new TimeLeft();
  assertEquals(timeLeft.seconds(0, 10, 1), undefined);
  timeLeft.note(0, 5, 0);
  assertEquals(timeLeft.seconds(0, 10, 1), undefined);
  assertEquals(timeLeft.seconds(0, 0, 0), 0);
});
