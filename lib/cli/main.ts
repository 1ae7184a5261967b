/** From the arguments of the process to its exit code. */
import manifest from "../../deno.json" with { type: "json" };
import { EXIT, type ExitCode, ShoalError } from "../errors.ts";
import { shellWord } from "../io/system/invocation.ts";
import type { Pipes } from "../io/system/pipes.ts";
import type { Terminal } from "../io/system/terminal.ts";
import { displayName } from "../names.ts";
import type { App, Command } from "./command.ts";
import { outputsData, wordsOnStderr } from "./data_output.ts";
import { invocationOfOthers, spellingOut } from "./command_names.ts";
import { completionsCommand } from "./completions_command.ts";
import { demoCommand } from "./demo_command.ts";
import { doctorCommand } from "./doctor_command.ts";
import { getCommand } from "./get_command.ts";
import { hashCommand } from "./hash_command.ts";
import { commandHelp, programHelp } from "./help.ts";
import { listCommand } from "./list_command.ts";
import { logTerminal } from "./log_terminal.ts";
import { masterCommand } from "./master_command.ts";
import { LOG_OPTION, OUTPUT_OPTIONS } from "./option_table.ts";
import { flagValue, hasFlag, spellOutLetters } from "./parse.ts";
import { meantCommands } from "./meant.ts";
import { makeReporter } from "./reporter.ts";
import { putCommand } from "./put_command.ts";
import { sendCommand } from "./send_command.ts";
import { secretCommand } from "./secret_command.ts";
import { serviceCommand } from "./service_command.ts";
import { serverCommand } from "./server_command.ts";
import { COLOUR, LOG_FORMAT } from "./value_types.ts";

export const COMMANDS: readonly Command[] = [
  serverCommand,
  getCommand,
  listCommand,
  sendCommand,
  putCommand,
  masterCommand,
  hashCommand,
  secretCommand,
  demoCommand,
  doctorCommand,
  completionsCommand,
  serviceCommand,
];

const VERSION_WORDS = ["--version", "-V", "version"];
const VERSION_LINE = `shoal ${manifest.version}\n`;

/** Prints what went wrong and never throws. `signal` ends the work in order. */
export async function main(
  args: readonly string[],
  app: App,
  screen: Terminal,
  pipes: Pipes,
  signal: AbortSignal,
): Promise<ExitCode> {
  const format = LOG_FORMAT.read(flagValue(args, "--log-format") ?? "") ??
    LOG_OPTION["log-format"].fallback;
  const terminal = outputsData(args) ? wordsOnStderr(screen) : screen;
  const isServer = args[0] === "server" || args[0] === "master" ||
    flagValue(args, "--mode") === "server";
  const spelled = spellOutLetters(args, OUTPUT_OPTIONS);
  const plain = makeReporter(format === "classic" ? logTerminal(terminal, isServer) : terminal, {
    json: hasFlag(spelled, "--json") || format === "json",
    quiet: hasFlag(spelled, "--quiet"),
    // The older tools log every detail.
    verbose: hasFlag(spelled, "--verbose") || format === "classic",
    colour: COLOUR.read(flagValue(args, "--color") ?? "") ?? OUTPUT_OPTIONS.color.fallback,
  });
  const names = COMMANDS.map(({ command }) => command);
  const reporter = spellingOut(plain, names, invocationOfOthers(terminal.invocation));
  try {
    const [name, ...rest] = args;
    if (name !== undefined && VERSION_WORDS.includes(name)) return print(terminal, VERSION_LINE);
    const columns = terminal.stdout.isTerminal ? terminal.size().columns : undefined;
    if (name === "help" && rest.length > 0) {
      return print(terminal, commandHelp(findCommand(rest[0]), terminal.invocation, columns));
    }
    if (name === "--help" || name === "-h" || name === "help") {
      return print(terminal, programHelp(COMMANDS, terminal.invocation, columns));
    }
    const command = findCommand(name);
    if (hasFlag(spelled, "--help")) {
      return print(terminal, commandHelp(command, terminal.invocation, columns));
    }
    if (hasFlag(rest, "--version")) return print(terminal, VERSION_LINE);
    const again = [terminal.invocation, ...args.map(shellWord)].join(" ");
    const context = {
      app,
      terminal,
      pipes,
      reporter,
      signal,
      args: rest,
      again,
      commands: COMMANDS,
    };
    return await command.run(rest, context);
  } catch (thrown) {
    const error = ShoalError.from(thrown);
    reporter.fail(error);
    return error.exitCode;
  } finally {
    reporter.end();
  }
}

function print(terminal: Terminal, text: string): ExitCode {
  terminal.stdout.write(text);
  return EXIT.done;
}

function findCommand(name: string | undefined): Command {
  const command = COMMANDS.find((candidate) => candidate.command === name);
  if (command !== undefined) return command;
  const names = COMMANDS.map((candidate) => candidate.command).join(", ");
  const message = name === undefined ? "no command given" : `${displayName(name)} is not a command`;
  const near = meantCommands(name ?? "", COMMANDS).map((meant) => `\`${meant}\``);
  const meant = near.length === 0 ? "" : `Did you mean ${near.join(" or ")}? `;
  throw new ShoalError("usage", message, {
    hint: `${meant}Commands: ${names}. Each has its own --help.`,
  });
}
