import { assertEquals } from "@std/assert";
import type { FailedEvent } from "../../lib/app/events.ts";
import { FailureLines } from "../../lib/cli/failure_lines.ts";
import { FAILURES_ALIKE_SHOWN_MAX } from "../../lib/cli/limits.ts";

const failed = (name: string, message: string, hint = "Wait."): FailedEvent => ({
  event: "failed",
  name,
  code: "stalled",
  message,
  hint,
});

Deno.test("what many files failed of is said once, and counted at the end", () => {
  const lines = new FailureLines();
  const said = Array.from({ length: 1_000 }, (_, i) => lines.of(failed(`f${i}`, "h is gone")));
  assertEquals(said.flat(), ["error: f0: h is gone", "hint: Wait."]);
  assertEquals(lines.rest(), ["error: the same for 999 more files: h is gone"]);
});

Deno.test("failures that name their file are told one by one, up to a number", () => {
  const lines = new FailureLines();
  const count = FAILURES_ALIKE_SHOWN_MAX + 1;
  const said = Array.from({ length: count }, (_, i) => lines.of(failed(`f${i}`, `no 'f${i}'`)));
  assertEquals(said.filter((each) => each.length === 2).length, FAILURES_ALIKE_SHOWN_MAX);
  assertEquals(said[1], ["error: no 'f1'", "hint: Wait."]);
  assertEquals(lines.rest(), ["error: the same for 1 more file: no '…'"]);
});

Deno.test("what differs in its reason or in its hint is told apart, and what was interrupted not at all", () => {
  const lines = new FailureLines();
  const events = [failed("a", "gone"), failed("b", "full"), failed("c", "full", "Tidy up.")];
  assertEquals(events.map((event) => lines.of(event).length), [2, 2, 2]);
  assertEquals(lines.of({ ...failed("d", "interrupted"), code: "interrupted" }), []);
  assertEquals(lines.rest(), []);
});

Deno.test("a name that is part of other words is still one file of many", () => {
  const lines = new FailureLines();
  const names = [..."abcdefghijklmnopqrstuvwxyz0123456789"];
  const said = names.map((name) => lines.of(failed(name, `no '${name}' at 10.0.0.1: ask another`)));
  assertEquals(said.filter((each) => each.length === 2).length, FAILURES_ALIKE_SHOWN_MAX);
  assertEquals(lines.rest(), [
    `error: the same for ${names.length - FAILURES_ALIKE_SHOWN_MAX} more ` +
    "files: no '…' at 10.0.0.1: ask another",
  ]);
});
