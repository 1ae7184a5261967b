/** A terminal whose lines look like a log: time, program and level before each, and no live region. */
import { logTime } from "../io/system/clock.ts";
import type { Terminal, TextStream } from "../io/system/terminal.ts";

/** `2023-05-16 14:30:25 - FileTransferServer - INFO - File split into 10 chunks` */
export function logTerminal(terminal: Terminal, isServer: boolean): Terminal {
  const program = isServer ? "FileTransferServer" : "FileTransferClient";
  const stream = (inner: TextStream): TextStream => ({
    isTerminal: false,
    write(text) {
      for (const line of text.split("\n")) {
        if (line === "") continue;
        const { level, message } = leveled(line);
        inner.write(`${logTime()} - ${program} - ${level} - ${message}\n`);
      }
    },
  });
  return { ...terminal, stdout: stream(terminal.stdout), stderr: stream(terminal.stderr) };
}

function leveled(line: string): { readonly level: string; readonly message: string } {
  const match = /^(?:error|warning): (.*)$/.exec(line);
  return match === null ? { level: "INFO", message: line } : { level: "ERROR", message: match[1]! };
}
