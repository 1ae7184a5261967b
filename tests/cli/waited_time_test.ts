import { assertEquals } from "@std/assert";
import type { GetEvent } from "../../lib/app/events.ts";
import { WaitedTime } from "../../lib/cli/waited_time.ts";
import { done } from "../support/fake_cli.ts";

const progress = (bytes: number): GetEvent => ({
  ...{ event: "progress", name: "a", bytes, size: 100, rate: 1, lanes: [] },
});

function waitedMs(events: readonly (readonly [atMs: number, event: GetEvent])[]): number {
  const waited = new WaitedTime(0);
  for (const [atMs, event] of events) waited.note(atMs, event);
  return waited.ms;
}

Deno.test("the time before anybody offers anything is waiting, what follows is not", () => {
  const hex = "0".repeat(64);
  const offer = { event: "offer", name: "a", server: "", id: "", size: 1, sha256: hex } as const;
  assertEquals(waitedMs([[60_000, { ...offer, root: hex }], [60_500, done("a")]]), 60_000);
});

Deno.test("a pause in which nothing comes is waiting, however often it is told of", () => {
  const still = Array.from({ length: 300 }, (_, i) => [1_100 + 100 * i, progress(10)] as const);
  const events = [[0, progress(0)], [1_000, progress(10)], ...still] as const;
  assertEquals(waitedMs([...events, [31_000, progress(11)], [31_500, done("a")]]), 30_000);
});

Deno.test("short pauses are part of fetching", () => {
  const events = Array.from({ length: 20 }, (_, i) => [1_500 * i, progress(i)] as const);
  assertEquals(waitedMs(events), 0);
});
