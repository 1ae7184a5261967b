/** Completions for fish. */
import { type Spelling, spellingsOf } from "./completions.ts";
import { type HelpTopic, PLAIN_COMMANDS } from "./help.ts";
import type { Completion } from "./value_types.ts";

export function fishCompletions(topics: readonly HelpTopic[]): string {
  const names = topics.map(({ command }) => command);
  return [
    "# Completions of shoal for fish: shoal.fish in ~/.config/fish/completions",
    "complete -c shoal -f",
    ...[...topics, ...PLAIN_COMMANDS].map(({ command, summary }) =>
      `complete -c shoal -n __fish_use_subcommand -a ${command} -d ${quoted(summary)}`
    ),
    `complete -c shoal -n '__fish_seen_subcommand_from help' -a ${quoted(names.join(" "))}`,
    ...topics.flatMap(commandLines),
    "",
  ].join("\n");
}

function commandLines(topic: HelpTopic): readonly string[] {
  const { command, positionals: { completes } } = topic;
  // Its second word: a file may be called like a command.
  const start = `complete -c shoal -n 'contains ${command} (commandline -opc)[2]' `;
  const positional = completes === undefined ? [] : [`${start}${argument(completes)}`];
  return [...positional, ...spellingsOf(topic).map((spelling) => start + optionWords(spelling))];
}

function optionWords({ long, short, summary, value }: Spelling): string {
  const words = [`-l ${long.slice(2)}`];
  if (short !== undefined) words.push(`-s ${short.slice(1)}`);
  if (value !== undefined) words.push(value.completes === "file" ? "-r -F" : "-x");
  if (value?.completes !== undefined && value.completes !== "file") {
    words.push(argument(value.completes));
  }
  return [...words, `-d ${quoted(summary)}`].join(" ");
}

function argument(completes: Completion): string {
  switch (completes) {
    case "file":
      return "-F";
    case "folder":
      return "-a '(__fish_complete_directories)'";
    case "host":
      return "-a '(__fish_print_hostnames)'";
    case "interface":
      return "-a '(__fish_print_interfaces)'";
    default:
      return `-a ${quoted(completes.join(" "))}`;
  }
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
