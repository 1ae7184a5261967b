/** `completions SHELL`: the script by which a shell completes what is typed. */
import { EXIT } from "../errors.ts";
import { defineCommand } from "./command.ts";
import { HELP_OPTION } from "./option_table.ts";
import { readValue } from "./parse.ts";
import { SHELL } from "./value_types.ts";

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
  async perform(_, [shell = ""], { terminal, commands }) {
    const known = readValue("completions", " ", SHELL, shell);
    // No other command needs them, and each starts faster for it.
    const { COMPLETION_SCRIPTS } = await import("./completion_scripts.ts");
    terminal.stdout.write(COMPLETION_SCRIPTS[known](commands));
    return EXIT.done;
  },
});
