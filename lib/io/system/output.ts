/**
 * Standard output and error as queues: whoever writes never waits for whoever reads. A reader that falls
 * behind costs memory up to a bound, then text; a closed pipe ends the output, not the work.
 */
import { OUTPUT_RETRY_MS, OUTPUT_WAITING_BYTES_MAX } from "./limits.ts";

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

/** Several streams whose text comes out in the order in which it was written. */
export class OutputQueue {
  #waiting: { readonly target: Target; readonly bytes: Uint8Array }[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  #drained = Promise.withResolvers<void>();

  stream(file: OutputFile): Output {
    const target: Target = { file, isOpen: true, problem: undefined };
    return {
      isTerminal: file.isTerminal(),
      write: (text) => this.#put(target, new TextEncoder().encode(text)),
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
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await writeAll(next.target, next.bytes);
      this.#waitingBytes -= next.bytes.length;
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
      target.problem = cause instanceof Error ? cause.message : String(cause);
    }
  }
}
