/** The help of a command, made from the table that it is parsed by. */
import type { Option, OptionTable } from "./option_table.ts";
import type { Syntax } from "./parse.ts";

interface Example {
  readonly line: string;
  readonly says: string;
}

export interface HelpTopic extends Syntax<OptionTable> {
  readonly summary: string;
  /** What the same is called elsewhere: no commands, but what somebody may try who knows another tool. */
  readonly otherNames?: readonly string[];
  /** What else one has to know: ports to open, exit codes. */
  readonly notes: readonly string[];
  readonly examples: readonly Example[];
}

/** The predicate of a sentence. */
export const PROGRAM_SUMMARY = "moves files between the machines of one network";

/** `invocation` is how this program is started, such as `deno run -A cli.ts`. */
export function commandHelp(topic: HelpTopic, invocation: string): string {
  const { command, positionals, options } = topic;
  const takes = positionals.countMax === 0 ? "" : ` ${positionals.label}`;
  const sections = [
    [`${command} — ${topic.summary}`],
    ["Usage:", `  ${invocation} ${command} [OPTIONS]${takes}`],
  ];
  if (positionals.countMax > 0) sections.push(["Takes:", ...table([positionalRow(topic)])]);
  sections.push(["Options:", ...table(optionRows(options))]);
  if (topic.notes.length > 0) sections.push([...topic.notes]);
  sections.push(["Examples:", ...examples(topic.examples, invocation)]);
  return sections.map((lines) => lines.join("\n")).join("\n\n") + "\n";
}

/** What `--help` without a command says. */
export function programHelp(topics: readonly HelpTopic[], invocation: string): string {
  const rows = topics.map((topic): Row => [topic.command, topic.summary]);
  return [
    `Shoal ${PROGRAM_SUMMARY}.`,
    ["Usage:", `  ${invocation} COMMAND [OPTIONS] …`].join("\n"),
    ["Commands:", ...table(rows)].join("\n"),
    `Each command has its own --help with examples. --version prints the version.\n`,
  ].join("\n\n");
}

/** What is typed, and what it means. */
type Row = readonly [left: string, right: string];

export function optionRows(options: OptionTable): readonly Row[] {
  return Object.entries(options).map(optionRow);
}

function table(rows: readonly Row[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

export function positionalRow({ positionals }: HelpTopic): Row {
  const { label, summary, env, fallback } = positionals;
  return [label, summary + details({ fallback, env })];
}

function optionRow([flag, option]: readonly [string, Option]): Row {
  switch (option.kind) {
    case "toggle":
      return [`--${option.fallback ? "no-" : ""}${flag}`, option.summary];
    case "tristate":
      return [`--[no-]${flag}`, option.summary];
    case "single": {
      const short = option.short === undefined ? "" : `-${option.short}, `;
      const { env, fallbackText: fallback } = option;
      return [`${short}--${flag} ${option.label}`, option.summary + details({ fallback, env })];
    }
    case "many":
      return [
        `--${flag} ${option.label}`,
        option.summary + details({ env: option.env, isRepeatable: true }),
      ];
  }
}

function details(about: {
  readonly fallback?: string | undefined;
  readonly env?: string | undefined;
  readonly isRepeatable?: boolean;
}): string {
  const parts = [];
  if (about.isRepeatable) parts.push("repeatable");
  if (about.fallback !== undefined) parts.push(`default ${about.fallback}`);
  if (about.env !== undefined) parts.push(`or ${about.env}`);
  return parts.length === 0 ? "" : ` (${parts.join("; ")})`;
}

function examples(all: readonly Example[], invocation: string): string[] {
  return all.flatMap(({ line, says }) => [`  ${invocation} ${line}`, `      ${says}`]);
}
