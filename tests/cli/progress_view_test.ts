import { assertEquals, assertStringIncludes } from "@std/assert";
import type { ProgressEvent, TotalEvent } from "../../lib/app/events.ts";
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
    secondsLeft: 8.93,
    lanes: LANES,
    ...changes,
  };
}

/** Of which nothing comes. */
function still(changes: Partial<ProgressEvent>): ProgressEvent {
  const { secondsLeft: _, ...event } = progress({ ...changes, rate: 0 });
  return event;
}

/** A view of which each of these has brought something before. */
function running(...events: readonly ProgressEvent[]): ProgressView {
  const view = new ProgressView();
  for (const event of events) {
    view.apply({ ...event, bytes: 0 });
    view.apply(event);
  }
  return view;
}

function total(changes: Partial<TotalEvent> = {}): TotalEvent {
  return {
    ...{ event: "total", files: 5_000, filesDone: 1_234, filesFailed: 0 },
    ...{ bytes: 300e6, size: 1.2e9, rate: 40e6, fileRate: 350, secondsLeft: 22 },
    ...changes,
  };
}

Deno.test("a file has a bar, its servers have a line each", () => {
  const view = new ProgressView();
  assertEquals(view.apply(progress()), "changed");
  assertEquals(view.lines({ columns: 80, rows: 24 }), [
    "disk.iso  ████████████████░░░░░░░░░░░░░░░░  50 %   2.0 GB   112 MB/s  ETA  0:09",
    "  192.168.1.7:10531      80.0 MB/s   800 MB",
    "  192.168.1.9:10530      32.0 MB/s   200 MB",
  ]);
});

Deno.test("rows line up at any width, whatever they are called and however fast they are", () => {
  const view = running(
    progress({ name: "a", rate: 999, size: 1_000, bytes: 500, secondsLeft: 1 }),
    progress({ name: "日本語-with-a-long-name-that-is-cut-somewhere.iso", secondsLeft: 40_000 }),
    still({ name: "stalled", bytes: 1 }),
  );
  for (let columns = 24; columns <= 200; columns++) {
    const lines = view.lines({ columns, rows: 24 }).slice(0, 3);
    const at = lines.map((line) => textColumns(line.slice(0, line.indexOf("%"))));
    assertEquals(new Set(at).size, 1, `${columns}: ${lines.join("\n")}`);
    for (const line of lines) assertEquals(textColumns(line) < columns, true, line);
  }
});

Deno.test("40 columns have room for name, share, rate and time", () => {
  const view = running(progress());
  assertEquals(view.lines({ columns: 40, rows: 3 }), ["disk.iso  50 %   112 MB/s   0:09"]);
});

Deno.test("what stands still has no time left, what waits for its turn says so", () => {
  const view = running(still({ name: "stalled" }));
  view.apply(still({ name: "queued", bytes: 0 }));
  const [stalled = "", queued = ""] = view.lines({ columns: 80, rows: 24 });
  assertStringIncludes(stalled, "ETA --:--");
  assertStringIncludes(queued, "waiting");
  assertEquals(queued.includes("ETA"), false);
});

Deno.test("many files have one row for all of them, and rows for those that come", () => {
  const view = running(progress({ name: "b" }));
  view.apply(still({ name: "a", bytes: 0 }));
  view.apply(total({ filesFailed: 2 }));
  const lines = view.lines({ columns: 80, rows: 24 });
  assertEquals(lines.slice(0, 2), [
    "1234 of 5000 files  █████░░░░░░░░░░░░░░░░░  25 %   1.2 GB  40.0 MB/s  ETA  0:22",
    "  350 files/s, 2 failed",
  ]);
  assertEquals(lines.slice(2, 4).map((line) => line[0]), ["b", "a"]);
  assertEquals(view.lines({ columns: 80, rows: 4 }).slice(0, 2), lines.slice(0, 2));
});

Deno.test("while not all sizes are known the share is that of the files", () => {
  const view = running(progress());
  const { size: _, ...unsized } = total();
  view.apply(unsized);
  assertStringIncludes(view.lines({ columns: 80, rows: 24 })[0]!, "24 %");
});

Deno.test("a folder is one row, with its files a second and the name that is at work", () => {
  const folder = { files: 5_000, filesDone: 1_234, fileRate: 350.4, current: "photos/a.jpg" };
  const view = running(progress({ name: "photos/", folder, lanes: [] }));
  assertEquals(view.lines({ columns: 80, rows: 24 }).slice(1), [
    "  1234 of 5000 files, 350 files/s: photos/a.jpg",
  ]);
});

Deno.test("what many files wait for is said once", () => {
  const view = new ProgressView();
  for (let i = 0; i < 9; i++) {
    const message = i === 0 ? "asking" : "no answer yet";
    view.apply({ event: "waiting", name: `${i}`, attempt: 1, attempts: 9, message });
  }
  assertEquals(view.lines({ columns: 80, rows: 24 }), ["0: asking", "8 files: no answer yet"]);
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
  const indexing = { event: "indexing", filesLeft: 1, bytesLeft: 5e9, rate: 250e6 } as const;
  view.apply({ ...indexing, secondsLeft: 20 });
  view.apply(done("early"));
  assertEquals(view.lines({ columns: 80, rows: 24 }), [
    "Hashing: 1 file, 5.0 GB left, 250 MB/s, ETA 0:20",
    "1 file done",
    "late: asking",
  ]);
  view.apply({ event: "indexing", filesLeft: 0, bytesLeft: 0, rate: 0 });
  assertEquals(view.lines({ columns: 80, rows: 24 }).length, 2);
});
