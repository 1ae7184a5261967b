import { assertEquals } from "@std/assert";
import { chunkCells, mapShape } from "../../../lib/web/assets/chunk_cells.js";
import {
  type Download,
  type LiveState,
  type Run,
  updated,
} from "../../../lib/web/assets/live_state.js";
import { RateMeter } from "../../../lib/web/assets/rate_meter.js";
import { Selection } from "../../../lib/web/assets/selection.js";

Deno.test("an update replaces what it names and leaves the rest", () => {
  const state: LiveState = {
    role: "server",
    files: 3,
    indexing: { filesLeft: 1, bytesLeft: 2, rate: 3 },
  };
  assertEquals(updated(state, { files: 4, indexing: null }), {
    role: "server",
    files: 4,
    indexing: null,
  });
});

Deno.test("the runs of a download are added, and neighbours of one source become one", () => {
  const state: LiveState = { role: "get", downloads: [download([[0, 2, 0], [4, 1, 1]])] };
  const next = updated(state, { downloads: [download([[2, 2, 0], [5, 3, 0]])] });
  assertEquals(next.downloads?.[0]?.runs, [[0, 4, 0], [4, 1, 1], [5, 3, 0]]);
  // What was told before stays what it was.
  assertEquals(state.downloads?.[0]?.runs, [[0, 2, 0], [4, 1, 1]]);
});

Deno.test("each cell of a map has the colour of who brought most of it, and how full it is", () => {
  const runs: Run[] = [[0, 3, 0], [3, 1, 1], [4, 4, 1], [8, 1, -1]];
  assertEquals(chunkCells({ runs, chunks: 12, cells: 3, lanes: 2 }), [
    { lane: 0, filled: 1 },
    { lane: 1, filled: 1 },
    { lane: -1, filled: 0.25 },
  ]);
});

Deno.test("a map of every shape holds each chunk once", () => {
  for (
    const [chunks, cells] of [[1, 1], [7, 3], [10, 10], [1_000, 33], [16_777_216, 4_000]] as const
  ) {
    const whole = chunkCells({ runs: [[0, chunks, 0]], chunks, cells, lanes: 1 });
    assertEquals(whole.every(({ filled }) => filled === 1), true, `${chunks} in ${cells}`);
    const step = Math.max(1, Math.floor(chunks / 50));
    for (let at = 0; at < chunks; at += step) {
      const one = chunkCells({ runs: [[at, 1, 0]], chunks, cells, lanes: 1 });
      assertEquals(
        one.filter(({ filled }) => filled > 0).length,
        1,
        `${at} of ${chunks} in ${cells}`,
      );
    }
  }
});

Deno.test("a map has a cell for each chunk while there is room, and no more than that", () => {
  assertEquals(mapShape(5, 900, 9, 40), { columns: 5, cells: 5, rows: 1 });
  assertEquals(mapShape(1_000, 900, 9, 40), { columns: 100, cells: 1_000, rows: 10 });
  assertEquals(mapShape(1_000_000, 900, 9, 40), { columns: 100, cells: 4_000, rows: 40 });
  assertEquals(mapShape(10, 0, 9, 40).columns, 1);
});

Deno.test("a rate is right from the first second, and forgets what is long past", () => {
  const meter = new RateMeter();
  meter.start(0, 500);
  assertEquals([meter.rate, meter.secondsFor(10)], [0, undefined]);
  meter.sample(1_000, 1_500);
  assertEquals(Math.round(meter.rate), 1_000);
  assertEquals(Math.round(meter.secondsFor(5_000) ?? 0), 5);
  for (let second = 2; second < 30; second++) meter.sample(second * 1_000, 1_500 + second * 10);
  assertEquals(Math.round(meter.rate), 10);
});

Deno.test("a selection knows what it weighs, and takes no more than a request can name", () => {
  const selection = new Selection();
  const row = (name: string) => ({ name, size: 2, mtimeMs: 0 });
  selection.toggle(row("a"));
  selection.toggle(row("b"));
  selection.toggle(row("a"));
  assertEquals([selection.names, selection.bytes, selection.has("a")], [["b"], 2, false]);
  const many = Array.from({ length: 10_001 }, (_, n) => row(String(n)));
  assertEquals(selection.add(many), false);
  assertEquals(selection.count, 10_000);
  selection.clear();
  const long = Array.from({ length: 2_000 }, (_, n) => row(`${n} ${"ü".repeat(100)}`));
  assertEquals(selection.add(long), false);
  const form = new URLSearchParams(selection.names.map((name) => ["name", name]));
  assertEquals(form.toString().length <= 1_000_000, true);
  assertEquals(selection.count > 1_000, true);
});

function download(runs: Run[]): Download {
  return { name: "a", state: "moving", bytes: 0, rate: 0, servers: [], runs };
}
