/** The manual page, shoal(1), from the same tables as the help. In the language of man(7). */
import { type HelpTopic, optionRows, positionalRow, PROGRAM_SUMMARY } from "./help.ts";

export function manualPage(topics: readonly HelpTopic[], version: string): string {
  const lines = [
    `.TH SHOAL 1 "" "Shoal ${version}" "User Commands"`,
    ".SH NAME",
    `shoal \\- ${text(PROGRAM_SUMMARY)}`,
    ".SH SYNOPSIS",
    ...topics.flatMap(({ command, positionals: { label } }) => [
      ".PP",
      `.B shoal ${command}`,
      text(`[OPTIONS] ${label}`.trim()),
    ]),
    ".PP",
    ".B shoal help",
    "COMMAND",
    ".PP",
    ".B shoal version",
    ".SH COMMANDS",
    ...topics.flatMap(commandLines),
    ".SH FILES",
    ...item(
      "$XDG_CACHE_HOME/shoal, ~/.cache/shoal",
      "hashes of offered files, registries, records of fetched folders",
    ),
    ...item(
      "NAME.*.part, NAME.*.part.journal",
      "an unfinished download, which the next get resumes",
    ),
    ".SH ENVIRONMENT",
    text("The variables that stand beside options are used where the option is not given."),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function commandLines(topic: HelpTopic): readonly string[] {
  const { command, summary, positionals, options, notes, examples } = topic;
  const rows = [
    ...(positionals.countMax === 0 ? [] : [positionalRow(topic)]),
    ...optionRows(options),
  ];
  return [
    `.SS "${quotable(`${command} ${positionals.label}`.trim())}"`,
    sentence(summary),
    ...rows.flatMap(([left, right]) => item(left, right)),
    ...notes.flatMap((note) => [".PP", text(note)]),
    ...examples.flatMap(({ line, says }) => item(`shoal ${line}`, says)),
  ];
}

function item(term: string, description: string): readonly string[] {
  return [".TP", `.B "${quotable(term)}"`, text(description)];
}

/** As an argument of a request, between double quotes. */
function quotable(plain: string): string {
  return text(plain).replaceAll('"', "\\(dq");
}

function sentence(words: string): string {
  return text(`${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`);
}

/** What troff would read otherwise: its escapes, hyphens that are to be copied, and requests at the start of a line. */
function text(plain: string): string {
  return plain.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("~", "\\(ti")
    .replaceAll("^", "\\(ha").replaceAll("`", "\\(ga").replaceAll("'", "\\(aq")
    .replaceAll("…", "...")
    .replace(/^(?=\.)/gm, "\\&");
}
