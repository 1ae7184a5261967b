/**
 * Standard output and error as queues: whoever writes never waits for whoever reads. A reader that falls
 * behind costs memory up to a bound, then text; a closed pipe ends the output, not the work.
 */
import { OUTPUT_RETRY_MS, OUTPUT_WAITING_BYTES_MAX, OUTPUT_WRITE_BYTES_MAX } from "./limits.ts";
import { systemErrorText } from "../../system_error.ts";

export interface TextStream {
  readonly isTerminal: boolean;
  /**
   * Takes all of `text`, or nothing of it: `false` when too much waits already. Does nothing once the
   * reader has gone.
   */
  write(text: string): boolean;
}

/** What a stream leads to. */
export interface OutputFile {
  write(bytes: Uint8Array): Promise<number>;
  isTerminal(): boolean;
}

interface Waiting {
  readonly target: Target;
  readonly bytes: Uint8Array;
}

const encoder = new TextEncoder();

/** Several streams whose text comes out in the order in which it was written. */
export class OutputQueue {
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  #drained = Promise.withResolvers<void>();

  stream(file: OutputFile): Output {
    const target: Target = { file, isOpen: true, problem: undefined };
    return {
      isTerminal: file.isTerminal(),
      write: (text) => this.#put(target, encoder.encode(text)),
      get problem() {
        return target.problem;
      },
    };
  }

  /** Resolves when all that was written has come out, or never will. */
  async flushed(): Promise<void> {
    if (this.#isWriting) await this.#drained.promise;
  }

  #put(target: Target, bytes: Uint8Array): boolean {
    if (!target.isOpen || bytes.length === 0) return true;
    // A single text may be of any length: a listing is one.
    if (this.#waitingBytes >= OUTPUT_WAITING_BYTES_MAX) return false;
    this.#waiting.push({ target, bytes });
    this.#waitingBytes += bytes.length;
    if (!this.#isWriting) void this.#write();
    return true;
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    this.#drained = Promise.withResolvers();
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const { target, bytes } of joined(waiting)) {
        await writeAll(target, bytes);
        this.#waitingBytes -= bytes.length;
      }
    }
    this.#isWriting = false;
    this.#drained.resolve();
  }
}

/** A stream, and why nothing can be written to it any more; a reader that went is no reason. */
interface Output extends TextStream {
  readonly problem: string | undefined;
}

interface Target {
  readonly file: OutputFile;
  isOpen: boolean;
  problem: string | undefined;
}

/** What goes to one target in a row, as few writes: each of them costs the same, however short it is. */
function* joined(waiting: readonly Waiting[]): Generator<Waiting> {
  for (let from = 0; from < waiting.length;) {
    const { target, bytes } = waiting[from]!;
    let to = from + 1;
    let length = bytes.length;
    for (let next = waiting[to]; next?.target === target; next = waiting[to]) {
      if (length + next.bytes.length > OUTPUT_WRITE_BYTES_MAX) break;
      length += next.bytes.length;
      to += 1;
    }
    const isOne = to === from + 1;
    yield isOne
      ? { target, bytes }
      : { target, bytes: concatenated(waiting.slice(from, to), length) };
    from = to;
  }
}

function concatenated(parts: readonly Waiting[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const { bytes } of parts) {
    whole.set(bytes, at);
    at += bytes.length;
  }
  return whole;
}

async function writeAll(target: Target, bytes: Uint8Array): Promise<void> {
  while (target.isOpen && bytes.length > 0) {
    try {
      bytes = bytes.subarray(await target.file.write(bytes));
    } catch (cause) {
      if (cause instanceof Deno.errors.WouldBlock) {
        // A pipe that another program has made non-blocking.
        await new Promise((resolve) => setTimeout(resolve, OUTPUT_RETRY_MS));
        continue;
      }
      target.isOpen = false;
      if (cause instanceof Deno.errors.BrokenPipe) continue;
      target.problem = systemErrorText(cause);
    }
  }
}
