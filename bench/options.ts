/** The bench's command line. */
import { parseArgs } from "@std/cli/parse-args";

export interface Options {
  readonly isHelp: boolean;
  readonly only: readonly string[] | undefined;
  readonly runs: number;
  readonly sizeMib: number | undefined;
  readonly timeoutS: number;
  /** Whether the tools may use the processor's instructions for SHA-256. */
  readonly usesSha: boolean;
  readonly against: string | undefined;
}

export class UsageError extends Error {}

const RUNS = 5;
const TIMEOUT_S = 60;

/** Throws UsageError. */
export function parseOptions(
  args: readonly string[],
  scenarios: readonly string[],
  families: readonly string[],
): Options {
  const flags = parseArgs(args, {
    boolean: ["help", "sha"],
    negatable: ["sha"],
    default: { sha: true },
    string: ["only", "runs", "size", "timeout", "against"],
    alias: { help: "h" },
    unknown: (arg, key) => {
      // Scenarios may be named without the option.
      if (key === undefined) return true;
      throw new UsageError(`unknown argument: ${arg}`);
    },
  });
  const named = [...flags._, ...(flags["only"] === undefined ? [] : [flags["only"]])];
  const only = named.length === 0
    ? undefined
    : named.flatMap((text) => String(text).split(",")).flatMap((name) => {
      if (!families.includes(name)) return [name];
      return scenarios.filter((each) => each.startsWith(`${name}-`));
    });
  const unknown = only?.find((name) => !scenarios.includes(name));
  if (unknown !== undefined) throw new UsageError(`no such scenario: ${unknown}`);
  return {
    isHelp: flags["help"] === true,
    only,
    runs: wholeNumber("runs", flags["runs"]) ?? RUNS,
    sizeMib: wholeNumber("size", flags["size"]),
    timeoutS: wholeNumber("timeout", flags["timeout"]) ?? TIMEOUT_S,
    usesSha: flags["sha"] === true,
    against: flags["against"] === undefined ? undefined : String(flags["against"]),
  };
}

export function helpText(scenarios: readonly { name: string; title: string }[]): string {
  const list = scenarios.map(({ name, title }) => `  ${name.padEnd(11)} ${title}`);
  return `deno task bench [NAME…] [--only NAME,…] [--runs N] [--size MIB] [--timeout S] [--no-sha]
                [--against DIR]

Measures \`shoal get\` beside the other tools that are installed, prints the tables and puts them into
bench/RESULTS.md. As root it works in network namespaces of its own, otherwise on loopback.

  --only NAME,…  these scenarios, as when they are named by themselves; the sections of the others stay.
                 many stands for all that begin so
  --runs N       rounds, in each of which every tool has a turn (${RUNS})
  --size MIB     size of the file, in place of each scenario's own
  --timeout S    what takes longer is reported as that (${TIMEOUT_S}; four times as long for memory)
  --no-sha       hide the processor's instructions for SHA-256 from OpenSSL and Deno, as on a machine
                 without them; results go to sections of their own
  --against DIR  Shoal alone, beside the checkout of it in DIR; nothing is saved

Scenarios:
${list.join("\n")}`;
}

function wholeNumber(flag: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new UsageError(`--${flag} wants a whole number from 1: ${value}`);
}
