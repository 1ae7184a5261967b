import { assertEquals } from "@std/assert";
import type { TransferEvent } from "../../lib/app/events.ts";
import { LIVE_ENDED_MS, LIVE_TRANSFERS_MAX, LIVE_UPLOADED_MAX } from "../../lib/web/limits.ts";
import { LiveState } from "../../lib/web/live_state.ts";

const NOW = { revision: "a.1", files: 3 };

function transfer(id: number, state: TransferEvent["state"], bytes = 0): TransferEvent {
  return {
    ...{ event: "transfer", state, id, client: "10.0.0.1:5", what: "file", name: "a", size: 10 },
    ...{ bytes, files: 1, rate: 5, seconds: 1, omitted: 0 },
  };
}

type Told = { readonly id: number; readonly state: string; readonly bytes: number };
const told = (list: unknown) =>
  (list as readonly Told[] | undefined)?.map(({ id, state, bytes }) => [id, state, bytes]);

Deno.test("an update has what has changed since the last one, and nothing else", () => {
  const state = new LiveState();
  assertEquals(state.update(0, NOW), NOW);
  assertEquals(state.update(1, NOW), undefined);
  state.onEvent(2, transfer(1, "started"));
  state.onEvent(2, transfer(2, "started"));
  state.onEvent(2, transfer(1, "moving", 5));
  const update = state.update(3, NOW) as Record<string, unknown>;
  assertEquals(Object.keys(update), ["transfers"]);
  assertEquals(told(update["transfers"]), [[2, "moving", 0], [1, "moving", 5]]);
  assertEquals(state.update(4, NOW), undefined);
  assertEquals(state.update(5, { ...NOW, revision: "a.2" }), { ...NOW, revision: "a.2" });
  const pace = { filesLeft: 2, bytesLeft: 5, rate: 1 };
  state.onEvent(6, { event: "indexing", ...pace });
  assertEquals(state.update(6, { ...NOW, revision: "a.2" }), { indexing: pace });
  state.onEvent(7, { event: "indexing", filesLeft: 0, bytesLeft: 0, rate: 1 });
  assertEquals(state.update(7, { ...NOW, revision: "a.2" }), { indexing: null });
  assertEquals(state.onEvent(8, { event: "notice", level: "info", message: "x" }), false);
});

Deno.test("what is over is told for a while, and then told to be gone", () => {
  const state = new LiveState();
  state.update(0, NOW);
  state.onEvent(1, transfer(1, "started"));
  state.onEvent(2, transfer(1, "ended", 10));
  assertEquals(told(state.whole(2, NOW).transfers), [[1, "ended", 10]]);
  state.update(2, NOW);
  assertEquals(state.update(1 + LIVE_ENDED_MS, NOW), undefined);
  assertEquals(state.update(2 + LIVE_ENDED_MS, NOW), { transfers: [] });
});

Deno.test("so much is told at once, whatever happens: what is over makes room first", () => {
  const state = new LiveState();
  for (let id = 1; id <= LIVE_TRANSFERS_MAX; id++) state.onEvent(0, transfer(id, "started"));
  state.onEvent(0, transfer(7, "ended"));
  state.onEvent(0, transfer(1_000, "started"));
  state.onEvent(0, transfer(1_001, "started"));
  const ids = told(state.whole(0, NOW).transfers)!.map(([id]) => id);
  assertEquals([ids.length, ids[0], ids.includes(7), ids.includes(1)], [
    ...[LIVE_TRANSFERS_MAX, 1_001, false, false],
  ]);
  const uploaded = { event: "uploaded", client: "c", size: 1, sha256: "s", md5: "m" } as const;
  for (let i = 0; i < 30; i++) state.onEvent(0, { ...uploaded, name: `${i}` });
  const names = state.whole(0, NOW).uploaded.map(({ name }) => name);
  assertEquals([names.length, names[0], names.at(-1)], [LIVE_UPLOADED_MAX, "29", "10"]);
});
