/** Commands in messages are spelled as they are typed. */
import { assertEquals } from "@std/assert";
import type { ShoalEvent } from "../../lib/app/events.ts";
import { invocationOfOthers, spellingOut } from "../../lib/cli/command_names.ts";
import { COMMANDS } from "../../lib/cli/main.ts";
import { ShoalError } from "../../lib/errors.ts";

function spelledHint(hint: string): string {
  const heard: ShoalError[] = [];
  const fail = (error: ShoalError) => heard.push(error);
  const inner = { report() {}, say() {}, answer() {}, end() {}, fail };
  const names = COMMANDS.map(({ command }) => command);
  spellingOut(inner, names, "deno task").fail(new ShoalError("usage", "`get` it", { hint }));
  assertEquals(heard[0]?.message, "`get` it", "what happened is nobody's to rewrite");
  return heard[0]!.hint;
}

Deno.test("hints name commands by how the program was called, and nothing else", () => {
  assertEquals(
    spelledHint("Run `list --master` or `get`; `getty`, `ulimit -n` and get are no commands."),
    "Run `deno task list --master` or `deno task get`; `getty`, `ulimit -n` and get are no commands.",
  );
});

Deno.test("another command than the one that runs is not called with its permissions", () => {
  const others = ["deno run -P=server cli.ts", "npx --yes deno@2.9.6 run -P=get a/cli.ts"]
    .map(invocationOfOthers);
  assertEquals(others, ["deno run -A cli.ts", "npx --yes deno@2.9.6 run -A a/cli.ts"]);
  assertEquals(invocationOfOthers("deno run -A cli.ts"), "deno run -A cli.ts");
});

Deno.test("what failed and what is noticed is reported with its commands spelled out", () => {
  const heard: ShoalEvent[] = [];
  const report = (event: ShoalEvent) => heard.push(event);
  const inner = { say() {}, answer() {}, end() {}, fail() {}, report };
  const reporter = spellingOut(inner, ["list"], "shoal");
  reporter.report({
    event: "failed",
    name: "`list`",
    code: "refused",
    message: "`list`",
    hint: "`list`",
  });
  reporter.report({ event: "notice", level: "info", message: "see `list`" });
  assertEquals(heard, [
    {
      event: "failed",
      name: "`list`",
      code: "refused",
      message: "`list`",
      hint: "`shoal list`",
    },
    { event: "notice", level: "info", message: "see `shoal list`" },
  ]);
});
