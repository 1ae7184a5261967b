/** Whether a `get` is one by a code, what does nothing there, and what is asked before anything is fetched. */
import type { MeantCode } from "../app/codes/meant_code.ts";
import type { Incoming } from "../app/code_options.ts";
import { ShoalError } from "../errors.ts";
import type { Pipes } from "../io/system/pipes.ts";
import { displayName } from "../names.ts";
import { sizeText } from "../sizes.ts";
import type { Context } from "./command.ts";
import { ANSWER_BYTES_MAX, CODE_TYPED_BYTES_MAX, INCOMING_NAMES_SHOWN_MAX } from "./limits.ts";
import { isOverTcp } from "./option_table.ts";
import { hasFlag } from "./parse.ts";
import { countText } from "./units.ts";

/** A number, and two words: what the words are is looked at where this is so. */
const FORM = /^\s*\d{1,4}[\s-]+[a-z]+[\s-]+[a-z]+\s*$/i;

interface CodeOptions {
  readonly code: "-" | undefined;
  readonly yes: boolean;
  readonly json: boolean;
  readonly output: string | undefined;
  readonly sha256: string | undefined;
  readonly mirror: boolean;
  readonly delete: boolean;
  readonly "dry-run": boolean;
  readonly sweep: boolean;
  readonly "share-rate": number | undefined;
  readonly tcp: boolean;
  readonly dialect: string;
  readonly master: readonly string[];
}

/**
 * The code that is meant, if it is one.
 *
 * @throws ShoalError `usage` for a slip in a code, for what goes with none, and where nobody can be asked
 */
export async function codeMeantBy(
  options: CodeOptions,
  names: readonly string[],
  { app, args, pipes, signal }: Pick<Context, "app" | "args" | "pipes" | "signal">,
): Promise<MeantCode | undefined> {
  const [name, ...others] = names;
  if (options.code === undefined) {
    if (name === undefined) {
      throw usage("get needs a name, or a code", "Run `get --help` for examples.");
    }
    const code = await unkept(options, firstCode(names, app));
    if (code === undefined) {
      if (options.yes) throw usage("--yes does nothing without a code", "Leave --yes out.");
      return undefined;
    }
    if (others.length > 0) {
      throw usage("a code stands alone", "Run `get` once for it; a file of that name is ./NAME.");
    }
    requireUse(options, args, pipes);
    return code;
  }
  if (name !== undefined) {
    throw usage("--code - asks for a code, so none is named", "Leave it out.");
  }
  requireUse(options, args, pipes);
  const typed = await pipes.secret("Code: ", CODE_TYPED_BYTES_MAX, signal);
  return await unkept(options, app.codeMeant(new TextDecoder().decode(typed), true));
}

/** What a slip may have been meant for is told to people, and to nothing that keeps it. */
async function unkept<T>({ json }: CodeOptions, meant: Promise<T>): Promise<T> {
  try {
    return await meant;
  } catch (thrown) {
    if (!json) throw thrown;
    const { message } = ShoalError.from(thrown);
    throw usage(message, "Compare it with what the sender shows: the code is still good.");
  }
}

async function firstCode(names: readonly string[], app: Context["app"]) {
  for (const name of names) {
    if (!FORM.test(name)) continue;
    const code = await app.codeMeant(name, false);
    if (code !== undefined) return code;
  }
  return undefined;
}

/** What does nothing with a code, and who would be asked, before the code is used. */
function requireUse(options: CodeOptions, args: readonly string[], pipes: Pipes): void {
  const isSecretIdle = options.master.length === 0;
  const idle = [
    ["--output", options.output !== undefined],
    ["--sha256", options.sha256 !== undefined],
    ["--mirror", options.mirror],
    ["--delete", options.delete],
    ["--dry-run", options["dry-run"]],
    ["--sweep", options.sweep],
    ["--no-share", hasFlag(args, "--no-share")],
    ["--share-rate", options["share-rate"] !== undefined],
    ["--tcp", options.tcp],
    ["--dialect", isOverTcp(options)],
    ...["--secret-file", "--secret", "--no-secret"].map((flag) =>
      [flag, isSecretIdle && hasFlag(args, flag)] as const
    ),
  ] as const;
  const [flag] = idle.find(([, isTyped]) => isTyped) ?? [];
  if (flag !== undefined) {
    throw usage(
      `${flag} does nothing with a code alone`,
      `Leave ${flag} out; the code is still good.`,
    );
  }
  if (options.yes || pipes.canAsk()) return;
  throw usage(
    "there is nobody to be asked whether to fetch what the code leads to",
    "Add --yes to fetch it whatever it is; the code is still good.",
  );
}

/** Shows what a code leads to, and asks, unless --yes has answered. */
export async function isWanted(
  { server, files, bytes }: Incoming,
  outDir: string,
  isAnswered: boolean,
  { pipes, reporter, signal }: Pick<Context, "pipes" | "reporter" | "signal">,
): Promise<boolean> {
  const shown = files.slice(0, INCOMING_NAMES_SHOWN_MAX);
  const lines = [
    `${server} sends ${countText(files.length, "file")} (${sizeText(bytes)}):`,
    ...shown.map(({ name, size }) => `  ${displayName(name)}  ${sizeText(size)}`),
    ...(files.length > shown.length ? [`  … and ${files.length - shown.length} more`] : []),
  ];
  if (isAnswered) {
    for (const line of lines) reporter.say(line);
    return true;
  }
  const question = `${lines.join("\n")}\nFetch into ${displayName(outDir)}? [Y/n] `;
  const answer = (await pipes.ask(question, ANSWER_BYTES_MAX, signal)).trim();
  return answer === "" || /^y(es)?$/i.test(answer);
}

function usage(message: string, hint: string): ShoalError {
  return new ShoalError("usage", message, { hint });
}
