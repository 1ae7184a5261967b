import { assertEquals } from "@std/assert";
import { type ColourChoice, Colours } from "../../lib/cli/colours.ts";
import { openScreen } from "../../lib/cli/screen.ts";
import { FakeTerminal } from "../support/fake_cli.ts";

const NO_COLOURS = new Colours(new FakeTerminal(), "never");

/** What is on a screen of `columns` after `output`: enough of a terminal to check the redrawing. */
function shown(output: string, columns: number): string[] {
  const rows: string[] = [""];
  let row = 0;
  // deno-lint-ignore no-control-regex
  for (const [token] of output.matchAll(/\u001b\[(\d*)([AJ])|[\s\S]/gu)) {
    if (token.endsWith("A") && token.length > 1) row -= Number(token.slice(2, -1));
    else if (token.endsWith("J") && token.length > 1) rows.splice(row, rows.length, "");
    else if (token === "\n") rows[++row] ??= "";
    else if (token !== "\r") {
      if (rows[row]?.length === columns) rows[++row] ??= "";
      rows[row] += token;
    }
  }
  return rows.slice(0, -1);
}

Deno.test("a pipe gets lines and nothing that moves", () => {
  const terminal = new FakeTerminal();
  const screen = openScreen(terminal, NO_COLOURS);
  screen.show(() => ["bar"]);
  screen.line("one");
  screen.problem("two");
  assertEquals([terminal.out, terminal.err, screen.isLive], ["one\n", "two\n", false]);
});

Deno.test("a dumb terminal is treated as a pipe", () => {
  assertEquals(openScreen(new FakeTerminal({ TERM: "dumb" }, true), NO_COLOURS).isLive, false);
  assertEquals(openScreen(new FakeTerminal({ TERM: "xterm" }, true), NO_COLOURS).isLive, true);
});

Deno.test("lines stay above a region that is redrawn in place", () => {
  const terminal = new FakeTerminal({}, true);
  const screen = openScreen(terminal, NO_COLOURS);
  screen.show(() => ["bar 1", "server 1"]);
  screen.line("found");
  screen.show(() => ["bar 2"]);
  screen.line("more");
  assertEquals(shown(terminal.out, 80), ["found", "more", "bar 2"]);
  screen.show(() => []);
  assertEquals(shown(terminal.out, 80), ["found", "more"]);
});

Deno.test("a window that became narrower is cleared of the rows that wrapped", () => {
  const terminal = new FakeTerminal({}, true);
  const screen = openScreen(terminal, NO_COLOURS);
  screen.line("stays");
  screen.show(() => ["x".repeat(70)]);
  terminal.columns = 20;
  terminal.out = `stays\n${"x".repeat(70)}\n`;
  screen.show(() => ["y".repeat(70)]);
  assertEquals(shown(terminal.out, 20), ["stays", `${"y".repeat(18)}…`]);
});

Deno.test("a region is never taller than its window", () => {
  const terminal = new FakeTerminal({}, true);
  terminal.rows = 3;
  openScreen(terminal, NO_COLOURS).show(() => ["1", "2", "3", "4", "5"]);
  assertEquals(shown(terminal.out, 80), ["1", "2"]);
});

Deno.test("a terminal gets colours, a pipe and NO_COLOR get none, and the command line has the last word", () => {
  const painted = (
    variables: Record<string, string>,
    isTerminal: boolean,
    choice: ColourChoice,
  ) => {
    const terminal = new FakeTerminal(variables, isTerminal);
    const screen = openScreen(terminal, new Colours(terminal, choice));
    screen.line("done", "done");
    screen.problem("error: no", "error");
    return [terminal.out, terminal.err].map((text) =>
      text.includes("\u001b[1;31m") || text.includes("\u001b[32m")
    );
  };
  assertEquals(painted({}, true, "auto"), [true, true]);
  assertEquals(painted({}, false, "auto"), [false, false]);
  assertEquals(painted({ NO_COLOR: "1" }, true, "auto"), [false, false]);
  assertEquals(painted({ NO_COLOR: "" }, true, "auto"), [true, true]);
  assertEquals(painted({ TERM: "dumb" }, true, "auto"), [false, false]);
  assertEquals(painted({ NO_COLOR: "1" }, false, "always"), [true, true]);
  assertEquals(painted({}, true, "never"), [false, false]);
});

Deno.test("of an error the word is coloured, and no text brings a colour of its own", () => {
  const terminal = new FakeTerminal();
  const screen = openScreen(terminal, new Colours(terminal, "always"));
  screen.problem("error: \u001b[5mblinks", "error");
  assertEquals(terminal.err, "\u001b[1;31merror:\u001b[0m \\u{1b}[5mblinks\n");
});
