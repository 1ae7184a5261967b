import { assertEquals, assertStringIncludes } from "@std/assert";
import type { ProgressEvent } from "../../lib/app/events.ts";
import { ProgressView } from "../../lib/cli/progress_view.ts";
import { textColumns } from "../../lib/cli/terminal_text.ts";
import { done } from "../support/fake_cli.ts";

const LANES = [
  { server: "192.168.1.7:10531", rate: 80_000_000, bytes: 800_000_000 },
  { server: "192.168.1.9:10530", rate: 32_000_000, bytes: 200_000_000 },
];

function progress(changes: Partial<ProgressEvent> = {}): ProgressEvent {
  return {
    event: "progress",
    name: "disk.iso",
    bytes: 1_000_000_000,
    size: 2_000_000_000,
    rate: 112_000_000,
    lanes: LANES,
    ...changes,
  };
}

Deno.test("a file has a bar, its servers have a line each", () => {
  const view = new ProgressView();
  assertEquals(view.apply(progress()), "changed");
  assertEquals(view.lines({ columns: 80, rows: 24 }), [
    "disk.iso               ██████████░░░░░░░░░░  50 % of 2.0 GB, 112 MB/s, ETA 0:09",
    "  192.168.1.7:10531      80.0 MB/s   800 MB",
    "  192.168.1.9:10530      32.0 MB/s   200 MB",
  ]);
});

Deno.test("progress moves the picture, an end changes it", () => {
  const view = new ProgressView();
  view.apply(progress());
  assertEquals(view.apply(progress({ bytes: 1_100_000_000 })), "moved");
  assertEquals(view.apply(done("disk.iso")), "changed");
  assertEquals(view.lines({ columns: 80, rows: 24 }), []);
});

Deno.test("an empty file, a rate of nothing and too many bytes make no nonsense", () => {
  const view = new ProgressView();
  view.apply(progress({ name: "empty", bytes: 0, size: 0, rate: 0, lanes: [] }));
  view.apply(progress({ name: "over", bytes: 9, size: 3, rate: 1, lanes: [] }));
  for (const line of view.lines({ columns: 80, rows: 24 })) {
    assertStringIncludes(line, "100 %");
    assertEquals(/NaN|Infinity|ETA -/.test(line), false, line);
  }
});

Deno.test("whatever the window, the region fits its rows and its bars their columns", () => {
  const view = new ProgressView();
  for (let i = 0; i < 30; i++) view.apply(progress({ name: `日本語-${i}.iso` }));
  view.apply({ event: "waiting", name: "late", attempt: 1, attempts: 9, message: "asking" });
  for (const rows of [1, 2, 5, 24, 60, 200]) {
    for (const columns of [1, 10, 40, 80, 300]) {
      const lines = view.lines({ columns, rows });
      assertEquals(lines.length <= Math.max(2, rows - 1), true, `${columns}×${rows}`);
      const bars = lines.filter((line) => line.includes("█"));
      for (const bar of bars) assertEquals(textColumns(bar) < columns, true, bar);
    }
  }
});

Deno.test("lanes give way before files do", () => {
  const view = new ProgressView();
  for (const name of ["a", "b", "c"]) view.apply(progress({ name }));
  assertEquals(view.lines({ columns: 80, rows: 24 }).length, 5);
  assertEquals(view.lines({ columns: 80, rows: 5 }).length, 3);
  assertEquals(view.lines({ columns: 80, rows: 3 })[1], "… and 2 more");
});

Deno.test("waiting, indexing and what is done are told below", () => {
  const view = new ProgressView();
  view.apply({ event: "waiting", name: "late", attempt: 1, attempts: 9, message: "asking" });
  view.apply({ event: "indexing", filesLeft: 1, bytesLeft: 5e9, rate: 250e6 });
  view.apply(done("early"));
  assertEquals(view.lines({ columns: 80, rows: 24 }), [
    "Indexing: 1 file, 5.0 GB left, 250 MB/s, ETA 0:20",
    "1 file done",
    "late: asking",
  ]);
  view.apply({ event: "indexing", filesLeft: 0, bytesLeft: 0, rate: 0 });
  assertEquals(view.lines({ columns: 80, rows: 24 }).length, 2);
});
