/** A terminal whose lines look like a log: time, program and level before each, and no live region. */
import { logTime } from "../io/system/deno_clock.ts";
import type { TextStream } from "../io/system/output.ts";
import type { Terminal } from "../io/system/terminal.ts";

/** `2023-05-16 14:30:25 - FileTransferServer - INFO - File split into 10 chunks` */
export function logTerminal(terminal: Terminal, isServer: boolean): Terminal {
  const program = isServer ? "FileTransferServer" : "FileTransferClient";
  const stream = (inner: TextStream): TextStream => ({
    isTerminal: false,
    write(text) {
      const lines = text.split("\n").filter((line) => line !== "").map((line) => {
        const { level, message } = leveled(line);
        return `${logTime()} - ${program} - ${level} - ${message}\n`;
      });
      return inner.write(lines.join(""));
    },
  });
  return {
    stdout: stream(terminal.stdout),
    stderr: stream(terminal.stderr),
    invocation: terminal.invocation,
    env: (name) => terminal.env(name),
    size: () => terminal.size(),
  };
}

function leveled(line: string): { readonly level: string; readonly message: string } {
  const match = /^(?:error|warning): (.*)$/.exec(line);
  return match === null ? { level: "INFO", message: line } : { level: "ERROR", message: match[1]! };
}
