/** The manual page says what the help says, and the program that shows it finds nothing wrong with it. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/join";
import { optionRows } from "../../lib/cli/help.ts";
import { COMMANDS } from "../../lib/cli/main.ts";
import { manualPage } from "../../lib/cli/manual_page.ts";
import { withFolder } from "../support/folder.ts";
import { canRun } from "../support/permissions.ts";

const isShown = await canRun("man") &&
  await new Deno.Command("man", { args: ["--version"] }).output().then(
    ({ success, stdout }) => success && new TextDecoder().decode(stdout).startsWith("man "),
    () => false,
  );

Deno.test({
  name: `man shows all commands and options, without a warning${isShown ? "" : " (no man-db)"}`,
  ignore: !isShown,
  fn: () =>
    withFolder({ "shoal.1": manualPage(COMMANDS, "1.2.3") }, async (folder) => {
      const { stdout, stderr } = await new Deno.Command("man", {
        args: ["--warnings", "-l", join(folder, "shoal.1")],
        env: { LC_ALL: "C", MANWIDTH: "2000", MANPAGER: "cat", MAN_KEEP_FORMATTING: "" },
      }).output();
      assertEquals(new TextDecoder().decode(stderr), "");
      const shown = new TextDecoder().decode(stdout).replaceAll(/\s+/g, " ");
      assertStringIncludes(shown, "Shoal 1.2.3");
      for (const { command, options, examples } of COMMANDS) {
        for (const [left, right] of optionRows(options)) {
          const row = `${left} ${right}`.replaceAll("…", "...");
          assertStringIncludes(shown, row, command);
        }
        for (const { line } of examples) {
          assertStringIncludes(shown, `shoal ${line}`.replaceAll("…", "..."));
        }
      }
    }),
});

Deno.test("nothing in the tables is a request of the language of manual pages", () => {
  const hostile = {
    command: "x",
    summary: ".so /etc/passwd",
    positionals: { label: "'a", summary: "\\fB", countMin: 0, countMax: 1 },
    options: {},
    notes: ["one\n.two\n'three"],
    examples: [],
  };
  const requests = manualPage([hostile], "1").split("\n").filter((line) => /^[.']/.test(line));
  const names = new Set(requests.map((line) => line.slice(0, 3).trim()));
  assertEquals([...names].sort(), [".B", ".PP", ".SH", ".SS", ".TH", ".TP"]);
});
