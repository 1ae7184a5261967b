import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { TransferEvent } from "../../lib/app/events.ts";
import { eventLine } from "../../lib/cli/event_lines.ts";
import { SERVED_ROWS_MAX } from "../../lib/cli/limits.ts";
import { ServingView } from "../../lib/cli/serving_view.ts";
import { textColumns } from "../../lib/cli/terminal_text.ts";

function transfer(changes: Partial<TransferEvent> = {}): TransferEvent {
  return {
    ...{ event: "transfer", state: "moving", id: 1, client: "10.0.0.7:5000", what: "file" },
    ...{ name: "clip.mov", size: 210e6, bytes: 105e6, files: 1, rate: 12e6, seconds: 9 },
    ...{ omitted: 0, ...changes },
  };
}

const ended = (changes: Partial<TransferEvent>): string | undefined =>
  eventLine(transfer({ state: "ended", ...changes }), false);

Deno.test("a transfer that is over says what was sent of what, and how long that took", () => {
  assertEquals(
    ended({ bytes: 210e6, seconds: 17.9 }),
    "Sent clip.mov to 10.0.0.7: 210 MB in 17.9 s",
  );
  assertEquals(
    ended({ bytes: 90.3e6 }),
    "Sent 43 % of clip.mov to 10.0.0.7: 90.3 MB in 9.00 s; no more was asked for",
  );
  assertEquals(ended({ bytes: 210e6, seconds: 0 }), "Sent clip.mov to 10.0.0.7: 210 MB");
  const { size: _, ...sizeless } = transfer({ state: "ended", files: 12, seconds: 1 });
  assertEquals(
    eventLine({ ...sizeless, what: "folder", name: "photos", client: "[fd00::7]:5000" }, false),
    "Sent 12 files of photos/ to fd00::7: 105 MB in 1.00 s",
  );
  assertEquals(
    eventLine({ ...sizeless, what: "files", name: "" }, false),
    "Sent 12 more files to 10.0.0.7: 105 MB in 1.00 s",
  );
});

Deno.test("what was not told is counted with the next that is", () => {
  const line = eventLine(transfer({ state: "started", omitted: 37 }), false);
  assertStringIncludes(line!, "to 10.0.0.7:5000 (and 37 other transfers, not shown)");
});

Deno.test("who fetches what stands in rows that fit, the fastest first", () => {
  const view = new ServingView();
  assertEquals(view.lines(80), []);
  view.apply(transfer({ state: "started", rate: 0 }));
  assertEquals(view.apply(transfer()), "moved");
  assertEquals(view.lines(80), [
    "clip.mov → 10.0.0.7  ████████████████░░░░░░░░░░░░░░░░  50 %   210 MB  12.0 MB/s",
  ]);
  for (let id = 2; id < 40; id++) {
    view.apply(transfer({ id, client: `10.0.1.${id}:1`, rate: id * 1e6 }));
  }
  for (const columns of [20, 40, 80, 200]) {
    const lines = view.lines(columns);
    assertEquals(lines.length, SERVED_ROWS_MAX + 2);
    for (const line of lines.slice(0, SERVED_ROWS_MAX)) assert(textColumns(line) < columns, line);
    assertEquals(lines.at(-1), "Sending to 39 clients, 791 MB/s");
  }
  assertStringIncludes(view.lines(80)[0]!, "10.0.1.39");
  for (let id = 1; id < 40; id++) view.apply(transfer({ id, state: "ended" }));
  assertEquals(view.lines(80), []);
});
