/** What the command line needs of its process: arguments, environment, two streams, signals, exit. */

export interface TextStream {
  readonly isTerminal: boolean;
  /** Does nothing once the reader has gone: a closed pipe ends the output, not the work. */
  write(text: string): void;
}

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

const SIZE_UNKNOWN: WindowSize = { columns: 80, rows: 24 };
const encoder = new TextEncoder();

export function processTerminal(): Terminal {
  return {
    stdout: stream(Deno.stdout),
    stderr: stream(Deno.stderr),
    invocation: invocation(),
    env: readEnv,
    size: windowSize,
  };
}

/**
 * An AbortSignal that SIGINT and SIGTERM set. The first one lets the work end in order; a second
 * one calls `insist`.
 */
export function abortOnSignals(insist: () => void): AbortSignal {
  const controller = new AbortController();
  const heard = (): void => {
    if (controller.signal.aborted) insist();
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

interface WritableFile {
  writeSync(bytes: Uint8Array): number;
  isTerminal(): boolean;
}

function stream(file: WritableFile): TextStream {
  let isOpen = true;
  return {
    isTerminal: file.isTerminal(),
    write(text) {
      let bytes = encoder.encode(text);
      while (isOpen && bytes.length > 0) {
        try {
          bytes = bytes.subarray(file.writeSync(bytes));
        } catch (cause) {
          if (cause instanceof Deno.errors.WouldBlock) continue;
          isOpen = false;
        }
      }
    },
  };
}

function readEnv(name: string): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}

function windowSize(): WindowSize {
  try {
    const { columns, rows } = Deno.consoleSize();
    return columns > 0 && rows > 0 ? { columns, rows } : SIZE_UNKNOWN;
  } catch {
    return SIZE_UNKNOWN;
  }
}

function invocation(): string {
  const main = decodeURIComponent(new URL(Deno.mainModule).pathname);
  return `deno run -A ${relativeToFolder(main)}`;
}

function relativeToFolder(path: string): string {
  const { state } = Deno.permissions.querySync({ name: "read", path: "." });
  const folder = state === "granted" ? `${Deno.cwd()}/` : undefined;
  return folder !== undefined && path.startsWith(folder) ? path.slice(folder.length) : path;
}
