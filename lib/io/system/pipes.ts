/** Standard input and output as bytes, for commands whose data, and not words, pass through them. */
import { OUTPUT_RETRY_MS } from "./limits.ts";

export interface Pipes {
  /** Standard input, once. */
  stdin(): ReadableStream<Uint8Array>;
  /**
   * Writes to standard output, and resolves when the system has taken all of it. Waits for a reader who is slow.
   *
   * @returns `false` when nobody reads any more
   * @throws what the system says: a full disk, for example
   */
  writeOut(bytes: Uint8Array): Promise<boolean>;
}

export const processPipes: Pipes = {
  stdin: () => Deno.stdin.readable,
  async writeOut(bytes) {
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
