/** A capture of all that hosts of a subnet send each other over UDP and IPv4, as it enters the switch (`capture.py`). */
import type { Endpoint } from "../../lib/address.ts";
import type { Bytes } from "../../lib/ids.ts";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("capture.py", import.meta.url));
const HEAD_BYTES = 14;

export interface Captured {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly datagram: Bytes;
}

export class Capture implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #path: string;
  readonly #output: AsyncIterator<string>;
  #said = "";
  #isStopped = false;

  private constructor(via: readonly string[], path: string) {
    this.#path = path;
    const [command = "", ...args] = [...via, "python3", SCRIPT, path];
    this.#child = new Deno.Command(command, { args, stdin: "piped", stdout: "piped" }).spawn();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  }

  /**
   * Resolves when nothing that is sent from now on is missed.
   *
   * @param via prefix of a command that runs where the switch is
   * @param path where it keeps what it takes
   */
  static async start(via: readonly string[], path: string): Promise<Capture> {
    const capture = new Capture(via, path);
    await capture.#says(/^ready\n/);
    return capture;
  }

  /** Ends it; returns everything in the order of its sending. Throws if something was missed. */
  async stop(): Promise<Captured[]> {
    this.#isStopped = true;
    await this.#child.stdin.close();
    await this.#says(/\nlost \d+\n/);
    await this.#child.status;
    if (!this.#said.endsWith("\nlost 0\n")) throw new Error(`the capture: ${this.#said}`);
    return [...recordsIn(await Deno.readFile(this.#path))];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isStopped) return;
    this.#child.kill("SIGKILL");
    await this.#child.stdin.close().catch(() => {});
    await this.#child.status;
    await this.#output.return?.();
  }

  /** Resolves when it has said this; throws if it ends without. */
  async #says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#said)) {
      const { value, done } = await this.#output.next();
      if (done === true) throw new Error(`the capture ended: ${this.#said}`);
      this.#said += value;
    }
  }
}

function* recordsIn(bytes: Bytes): Generator<Captured> {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const endpointAt = (at: number): Endpoint => ({
    address: bytes.subarray(at, at + 4).join("."),
    port: view.getUint16(at + 4),
  });
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint16(at + 12);
    const start = at + HEAD_BYTES;
    const datagram = bytes.subarray(start, start + length);
    yield { from: endpointAt(at), to: endpointAt(at + 6), datagram };
    at = start + length;
  }
}
