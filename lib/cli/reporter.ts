/** Turns events into output: JSON lines, lines and a live region for people, or errors alone. */
import type {
  FailedEvent,
  IndexingEvent,
  ProgressEvent,
  ShoalEvent,
  TotalEvent,
} from "../app/events.ts";
import type { ShoalError } from "../errors.ts";
import { nowMs } from "../io/system/deno_clock.ts";
import type { Terminal } from "../io/system/terminal.ts";
import { PROGRESS_INTERVAL_MS } from "../limits.ts";
import { FILES_TOLD_MAX, PLAIN_PROGRESS_INTERVAL_MS } from "./limits.ts";
import { displayJson, displayName } from "../names.ts";
import { displayEvent } from "./display_event.ts";
import { type ColourChoice, Colours, type Tone } from "./colours.ts";
import { errorLines, eventLine, eventTone, waitingLine, warningLine } from "./event_lines.ts";
import { FailureLines } from "./failure_lines.ts";
import { indexingText, progressText, ProgressView, totalText } from "./progress_view.ts";
import { tellingOfDrops } from "./dropped_lines.ts";
import { openScreen, PlainScreen, type Screen } from "./screen.ts";

export interface Reporter {
  report(event: ShoalEvent): void;
  /** A line that is for people only. */
  say(line: string, tone?: Tone): void;
  /** A line of what was asked for: those who want no words want this. */
  answer(line: string): void;
  /** Why the whole command failed. */
  fail(error: ShoalError): void;
  /** Nothing more comes: takes away what was only true in between. */
  end(): void;
}

interface OutputMode {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly colour: ColourChoice;
}

export function makeReporter(terminal: Terminal, mode: OutputMode): Reporter {
  if (mode.json) return new JsonReporter(tellingOfDrops(terminal, droppedEvent), mode);
  const telling = tellingOfDrops(terminal, droppedText);
  const colours = new Colours(terminal, mode.colour);
  if (mode.quiet) return new QuietReporter(telling, colours, mode.verbose);
  return new HumanReporter(openScreen(telling, colours), mode.verbose);
}

function droppedText(lines: number): string {
  return `… ${lines} ${lines === 1 ? "line was" : "lines were"} lost: nobody read them in time`;
}

function droppedEvent(lines: number): string {
  const notice = { event: "notice", level: "warning", message: droppedText(lines) } as const;
  return JSON.stringify(notice satisfies ShoalEvent);
}

class JsonReporter implements Reporter {
  readonly #terminal: Terminal;
  readonly #verbose: boolean;
  readonly #errors: QuietReporter;

  constructor(terminal: Terminal, { verbose, colour }: OutputMode) {
    this.#terminal = terminal;
    this.#verbose = verbose;
    this.#errors = new QuietReporter(terminal, new Colours(terminal, colour), verbose);
  }

  report(event: ShoalEvent): void {
    if (event.event === "notice" && event.level === "verbose" && !this.#verbose) return;
    this.#print(event);
    this.#errors.report(event);
  }

  say(): void {}

  /** It is in the events. */
  answer(): void {}

  end(): void {
    this.#errors.end();
  }

  fail(error: ShoalError): void {
    this.#print({ event: "failed", name: "", ...error.toMessage() });
    this.#errors.fail(error);
  }

  #print(event: ShoalEvent): void {
    this.#terminal.stdout.write(`${displayJson(event)}\n`);
  }
}

class QuietReporter implements Reporter {
  readonly #failures = new FailureLines();
  readonly #screen: PlainScreen;
  readonly #verbose: boolean;

  constructor(terminal: Terminal, colours: Colours, verbose: boolean) {
    this.#screen = new PlainScreen(terminal, colours);
    this.#verbose = verbose;
  }

  report(event: ShoalEvent): void {
    if (event.event === "failed") this.#print(this.#failures.of(displayEvent(event)));
  }

  say(): void {}

  answer(line: string): void {
    this.#screen.line(line);
  }

  end(): void {
    this.#print(this.#failures.rest());
  }

  fail(error: ShoalError): void {
    this.#print([...errorLines(error), ...(this.#verbose ? causeLines(error) : [])]);
  }

  #print(lines: readonly string[]): void {
    for (const line of lines) this.#screen.problem(line, problemTone(line));
  }
}

class HumanReporter implements Reporter {
  readonly #screen: Screen;
  readonly #verbose: boolean;
  readonly #view = new ProgressView();
  #failures = new FailureLines();
  /** What failed of many files. */
  readonly #held: string[] = [];
  #isMany = false;
  /** Servers that a line has named, and the last wait that was shown. */
  readonly #serversSaid = new Set<string>();
  #lastWait = "";
  #lastPaintMs = -Infinity;
  #lastProgressMs = -Infinity;
  #isIndexingSaid = false;
  #hasTotal = false;

  constructor(screen: Screen, verbose: boolean) {
    this.#screen = screen;
    this.#verbose = verbose;
  }

  report(reported: ShoalEvent): void {
    const event = displayEvent(reported);
    const change = this.#view.apply(event);
    // A line is followed by the live region as it was: what is over must be gone from it by then.
    if (change === "changed" && this.#screen.isLive) this.#repaint(change);
    if (event.event === "total") this.#isMany ||= event.files > FILES_TOLD_MAX;
    if (event.event === "failed") this.#onFailed(event);
    const warning = warningLine(event);
    if (warning !== undefined) this.#screen.problem(warning, "warning");
    const isTold = this.#verbose || !this.#isOneOfMany(event);
    const line = isTold ? eventLine(event, this.#verbose) : undefined;
    if (line !== undefined) this.#screen.line(line, eventTone(event));
    if (this.#screen.isLive) this.#repaint(change);
    else this.#sayProgress(event);
  }

  say(line: string, tone?: Tone): void {
    this.#screen.line(line, tone);
  }

  answer(line: string): void {
    this.#screen.line(line);
  }

  fail(error: ShoalError): void {
    this.#listFailures();
    this.#problems(errorLines(error));
    if (this.#verbose) this.#problems(causeLines(error));
  }

  end(): void {
    this.#screen.show(() => []);
    this.#listFailures();
  }

  /** Of many files the failures are listed at the end, where they can be found. */
  #onFailed(event: FailedEvent): void {
    const lines = this.#failures.of(event);
    if (this.#isMany) this.#held.push(...lines);
    else this.#problems(lines);
  }

  #listFailures(): void {
    this.#problems([...this.#held.splice(0), ...this.#failures.rest()]);
    this.#failures = new FailureLines();
  }

  #problems(lines: readonly string[]): void {
    for (const line of lines) this.#screen.problem(line, problemTone(line));
  }

  /** A server is named when it first answers, not again for each of many names; many files have one summary. */
  #isOneOfMany(event: ShoalEvent): boolean {
    if (event.event === "done") return this.#isMany;
    if (event.event !== "offer") return false;
    if (this.#serversSaid.has(event.id)) return true;
    this.#serversSaid.add(event.id);
    return false;
  }

  #repaint(change: "nothing" | "moved" | "changed"): void {
    const now = nowMs();
    if (change === "nothing") return;
    if (change === "moved" && now - this.#lastPaintMs < PROGRESS_INTERVAL_MS) return;
    this.#lastPaintMs = now;
    this.#screen.show((size) => this.#view.lines(size));
  }

  /** Without a live region: a line now and then. */
  #sayProgress(event: ShoalEvent): void {
    if (event.event === "waiting" && event.message !== this.#lastWait) {
      this.#lastWait = event.message;
      this.#screen.line(waitingLine(event));
    }
    if (event.event === "total") this.#hasTotal = true;
    // Where there is a line for all, each of many says nothing.
    if (event.event === (this.#hasTotal ? "total" : "progress") && this.#isProgressDue()) {
      this.#screen.line(plainLine(event));
    }
    if (event.event === "indexing" && !this.#isIndexingSaid && event.filesLeft > 0) {
      this.#isIndexingSaid = true;
      // It stays on the screen, and what the first files tell of the rate says nothing of the rest.
      this.#screen.line(indexingText({ ...withoutPace(event), rate: 0 }));
    }
    if (event.event === "indexing" && this.#isIndexingSaid && event.filesLeft === 0) {
      this.#isIndexingSaid = false;
      this.#screen.line("Hashing is done.");
    }
  }

  #isProgressDue(): boolean {
    const now = nowMs();
    if (this.#lastProgressMs === -Infinity) this.#lastProgressMs = now;
    if (now - this.#lastProgressMs < PLAIN_PROGRESS_INTERVAL_MS) return false;
    this.#lastProgressMs = now;
    return true;
  }
}

function withoutPace({ secondsLeft: _, ...event }: IndexingEvent): IndexingEvent {
  return event;
}

function problemTone(line: string): Tone {
  return line.startsWith("error:") ? "error" : "plain";
}

function plainLine(event: ProgressEvent | TotalEvent): string {
  if (event.event === "total") return totalText(event);
  return `${displayName(event.name)}: ${progressText(event)}`;
}

/** The chain of causes; where in the source, for what is our own bug. */
function causeLines(error: ShoalError): string[] {
  const lines = [];
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause) {
    const stack = error.code === "internal" ? cause.stack : undefined;
    lines.push(`cause: ${stack ?? displayName(cause.message)}`);
  }
  return lines;
}
