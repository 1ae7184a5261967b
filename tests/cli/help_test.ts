import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import manifest from "../../deno.json" with { type: "json" };
import { commandHelp, programHelp } from "../../lib/cli/help.ts";
import { COMMANDS } from "../../lib/cli/main.ts";
import { textColumns } from "../../lib/cli/terminal_text.ts";
import { parseCommandLine } from "../../lib/cli/parse.ts";

Deno.test("the help of the program names every command", () => {
  const help = programHelp(COMMANDS, "shoal");
  for (const { command, summary } of COMMANDS) assertStringIncludes(help, `${command}`, summary);
});

Deno.test("the help of a command names every option of its table", () => {
  for (const command of COMMANDS) {
    const help = commandHelp(command, "shoal");
    for (const flag of Object.keys(command.options)) {
      const isOn = command.options[flag]?.kind === "toggle" && command.options[flag].fallback;
      assertStringIncludes(help, `--${isOn ? "no-" : ""}${flag}`);
    }
  }
});

Deno.test("every command has a task of its name", () => {
  for (const { command } of COMMANDS) {
    const task = (manifest.tasks as Readonly<Record<string, string>>)[command];
    assertMatch(
      task ?? "",
      new RegExp(`^SHOAL_STARTED_AS='deno task' .* cli\\.ts ${command}$`),
      command,
    );
  }
});

Deno.test("the examples in the help are accepted by the command that they explain", () => {
  for (const command of COMMANDS) {
    assertEquals(command.examples.length > 0, true, command.command);
    for (const { line } of command.examples) {
      const [name, ...args] = line.split(" ");
      assertEquals(name, command.command);
      parseCommandLine(command, args, () => undefined);
    }
  }
});

Deno.test("help says defaults, variables and what may be repeated", () => {
  const get = COMMANDS.find(({ command }) => command === "get");
  if (get === undefined) throw new Error("there is no get");
  const help = commandHelp(get, "shoal");
  assertStringIncludes(help, "-p, --port PORT");
  assertStringIncludes(help, "(default 10526; or SHOAL_PORT)");
  assertStringIncludes(help, "(repeatable; or SHOAL_BROADCAST)");
  assertStringIncludes(help, "(default ./downloads; or SHOAL_OUT)");
});

Deno.test("help fits a terminal of 100 columns", () => {
  for (const command of COMMANDS) {
    for (const line of commandHelp(command, "deno run -A cli.ts").split("\n")) {
      assertEquals(line.length <= 100, true, line);
    }
  }
});

Deno.test("help fits a window of any width, but for what is typed", () => {
  for (const columns of [40, 60, 80, 200]) {
    const helps = [
      programHelp(COMMANDS, "shoal", columns),
      ...COMMANDS.map((command) => commandHelp(command, "shoal", columns)),
    ];
    for (const line of helps.flatMap((help) => help.split("\n"))) {
      const isTyped = line.startsWith("  shoal ") || /^ {2}(-|[[A-Z])/.test(line);
      assertEquals(isTyped || textColumns(line) <= Math.min(columns, 100), true, line);
    }
  }
});

Deno.test("help is the same whatever the window, but for where lines break", () => {
  const words = (columns: number): string[] =>
    commandHelp(COMMANDS[0]!, "shoal", columns).split(/\s+/);
  assertEquals(words(40), words(100));
});

Deno.test("the help of the program names the commands that have no table", () => {
  const help = programHelp(COMMANDS, "shoal");
  assertMatch(help, /^ {2}help +show the help of a command$/m);
  assertMatch(help, /^ {2}version +print the version$/m);
});

Deno.test("what is on unless it is switched off is explained by what the switch does", () => {
  const get = COMMANDS.find(({ command }) => command === "get");
  assertMatch(commandHelp(get!, "shoal"), /--no-sparse +write blocks of zeros instead/);
});
