/**
 * Output for people. A live screen keeps a region below the lines that is redrawn in place; a
 * pipe or a dumb terminal gets lines only. Nothing reaches either that could move a cursor or reorder a line, wherever it came
 * from.
 */
import type { TextStream } from "../io/system/output.ts";
import type { Terminal, WindowSize } from "../io/system/terminal.ts";
import { displayLines, displayName } from "../names.ts";
import type { Colours, Tone } from "./colours.ts";
import { clip, textColumns } from "./terminal_text.ts";

export interface Screen {
  readonly isLive: boolean;
  /** A line that stays. */
  line(text: string, tone?: Tone): void;
  /** A line on stderr that stays. */
  problem(text: string, tone?: Tone): void;
  /** Replaces the region by what `draw` makes for the window's size; nothing where there is none. */
  show(draw: (size: WindowSize) => readonly string[]): void;
}

/** A live screen where stdout is a terminal that can move its cursor. */
export function openScreen(terminal: Terminal, colours: Colours): Screen {
  const isLive = terminal.stdout.isTerminal && terminal.env("TERM") !== "dumb";
  return isLive ? new LiveScreen(terminal, colours) : new PlainScreen(terminal, colours);
}

/** A line as a stream may have it. */
function shownLine(text: string, tone: Tone, { isTerminal }: TextStream, colours: Colours): string {
  return `${colours.painted(displayLines(text), tone, isTerminal)}\n`;
}

/** Lines alone. */
export class PlainScreen implements Screen {
  readonly isLive = false;
  readonly #terminal: Terminal;

  readonly #colours: Colours;

  constructor(terminal: Terminal, colours: Colours) {
    this.#terminal = terminal;
    this.#colours = colours;
  }

  line(text: string, tone: Tone = "plain"): void {
    this.#print(this.#terminal.stdout, text, tone);
  }

  problem(text: string, tone: Tone = "plain"): void {
    this.#print(this.#terminal.stderr, text, tone);
  }

  #print(stream: TextStream, text: string, tone: Tone): void {
    stream.write(shownLine(text, tone, stream, this.#colours));
  }

  show(): void {}
}

const ESCAPE = "\u001b[";

class LiveScreen implements Screen {
  readonly isLive = true;
  readonly #terminal: Terminal;
  /** What is on the screen below the last line that stays. */
  #region: readonly string[] = [];
  readonly #colours: Colours;

  constructor(terminal: Terminal, colours: Colours) {
    this.#terminal = terminal;
    this.#colours = colours;
  }

  line(text: string, tone: Tone = "plain"): void {
    this.#above(this.#terminal.stdout, text, tone);
  }

  problem(text: string, tone: Tone = "plain"): void {
    this.#above(this.#terminal.stderr, text, tone);
  }

  show(draw: (size: WindowSize) => readonly string[]): void {
    const size = this.#terminal.size();
    // The last column stays free: some terminals wrap when it is written.
    const lines = draw(size).slice(0, size.rows - 1).map((line) =>
      clip(displayName(line), size.columns - 1)
    );
    this.#terminal.stdout.write(this.#erasure(size) + textOf(lines));
    this.#region = lines;
  }

  #above(stream: TextStream, text: string, tone: Tone): void {
    this.#terminal.stdout.write(this.#erasure(this.#terminal.size()));
    stream.write(shownLine(text, tone, stream, this.#colours));
    this.#terminal.stdout.write(textOf(this.#region));
  }

  /** Counts wrapped rows, as the window may be narrower than when the region was drawn. */
  #erasure(size: WindowSize): string {
    const rows = this.#region
      .map((line) => Math.max(1, Math.ceil(textColumns(line) / size.columns)))
      .reduce((sum, lineRows) => sum + lineRows, 0);
    return rows === 0 ? "" : `\r${ESCAPE}${Math.min(rows, size.rows - 1)}A${ESCAPE}J`;
  }
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}
