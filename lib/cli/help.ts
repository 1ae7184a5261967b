/** The help of a command, made from the table that it is parsed by. */
import type { Option, OptionTable } from "./option_table.ts";
import { HELP_COLUMNS_MAX } from "./limits.ts";
import type { Syntax } from "./parse.ts";
import { hanging, wrapped } from "./terminal_text.ts";

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

/** Commands that every program has: they are words of the command line and have no table. */
export const PLAIN_COMMANDS = [
  { command: "help", summary: "show the help of a command" },
  { command: "version", summary: "print the version" },
] as const;

/**
 * @param invocation how this program is started, such as `deno run -A cli.ts`
 * @param windowColumns what is typed is never broken, and so may be wider
 */
export function commandHelp(
  topic: HelpTopic,
  invocation: string,
  windowColumns = HELP_COLUMNS_MAX,
): string {
  const columns = Math.min(windowColumns, HELP_COLUMNS_MAX);
  const { command, positionals, options, notes } = topic;
  const takes = positionals.countMax === 0 ? "" : ` ${positionals.label}`;
  const sections = [
    hanging(`${command} — `, topic.summary, columns),
    ["Usage:", `  ${invocation} ${command} [OPTIONS]${takes}`],
  ];
  if (positionals.countMax > 0) {
    sections.push(["Takes:", ...table([positionalRow(topic)], columns)]);
  }
  sections.push(["Options:", ...table(optionRows(options), columns)]);
  if (notes.length > 0) sections.push(notes.flatMap((note) => wrapped(note, columns)));
  sections.push(["Examples:", ...examples(topic.examples, invocation, columns)]);
  return sections.map((lines) => lines.join("\n")).join("\n\n") + "\n";
}

/** What `--help` without a command says. */
export function programHelp(
  topics: readonly HelpTopic[],
  invocation: string,
  windowColumns = HELP_COLUMNS_MAX,
): string {
  const columns = Math.min(windowColumns, HELP_COLUMNS_MAX);
  const rows = [...topics, ...PLAIN_COMMANDS].map((
    { command, summary },
  ): Row => [command, summary]);
  return [
    wrapped(`Shoal ${PROGRAM_SUMMARY}.`, columns),
    ["Usage:", `  ${invocation} COMMAND [OPTIONS] …`],
    ["Commands:", ...table(rows, columns)],
    [
      ...wrapped(
        "Each command has its own --help with examples. Most take -q to say less, -v to say more.",
        columns,
      ),
      "",
    ],
  ].map((lines) => lines.join("\n")).join("\n\n");
}

/** What is typed, and what it means. */
type Row = readonly [left: string, right: string];

export function optionRows(options: OptionTable): readonly Row[] {
  return Object.entries(options).map(optionRow);
}

function table(rows: readonly Row[], columns: number): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.flatMap(([left, right]) => hanging(`  ${left.padEnd(width)}  `, right, columns));
}

export function positionalRow({ positionals }: HelpTopic): Row {
  const { label, summary, env, fallback } = positionals;
  return [label, summary + details({ fallback, env })];
}

function optionRow([flag, option]: readonly [string, Option]): Row {
  switch (option.kind) {
    case "toggle": {
      const short = option.short === undefined ? "" : `-${option.short}, `;
      const left = `${short}--${option.fallback ? "no-" : ""}${flag}`;
      const off = option.env === undefined
        ? undefined
        : `${option.env}=${option.fallback ? "off" : "on"}`;
      return [left, option.summary + details({ env: off })];
    }
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

function examples(all: readonly Example[], invocation: string, columns: number): string[] {
  return all.flatMap(({ line, says }) => [
    `  ${invocation} ${line}`,
    ...wrapped(says, columns - 6).map((each) => `      ${each}`),
  ]);
}
