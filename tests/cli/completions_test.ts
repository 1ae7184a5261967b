/** What each shell completes, tried in the shell itself. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { fileURLToPath } from "node:url";
import { COMPLETION_SCRIPTS } from "../../lib/cli/completion_scripts.ts";
import { spellingsOf } from "../../lib/cli/completions.ts";
import { COMMANDS } from "../../lib/cli/main.ts";
import type { Shell } from "../../lib/cli/value_types.ts";
import { run } from "../support/fake_cli.ts";
import { withFolder } from "../support/folder.ts";
import { canRun } from "../support/permissions.ts";

const ZSH_DRIVER = fileURLToPath(new URL("../support/complete.zsh", import.meta.url));

async function isInstalled(shell: string): Promise<boolean> {
  if (!await canRun(shell)) return false;
  try {
    return (await new Deno.Command(shell, { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

/** In a folder with the file README.md and the folder folder, with the script for that shell beside them. */
async function inShell(
  shell: Shell,
  name: string,
  fn: (say: (...args: string[]) => Promise<string[]>, script: string) => Promise<void>,
): Promise<void> {
  const isThere = await isInstalled(shell);
  Deno.test({
    name: isThere ? name : `${name} (${shell} is not installed)`,
    ignore: !isThere,
    fn: () =>
      withFolder({ "README.md": "", "folder/file": "" }, async (cwd) => {
        const script = join(await Deno.realPath(cwd), "folder/script");
        await Deno.writeTextFile(script, COMPLETION_SCRIPTS[shell](COMMANDS));
        await fn(async (...args) => {
          const { stdout, stderr } = await new Deno.Command(shell, { args, cwd }).output();
          assertEquals(new TextDecoder().decode(stderr), "");
          return new TextDecoder().decode(stdout).replace(/\n$/, "").split("\n");
        }, script);
      }),
  });
}

const VERBS = COMMANDS.map(({ command }) => command);

await inShell("bash", "bash completes commands, options and their values", async (say, script) => {
  const offered = async (...words: string[]) =>
    (await say(
      "--norc",
      "-c",
      `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _shoal; printf '%s\\n' "\${COMPREPLY[@]}"`,
      "bash",
      script,
      "shoal",
      ...words,
    )).filter((line) => !/compopt/.test(line)).sort();
  assertEquals(await offered(""), [...VERBS, "help", "version"].sort());
  assertEquals(await offered("help", "ma"), ["master"]);
  assertEquals(await offered("get", "--no-sp"), ["--no-sparse"]);
  assertEquals(await offered("get", "--out", ""), ["folder"]);
  assertEquals(await offered("get", "--output", ""), ["README.md", "folder"]);
  assertEquals(await offered("put", "R"), ["README.md"]);
  assertEquals(await offered("list", "R"), [""]);
  assertEquals(await offered("list", "--color", "a"), ["always", "auto"]);
  // As bash takes --color=n apart.
  assertEquals(await offered("list", "--color", "=", "n"), ["never"]);
  assertEquals(await offered("list", "--timeout", "-"), [""], "a value is no option");
  assertEquals(await offered("put", "--", "--"), [""], "nor is what follows --");
  for (const topic of COMMANDS) {
    const flags = spellingsOf(topic).flatMap(({ long, short }) => short ? [short, long] : [long]);
    assertEquals(await offered(topic.command, "-"), flags.sort(), topic.command);
  }
});

await inShell("zsh", "zsh completes commands, options and their values", async (say, script) => {
  const lines = {
    "shoal compl": "shoal completions ",
    "shoal help ma": "shoal help master ",
    "shoal get --no-sp": "shoal get --no-sparse ",
    "shoal get a --mir": "shoal get a --mirror ",
    "shoal get -p 7 --out f": "shoal get -p 7 --out folder/",
    "shoal put R": "shoal put README.md ",
    "shoal list R": "shoal list R",
    "shoal list --color al": "shoal list --color always ",
    "shoal list --color=ne": "shoal list --color=never ",
    "shoal completions z": "shoal completions zsh ",
  };
  const completed = await say("-f", ZSH_DRIVER, script, ...Object.keys(lines));
  assertEquals(completed, Object.values(lines));
});

await inShell("fish", "fish completes commands, options and their values", async (say, script) => {
  const offered = async (line: string) =>
    (await say("--no-config", "-c", `source $argv[1]; complete -C $argv[2]`, script, line))
      .map((each) => each.split("\t")[0]!).sort();
  assertEquals(await offered("shoal "), [...VERBS, "help", "version"].sort());
  assertEquals(await offered("shoal help ma"), ["master"]);
  assertEquals(await offered("shoal get --no-sp"), ["--no-sparse"]);
  assertEquals(await offered("shoal get --out f"), ["folder/"]);
  assertEquals(await offered("shoal put R"), ["README.md"]);
  assertEquals(await offered("shoal list R"), [""]);
  assertEquals(await offered("shoal list --color a"), ["always", "auto"]);
  for (const topic of COMMANDS) {
    const offers = await offered(`shoal ${topic.command} --`);
    assertEquals(offers, spellingsOf(topic).map(({ long }) => long).sort(), topic.command);
  }
});

Deno.test("completions are printed for the shells that there are", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, out } = await run(["completions", shell]);
    assertEquals(code, 0);
    assert(out.includes("mirror"), shell);
  }
  const { code, err } = await run(["completions", "tcsh"]);
  assertEquals(code, 2);
  assert(err.includes("bash, zsh or fish"), err);
});
