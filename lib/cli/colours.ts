/**
 * Colours for errors, warnings and what is done: where a stream is a terminal and NO_COLOR is not set, or as the command line
 * says. They are put around text that is escaped already, so that no text brings its own.
 */
import type { Terminal } from "../io/system/terminal.ts";

export type ColourChoice = "auto" | "always" | "never";
/** What a line says, as far as its colour goes. */
export type Tone = "plain" | "done" | "error" | "warning";

/** SGR parameters. */
const CODES: Readonly<Record<Exclude<Tone, "plain">, string>> = {
  done: "32",
  error: "1;31",
  warning: "33",
};

export class Colours {
  readonly #choice: ColourChoice;
  readonly #isWanted: boolean;

  /** @param choice of the command line, which counts more than the environment */
  constructor(terminal: Terminal, choice: ColourChoice) {
    this.#choice = choice;
    this.#isWanted = !terminal.env("NO_COLOR") && terminal.env("TERM") !== "dumb";
  }

  /** The line in the colour of its tone; of errors and warnings the word that says so. */
  painted(text: string, tone: Tone, isTerminal: boolean): string {
    if (tone === "plain" || !this.#isUsed(isTerminal)) return text;
    const painted = tone === "done" ? text : /^\w+:/.exec(text)?.[0] ?? "";
    return `\u001b[${CODES[tone]}m${painted}\u001b[0m${text.slice(painted.length)}`;
  }

  #isUsed(isTerminal: boolean): boolean {
    if (this.#choice !== "auto") return this.#choice === "always";
    return isTerminal && this.#isWanted;
  }
}
