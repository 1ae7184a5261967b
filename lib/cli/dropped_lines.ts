/** Streams that say afterwards how much of them was lost because nobody read it. */
import type { TextStream } from "../io/system/output.ts";
import type { Terminal } from "../io/system/terminal.ts";

/** @param notice the line that says that so many others are missing */
export function tellingOfDrops(terminal: Terminal, notice: (lines: number) => string): Terminal {
  return {
    stdout: telling(terminal.stdout, notice),
    stderr: telling(terminal.stderr, notice),
    invocation: terminal.invocation,
    env: (name) => terminal.env(name),
    size: () => terminal.size(),
  };
}

function telling(inner: TextStream, notice: (lines: number) => string): TextStream {
  let droppedLines = 0;
  return {
    isTerminal: inner.isTerminal,
    write(text) {
      if (droppedLines > 0 && inner.write(`${notice(droppedLines)}\n`)) droppedLines = 0;
      if (droppedLines === 0 && inner.write(text)) return true;
      droppedLines += text.split("\n").length - 1;
      return false;
    },
  };
}
