/**
 * A wire between hosts of a lab that does to datagrams what networks do: a switch in a process of its own
 * (`wire_bridge.ts`), which a seed makes repeatable as far as the clock does.
 */
import { fileURLToPath } from "node:url";
import type { Impairments } from "./impairments.ts";
import type { Direction, PortCounts, WireCommand } from "./wire_bridge.ts";

const BRIDGE = fileURLToPath(new URL("wire_bridge.ts", import.meta.url));
const decoder = new TextDecoder();

export class Wire implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  #said = "";
  #ports = 0;
  #lastAnswer: Promise<unknown> = Promise.resolve();

  /** @param via prefix of a command that runs where the devices are made */
  constructor(via: readonly string[], seed: number) {
    // What it carries waits for it, however much else there is to do.
    const deno = ["nice", "-n", "-15", Deno.execPath(), "run", "--no-prompt", "-A", BRIDGE];
    const [command = "", ...args] = [...via, ...deno, `${seed}`];
    this.#child = new Deno.Command(command, { args, stdin: "piped", stdout: "piped" }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.getReader();
  }

  /** Makes a device there, at a port of this number. */
  async add(device: string): Promise<number> {
    await this.#ask({ kind: "add", device });
    return this.#ports++;
  }

  /** From now on, what a host sends or is sent fares like this; before, nothing happens to it. */
  async impair(port: number, direction: Direction, impairments: Impairments): Promise<void> {
    await this.#ask({ kind: "impair", port, direction, impairments });
  }

  /** What a host has sent and been given so far. */
  count(port: number): Promise<PortCounts> {
    return this.#ask({ kind: "count", port }) as Promise<PortCounts>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.#reader.cancel();
    await this.#child.status;
  }

  /** One command at a time, each with its answer. */
  #ask(command: WireCommand): Promise<unknown> {
    const answer = this.#lastAnswer.then(async () => {
      await this.#writer.write(new TextEncoder().encode(`${JSON.stringify(command)}\n`));
      return await this.#answer();
    });
    this.#lastAnswer = answer.catch(() => {});
    return answer;
  }

  async #answer(): Promise<unknown> {
    while (!this.#said.includes("\n")) {
      const { value } = await this.#reader.read();
      if (value === undefined) throw new Error("the wire has broken");
      this.#said += decoder.decode(value);
    }
    const at = this.#said.indexOf("\n");
    const line = this.#said.slice(0, at);
    this.#said = this.#said.slice(at + 1);
    return JSON.parse(line);
  }
}
