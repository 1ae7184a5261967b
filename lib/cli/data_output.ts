/** Whether a command's standard output is for data, and where its words go then. */
import type { Terminal } from "../io/system/terminal.ts";
import { flagValue } from "./parse.ts";

/** What `--output` is told for standard output. */
export const STANDARD_OUTPUT = "-";

/** Looked at before the command line is parsed: its errors are words as well. */
export function outputsData([command, ...args]: readonly string[]): boolean {
  if (command !== "get") return false;
  const value = flagValue(args, "--output") ?? flagValue(args, "-o");
  return value === STANDARD_OUTPUT || hasJoined(args);
}

/** The same terminal, all of whose words go to standard error. */
export function wordsOnStderr(terminal: Terminal): Terminal {
  return {
    stdout: terminal.stderr,
    stderr: terminal.stderr,
    invocation: terminal.invocation,
    env: (name) => terminal.env(name),
    size: () => terminal.size(),
  };
}

/** `-o-`, as the parser of command lines takes it. */
function hasJoined(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).includes("-o-");
}
