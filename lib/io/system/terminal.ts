/** What the command line needs of its process: arguments, environment, two streams, signals, exit. */
import { environment, invocation } from "./invocation.ts";
import { INSIST_AFTER_MS } from "./limits.ts";
import { wasStartedWithoutOutput } from "./closed_output.ts";
import { type OutputFile, OutputQueue, type TextStream } from "./output.ts";

export interface WindowSize {
  readonly columns: number;
  readonly rows: number;
}

export interface Terminal {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  /** How this program was started, for the commands that messages print. */
  readonly invocation: string;
  /** `undefined` too where the variable may not be read. */
  env(name: string): string | undefined;
  /** Of the window now; a usual size where it has none or will not say. */
  size(): WindowSize;
}

/** The terminal of this process, whose output outlives the work. */
interface ProcessTerminal extends Terminal {
  /**
   * Resolves when all output has come out, or after `patienceMs`.
   *
   * @returns why some of what belongs on stdout could not be written, if that is so
   */
  flushed(patienceMs?: number): Promise<string | undefined>;
}

/** What is said to nobody has not been said. */
const STANDARD_OUTPUT: OutputFile = {
  isTerminal: () => Deno.stdout.isTerminal(),
  write: (bytes) =>
    wasStartedWithoutOutput()
      ? Promise.reject(new Error("standard output is closed"))
      : Deno.stdout.write(bytes),
};

const SIZE_UNKNOWN: WindowSize = { columns: 80, rows: 24 };

/** `permissionSets` are the names of those in `deno.json`. */
export function processTerminal(permissionSets: readonly string[]): ProcessTerminal {
  // On one screen their order matters; a pipe that nobody reads must not hold up the other.
  const isOneScreen = Deno.stdout.isTerminal() && Deno.stderr.isTerminal();
  const outQueue = new OutputQueue();
  const errorQueue = isOneScreen ? outQueue : new OutputQueue();
  const stdout = outQueue.stream(STANDARD_OUTPUT);
  return {
    stdout,
    stderr: errorQueue.stream(Deno.stderr),
    get invocation() {
      return invocation(permissionSets);
    },
    env: environment,
    size: windowSize,
    async flushed(patienceMs) {
      const ended = Promise.all([outQueue.flushed(), errorQueue.flushed()]);
      await (patienceMs === undefined ? ended : Promise.race([ended, passed(patienceMs)]));
      return stdout.problem;
    },
  };
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * An AbortSignal that SIGINT and SIGTERM set. The first one lets the work end in order; one that comes
 * `INSIST_AFTER_MS` later calls `insist`. One Ctrl-C may arrive several times: what started this program
 * hears it, too, and passes it on.
 */
export function abortOnSignals(insist: () => void): AbortSignal {
  const controller = new AbortController();
  let firstMs = Infinity;
  const heard = (): void => {
    const nowMs = performance.now();
    if (nowMs - firstMs >= INSIST_AFTER_MS) insist();
    firstMs = Math.min(firstMs, nowMs);
    controller.abort();
  };
  const signals: readonly Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  for (const signal of signals) Deno.addSignalListener(signal, heard);
  return controller.signal;
}

/** Hands everything that nothing caught to `handle`, instead of a stack trace on the screen. */
export function onUncaught(handle: (thrown: unknown) => void): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    handle(event.reason);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    handle(event.error ?? event.message);
  });
}

function windowSize(): WindowSize {
  try {
    const { columns, rows } = Deno.consoleSize();
    return columns > 0 && rows > 0 ? { columns, rows } : SIZE_UNKNOWN;
  } catch {
    return SIZE_UNKNOWN;
  }
}
