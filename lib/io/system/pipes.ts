/** Standard input and output as bytes, for commands whose data, and not words, pass through them. */
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
   */
  secret(question: string, bytesMax: number): Promise<Uint8Array>;
}

export const processPipes: Pipes = {
  stdin: () => Deno.stdin.readable,
  async secret(question, bytesMax) {
    if (!Deno.stdin.isTerminal()) return await readInput(bytesMax, () => false);
    Deno.stderr.writeSync(new TextEncoder().encode(question));
    // Signals still work in this mode, and nothing is shown.
    Deno.stdin.setRaw(true, { cbreak: Deno.build.os !== "windows" });
    try {
      return edited(await readInput(bytesMax, (byte) => LINE_ENDS.includes(byte)));
    } finally {
      Deno.stdin.setRaw(false);
      Deno.stderr.writeSync(new TextEncoder().encode("\n"));
    }
  },
  async writeOut(bytes) {
    isOutputClosed ??= wasStartedWithoutOutput();
    if (isOutputClosed) throw new Error("standard output is closed");
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

/** Not looked at yet. */
let isOutputClosed: boolean | undefined;

const READ_AND_WRITE = 2;

/**
 * After `>&-` the runtime has put `/dev/null` in the place of standard output, where everything would be lost in
 * silence. It is open for reading as well, as no shell opens it for output.
 */
function wasStartedWithoutOutput(): boolean {
  if (Deno.build.os !== "linux") return false;
  const [file, info] = ["/proc/self/fd/1", "/proc/self/fdinfo/1"];
  for (const path of [file, info]) {
    if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return false;
  }
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(Deno.readTextFileSync(info))?.[1] ?? "0";
    return Deno.readLinkSync(file) === "/dev/null" && (parseInt(flags, 8) & 3) === READ_AND_WRITE;
  } catch {
    return false;
  }
}

/** Return, line feed, Ctrl-C where it comes as a byte, Ctrl-D. */
const LINE_ENDS = [13, 10, 3, 4];
const BACKSPACES = [8, 127];

/** At most `bytesMax` bytes and one more, up to the first that ends it. */
async function readInput(bytesMax: number, ends: (byte: number) => boolean): Promise<Uint8Array> {
  const bytes = new Uint8Array(bytesMax + 1);
  let length = 0;
  while (length < bytes.length) {
    const count = await Deno.stdin.read(bytes.subarray(length));
    if (count === null) break;
    const end = bytes.subarray(length, length + count).findIndex(ends);
    length += end === -1 ? count : end;
    if (end !== -1) break;
  }
  return bytes.subarray(0, length);
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
