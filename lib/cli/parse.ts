/**
 * Parses a command line by its table: flags override the environment, which overrides the defaults.
 * Strict: an unknown flag, or a missing, repeated or invalid value, is a usage error that says what was
 * expected.
 */
import { parseArgs } from "@std/cli/parse-args";
import { ShoalError } from "../errors.ts";
import { displayName } from "../names.ts";
import type { HelpTopic } from "./help.ts";
import { meantFlags, ownersOf } from "./meant.ts";
import type { Many, Option, OptionTable, OptionValues, Single, Toggle } from "./option_table.ts";
import { type Completion, SWITCH, type ValueType } from "./value_types.ts";

/** What a command takes beside its options. */
export interface Positionals {
  /** As in `[DIR]` or `NAME…`. */
  readonly label: string;
  readonly summary: string;
  /** What a shell offers for one that is being typed; nothing where only the network knows. */
  readonly completes?: Completion;
  readonly countMin: number;
  readonly countMax: number;
  readonly env?: string;
  /** Used when there is none, neither on the command line nor in the environment. */
  readonly fallback?: string;
}

export interface Syntax<Table extends OptionTable> {
  readonly command: string;
  readonly positionals: Positionals;
  readonly options: Table;
}

interface CommandLine<Table extends OptionTable> {
  readonly options: OptionValues<Table>;
  /** The flags that stand on it: what is in the environment is there for other commands as well. */
  readonly typed: ReadonlySet<string>;
  readonly positionals: readonly string[];
}

type ReadEnv = (name: string) => string | undefined;

/**
 * Throws ShoalError `usage`.
 *
 * @param commands those that may have an option that this one has not
 */
export function parseCommandLine<Table extends OptionTable>(
  syntax: Syntax<Table>,
  args: readonly string[],
  env: ReadEnv,
  commands: readonly HelpTopic[] = [],
): CommandLine<Table> {
  const raw = tokenize(syntax, args, commands);
  const values: Record<string, unknown> = {};
  const typed = new Set<string>();
  for (const [flag, option] of Object.entries<Option>(syntax.options)) {
    const given = raw[option.kind === "toggle" ? parsedAs(flag) : flag];
    values[flag] = optionValue(flag, option, given, env);
    if (isTyped(option, given)) typed.add(flag);
  }
  return {
    options: values as OptionValues<Table>,
    typed,
    positionals: positionalValues(syntax, raw._, env, mayHoldSecret(syntax, typed)),
  };
}

/** Whether `flag` stands among the options, whatever else is wrong with them. */
export function hasFlag(args: readonly string[], flag: string): boolean {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).includes(flag);
}

/** `-qv` as `--quiet --verbose`: what is made of letters of toggles alone. */
export function spellOutLetters(args: readonly string[], options: OptionTable): readonly string[] {
  const letters = new Map<string, string>();
  for (const [flag, option] of Object.entries<Option>(options)) {
    if (option.kind === "toggle" && option.short !== undefined) {
      letters.set(option.short, `--${flag}`);
    }
  }
  const end = args.indexOf("--");
  return args.flatMap((arg, i) => {
    if ((end !== -1 && i >= end) || !/^-[a-z]+$/.test(arg)) return [arg];
    const flags = [...arg.slice(1)].map((letter) => letters.get(letter));
    return flags.every((flag) => flag !== undefined) ? flags : [arg];
  });
}

/** What the parser gives for a tristate, or for what a variable may say, that was not on the command line. */
const UNSAID = "unsaid";

/** The value of `flag`, whatever else is wrong with the options. */
export function flagValue(args: readonly string[], flag: string): string | undefined {
  const end = args.indexOf("--");
  const options = end === -1 ? args : args.slice(0, end);
  const at = options.indexOf(flag);
  if (at !== -1) return options[at + 1];
  return options.find((arg) => arg.startsWith(`${flag}=`))?.slice(flag.length + 1);
}

function tokenize(
  syntax: Syntax<OptionTable>,
  args: readonly string[],
  commands: readonly HelpTopic[],
) {
  const { options } = syntax;
  const flagsOf = (accepts: (option: Option) => boolean): string[] =>
    Object.keys(options).filter((flag) => accepts(options[flag] as Option));
  const tristates = flagsOf((option) => option.kind === "tristate");
  const toggles = [...flagsOf((option) => option.kind === "toggle"), ...tristates].map(parsedAs);
  const withEnv = flagsOf((option) => option.kind === "toggle" && option.env !== undefined);
  const onByDefault = flagsOf((option) => option.kind === "toggle" && option.fallback);
  const valued = flagsOf((option) => option.kind === "single" || option.kind === "many");
  const spelled = spellOutLetters(joinDashes(args, valued), options);
  return parseArgs(spellOutToggles(spelled, toggles), {
    boolean: toggles,
    negatable: [...onByDefault, ...tristates],
    default: Object.fromEntries([
      ...onByDefault.map((flag) => [flag, true]),
      ...withEnv.map((flag) => [flag, UNSAID]),
      ...tristates.map((flag) => [flag, UNSAID]),
    ]),
    // "_" keeps a file that is called 007 from becoming the number 7.
    string: [...valued, "_"],
    collect: valued,
    alias: aliases(options),
    unknown(arg, key) {
      if (key === undefined) return true;
      throw unknownOption(syntax, arg, commands);
    },
  });
}

/**
 * A toggle that begins with "no-", under a name that nobody can type: the parser would take it for the negation of
 * another option.
 */
function parsedAs(toggle: string): string {
  return toggle.replace(/^no-/, "no\0-");
}

function unknownOption(
  { command, positionals, options }: Syntax<OptionTable>,
  arg: string,
  commands: readonly HelpTopic[],
): ShoalError {
  const meant = meantFlags(arg, options);
  const owners = meant.length > 0 ? [] : ownersOf(arg, commands).map((owner) => `\`${owner}\``);
  const sentences = [
    ...(meant.length > 0 ? [`Did you mean ${meant.join(" or ")}?`] : []),
    ...(owners.length > 0 ? [`It is an option of ${owners.join(" and ")}.`] : []),
    ...(!arg.startsWith("--") && positionals.countMax > 0
      ? [`A name that begins with a dash is written ./${displayName(arg)}.`]
      : []),
    `\`${command} --help\` lists its options.`,
  ];
  return new ShoalError("usage", `${command} has no option ${displayName(arg)}`, {
    hint: sentences.join(" "),
  });
}

/**
 * `--json` as `--json=true`, because the parser would take a file named `true` after it for its
 * value; a value that somebody gave to it is refused.
 */
function spellOutToggles(args: readonly string[], toggles: readonly string[]): string[] {
  const end = args.indexOf("--");
  return args.map((arg, i) => {
    if ((end !== -1 && i >= end) || !arg.startsWith("--")) return arg;
    const [typed = "", value] = arg.split("=", 2);
    const own = `--${parsedAs(typed.slice(2))}`;
    const flag = toggles.includes(own.slice(2)) ? own : typed;
    const isToggle = toggles.includes(flag.replace(/^--/, ""));
    if (value === undefined) return isToggle ? `${flag}=true` : arg;
    if (!isToggle && !toggles.includes(flag.replace(/^--no-/, ""))) return arg;
    throw new ShoalError("usage", `${typed} takes no value`, { hint: `Write ${typed} alone.` });
  });
}

/** `--output -` as `--output=-`: the parser would take the dash for an option, or a name. */
function joinDashes(args: readonly string[], valued: readonly string[]): string[] {
  const end = args.indexOf("--");
  const joined: string[] = [];
  args.forEach((arg, i) => {
    const before = joined.at(-1);
    const isValue = arg === "-" && before?.startsWith("--") && valued.includes(before.slice(2));
    if (isValue && (end === -1 || i < end)) joined[joined.length - 1] = `${before}=-`;
    else joined.push(arg);
  });
  return joined;
}

function aliases(options: OptionTable): Record<string, string> {
  const shorts: Record<string, string> = {};
  for (const [flag, option] of Object.entries(options)) {
    if (option.kind === "single" && option.short !== undefined) shorts[flag] = option.short;
  }
  return shorts;
}

function optionValue(flag: string, option: Option, given: unknown, env: ReadEnv): unknown {
  switch (option.kind) {
    case "toggle":
      return given === UNSAID ? saidElsewhere(option, env) : given === true;
    case "tristate":
      return given === UNSAID ? undefined : given === true;
    case "single":
      return singleValue(flag, option, asTexts(given), env);
    case "many":
      return manyValues(flag, option, asTexts(given), env);
  }
}

/** A toggle that the command line says nothing of. */
function saidElsewhere({ env: variable, fallback }: Toggle, env: ReadEnv): boolean {
  const text = variable === undefined ? undefined : env(variable);
  if (variable === undefined || !text) return fallback;
  return readValue(variable, "=", SWITCH, text) === "on";
}

function isTyped(option: Option, given: unknown): boolean {
  switch (option.kind) {
    case "toggle":
      return given !== UNSAID && given !== option.fallback;
    case "tristate":
      return given !== UNSAID;
    case "single":
    case "many":
      return asTexts(given).length > 0;
  }
}

function asTexts(given: unknown): readonly string[] {
  return Array.isArray(given) ? given.map(String) : [];
}

function singleValue(
  flag: string,
  option: Single<unknown>,
  texts: readonly string[],
  env: ReadEnv,
): unknown {
  if (texts.length > 1) {
    throw new ShoalError("usage", `--${flag} was given ${texts.length} times`, {
      hint: "Pass it once.",
    });
  }
  const [text] = texts;
  if (text !== undefined) return readValue(`--${flag}`, " ", option.type, text);
  const fromEnv = option.env === undefined ? undefined : env(option.env);
  if (option.env === undefined || !fromEnv) return option.fallback;
  return readValue(option.env, "=", option.type, fromEnv);
}

function manyValues(
  flag: string,
  option: Many<unknown>,
  texts: readonly string[],
  env: ReadEnv,
): readonly unknown[] {
  if (texts.length > 0) return texts.map((text) => readValue(`--${flag}`, " ", option.type, text));
  const variable = option.env;
  const fromEnv = variable === undefined ? undefined : env(variable);
  if (variable === undefined || !fromEnv) return [];
  return fromEnv.split(",").map((text) => readValue(variable, "=", option.type, text.trim()));
}

/**
 * Throws ShoalError `usage` where `text` is not of that type.
 *
 * @param join what stands between `source` and its value
 */
export function readValue<T>(source: string, join: string, type: ValueType<T>, text: string): T {
  const value = text === "" ? undefined : type.read(text);
  if (value !== undefined) return value;
  const message = text === ""
    ? `${source} needs a value`
    : `${source}: ${type.isPrivate ? "its value" : displayName(text)} is not ${type.expects}`;
  throw new ShoalError("usage", message, {
    hint: `It takes ${type.expects}, as in ${source}${join}${type.example}`,
  });
}

/** Whether what is too much may be the words of a secret that were typed in the place of a file: they are not repeated. */
function mayHoldSecret({ command }: Syntax<OptionTable>, typed: ReadonlySet<string>): boolean {
  return command === "secret" || typed.has("secret-file") || typed.has("secret");
}

function positionalValues(
  syntax: Syntax<OptionTable>,
  given: readonly (string | number)[],
  env: ReadEnv,
  hidesExtra: boolean,
): readonly string[] {
  const { command, positionals } = syntax;
  const { label, countMin, countMax, fallback } = positionals;
  const usage = (message: string): ShoalError =>
    new ShoalError("usage", message, {
      hint: `Run \`${command} --help\` for examples.`,
    });
  if (given.length > countMax) {
    if (hidesExtra) {
      throw new ShoalError("usage", `${command} is given too many words`, {
        hint: "The words of a secret are in a file, or come by standard input: --secret -",
      });
    }
    const extra = displayName(String(given[countMax]));
    const message = countMax === 0
      ? `${command} takes no ${extra}`
      : `${command} takes ${label}, not also ${extra}`;
    throw usage(message);
  }
  if (given.length < countMin) throw usage(`${command} needs ${label}`);
  if (given.some((text) => text === "")) throw usage(`${label} is empty`);
  if (given.length > 0) return given.map(String);
  const text = (positionals.env && env(positionals.env)) || fallback;
  return text === undefined ? [] : [text];
}
