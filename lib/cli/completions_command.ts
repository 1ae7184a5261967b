/** `completions SHELL`: the script by which a shell completes what is typed. */
import { EXIT } from "../errors.ts";
import { bashCompletions } from "./bash_completions.ts";
import { defineCommand } from "./command.ts";
import { fishCompletions } from "./fish_completions.ts";
import type { HelpTopic } from "./help.ts";
import { HELP_OPTION } from "./option_table.ts";
import { readValue } from "./parse.ts";
import { SHELL, type Shell } from "./value_types.ts";
import { zshCompletions } from "./zsh_completions.ts";

/** The script for each shell. */
export const COMPLETIONS: Readonly<Record<Shell, (topics: readonly HelpTopic[]) => string>> = {
  bash: bashCompletions,
  zsh: zshCompletions,
  fish: fishCompletions,
};

export const completionsCommand = defineCommand({
  command: "completions",
  summary: "print the script by which a shell completes commands and options",
  otherNames: ["completion"],
  positionals: {
    label: "SHELL",
    summary: SHELL.expects,
    completes: SHELL.completes,
    countMin: 1,
    countMax: 1,
  },
  options: HELP_OPTION,
  notes: [
    "In ~/.bashrc: source <(shoal completions bash)\n" +
    "In ~/.zshrc, after compinit: source <(shoal completions zsh)\n" +
    "For fish, once: shoal completions fish > ~/.config/fish/completions/shoal.fish",
  ],
  examples: [{ line: "completions bash", says: "for bash: source <(shoal completions bash)" }],
  perform(_, [shell = ""], { terminal, commands }) {
    terminal.stdout.write(COMPLETIONS[readValue("completions", " ", SHELL, shell)](commands));
    return Promise.resolve(EXIT.done);
  },
});
