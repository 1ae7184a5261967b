/** Standard input and output as bytes, for commands whose data, and not words, pass through them. */
import { ShoalError } from "../../errors.ts";
import { wasStartedWithoutOutput } from "./closed_output.ts";
import { OUTPUT_RETRY_MS } from "./limits.ts";

export interface Pipes {
  /** Standard input, once. */
  stdin(): ReadableStream<Uint8Array>;
  /**
   * Writes to standard output, and resolves when the system has taken all of it. Waits for a reader who is slow.
   *
   * @returns `false` when nobody reads any more
   * @throws what the system says: a full disk, for example; and where the process was started without standard output
   */
  writeOut(bytes: Uint8Array): Promise<boolean>;
  /**
   * A line that nobody else should see: asked for where a person types it, and not shown while it is typed; else all of
   * standard input, of which no more than `bytesMax` is read.
   *
   * @throws ShoalError `interrupted` through the signal
   */
  secret(question: string, bytesMax: number, signal: AbortSignal): Promise<Uint8Array>;
  /** Whether a person can be asked: somebody types at standard input. */
  canAsk(): boolean;
  /**
   * Asks a person, where that can be done, for a line of at most `bytesMax` bytes.
   *
   * @throws ShoalError `interrupted` through the signal
   */
  ask(question: string, bytesMax: number, signal: AbortSignal): Promise<string>;
}

export const processPipes: Pipes = {
  stdin: () => Deno.stdin.readable,
  async secret(question, bytesMax, signal) {
    if (!Deno.stdin.isTerminal()) return await readInput(bytesMax, () => false, signal);
    Deno.stderr.writeSync(new TextEncoder().encode(question));
    // Signals still work in this mode, and nothing is shown.
    Deno.stdin.setRaw(true, { cbreak: Deno.build.os !== "windows" });
    try {
      return edited(await readInput(bytesMax, (byte) => LINE_ENDS.includes(byte), signal));
    } finally {
      Deno.stdin.setRaw(false);
      Deno.stderr.writeSync(new TextEncoder().encode("\n"));
    }
  },
  canAsk: () => Deno.stdin.isTerminal(),
  async ask(question, bytesMax, signal) {
    Deno.stderr.writeSync(new TextEncoder().encode(question));
    // The terminal edits the line.
    const line = await readInput(bytesMax, (byte) => LINE_ENDS.includes(byte), signal);
    return new TextDecoder().decode(line);
  },
  async writeOut(bytes) {
    if (wasStartedWithoutOutput()) throw new Error("standard output is closed");
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(await Deno.stdout.write(bytes));
      } catch (cause) {
        if (cause instanceof Deno.errors.BrokenPipe) return false;
        if (!(cause instanceof Deno.errors.WouldBlock)) throw cause;
        // A pipe that another program has made non-blocking.
        await new Promise((resolve) => setTimeout(resolve, OUTPUT_RETRY_MS));
      }
    }
    return true;
  },
};

/** Return, line feed, Ctrl-C where it comes as a byte, Ctrl-D. */
const CTRL_C = 3;
const LINE_ENDS = [13, 10, CTRL_C, 4];
const BACKSPACES = [8, 127];

/** At most `bytesMax` bytes and one more, up to the first that ends it. */
async function readInput(
  bytesMax: number,
  ends: (byte: number) => boolean,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(bytesMax + 1);
  let length = 0;
  while (length < bytes.length) {
    const count = await beforeAbort(Deno.stdin.read(bytes.subarray(length)), signal);
    if (count === null) break;
    const end = bytes.subarray(length, length + count).findIndex(ends);
    if (end !== -1 && bytes[length + end] === CTRL_C) throw interrupted();
    length += end === -1 ? count : end;
    if (end !== -1) break;
  }
  return bytes.subarray(0, length);
}

/** Nothing takes a read of standard input back: it is left alone where somebody wants to end. */
async function beforeAbort<T>(read: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(interrupted());
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([read, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function interrupted(): ShoalError {
  return new ShoalError("interrupted", "interrupted");
}

/** What is left of what was typed, once the keys that take something back have done so. */
function edited(typed: Uint8Array): Uint8Array {
  let text = "";
  for (const character of new TextDecoder().decode(typed)) {
    text = BACKSPACES.includes(character.charCodeAt(0))
      ? Array.from(text).slice(0, -1).join("")
      : text + character;
  }
  return new TextEncoder().encode(text);
}
