/** Contents that share the SHA-256 that was asked for, of which one at most is what it is said to be. */
import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import type { Content } from "../../../lib/ids.ts";
import { RIVAL_LOOK_MS, RIVAL_TURN_MS } from "../../../lib/protocol/download/limits.ts";
import { RivalTurns } from "../../../lib/protocol/download/rival_turns.ts";
import { confirmed, content, Run } from "./download_world.ts";

const PINNED = content(1);
const rival = (mark: number, sizeBytes = PINNED.sizeBytes): Content => ({
  ...content(mark),
  sha256: PINNED.sha256,
  sizeBytes,
});

/** When what `honest` says is whole, if the rivals bring as much per millisecond as they are said to. */
function wholeMs(honestAt: number, rates: readonly number[], sizes: readonly number[]): number {
  const contents = rates.map((_, i) => rival(10 + i, sizes[i]));
  const bytes = rates.map(() => 0);
  const turns = new RivalTurns();
  let current = 0;
  for (let nowMs = 0; nowMs < 1_000_000; nowMs += 10) {
    const others = contents.filter((_, i) => i !== current && bytes[i]! < sizes[i]!);
    const next = turns.next(nowMs, contents[current]!, bytes[current]!, others);
    if (next !== undefined) current = contents.indexOf(next);
    bytes[current]! += rates[current]! * 10;
    if (bytes[honestAt]! >= sizes[honestAt]!) return nowMs + 10;
    // It is whole, and a lie.
    if (bytes[current]! >= sizes[current]!) {
      current = contents.findIndex((_, i) => i !== current && bytes[i]! < sizes[i]!);
    }
  }
  return Infinity;
}

Deno.test("rivals that bring nothing cost a moment each", () => {
  assertLessOrEqual(wholeMs(1, [0, 100], [1e9, 1e6]), 10_000 + RIVAL_LOOK_MS + 100);
  assertLessOrEqual(wholeMs(3, [0, 0, 0, 100], [1, 2, 3, 1e6]), 10_000 + 3 * RIVAL_LOOK_MS + 100);
});

Deno.test("a rival that brings what it has as fast costs less than twice the time, whatever size it claims", () => {
  for (const claimed of [1e5, 5e5, 9e5, 1e6, 1.1e6, 1e7, 1e12]) {
    assertLess(wholeMs(1, [100, 100], [claimed, 1e6]), 2 * 10_000 + 2 * RIVAL_TURN_MS);
    assertLess(wholeMs(0, [100, 100], [1e6, claimed]), 2 * 10_000 + 2 * RIVAL_TURN_MS);
  }
});

Deno.test("a rival that brings little at a time, for ever, does not come before one that brings much", () => {
  for (const rate of [0.1, 1, 10]) {
    assertLess(wholeMs(1, [rate, 100], [1e6, 1e6]), 10_000 + 3 * RIVAL_TURN_MS);
  }
});

Deno.test("where nobody brings anything yet, all get longer and longer turns", () => {
  const [a, b] = [rival(2), rival(3)];
  const turns = new RivalTurns();
  const switchedMs: number[] = [];
  let current = a;
  for (let nowMs = 0; nowMs < 20_000; nowMs += 10) {
    const next = turns.next(nowMs, current, 0, [current === a ? b : a]);
    if (next === undefined) continue;
    current = next;
    switchedMs.push(nowMs);
  }
  const lengths = switchedMs.map((atMs, i) => atMs - (switchedMs[i - 1] ?? 0));
  assert(lengths.at(-1)! > 8 * lengths[0]!, `${lengths}`);
});

Deno.test("a pinned download leaves a content that brings nothing, keeps what is there of it, and comes back", () => {
  const run = new Run({ pinned: PINNED.sha256 });
  const lie = rival(9, 10 * PINNED.sizeBytes);
  run.offer(2, lie);
  run.offer(3, lie);
  run.offer(1, PINNED);
  run.gather();
  run.opened();
  run.layer(confirmed(2));
  assertEquals(run.of("fetchLayer").at(-1)?.content, lie, "most offer it");
  const wake = (bytes: number): void => {
    run.nowMs = run.download.nextWakeupMs();
    run.on({ kind: "wakeup", bytes });
  };
  wake(1);
  assertEquals(run.of("fetchLayer").at(-1)?.content, lie, "what brings something is measured");
  wake(1);
  assertEquals(run.of("fetchLayer").at(-1)?.content, PINNED);
  assert(run.of("target").some(({ request }) => request.kind === "abort" && request.keep));
  run.opened();
  wake(0);
  assertEquals(run.of("fetchLayer").at(-1)?.content, lie, "it has its turn again");
  assertEquals(run.of("failed"), []);
});

Deno.test("a pinned content that nobody has any more leaves the others", () => {
  const run = new Run({ pinned: PINNED.sha256 });
  run.offer(2, rival(9));
  run.offer(3, rival(9));
  run.offer(1, PINNED);
  run.gather();
  for (const server of [2, 3]) {
    run.layer({
      kind: "lost",
      server: run.of("probe").find(({ offer }) =>
        offer.path.endpoint.address === `10.0.0.${server}`
      )!.offer.server,
      reason: "gone",
    });
  }
  assertEquals(run.of("fetchLayer").at(-1)?.content, PINNED);
  assertEquals(run.of("searchAgain"), []);
});
