/** A peer of a TCP connection that is made from a host of a lab, by hand and with patience. */
import { fileURLToPath } from "node:url";
import { ByteQueue } from "../../lib/wire/byte_queue.ts";
import {
  encodeMessage,
  type JsonObject,
  parseMessage,
  takeMessage,
} from "../../lib/wire/session_json.ts";
import type { Host } from "./lab.ts";

const RELAY = fileURLToPath(new URL("tcp_relay.ts", import.meta.url));
const PATIENCE_MS = 20_000;

export class LabPeer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #queue = new ByteQueue();

  /** Whether it could connect shows when it is spoken with. */
  constructor(host: Host, address: string, port: number) {
    const deno = [Deno.execPath(), "run", "--no-prompt", "--allow-net", RELAY];
    const command = [...host.via, ...deno, address, String(port)];
    this.#child = new Deno.Command(command[0]!, {
      args: command.slice(1),
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.getReader();
  }

  /** What the other side answers to one message. */
  async ask(request: unknown): Promise<JsonObject> {
    await this.send(encodeMessage(request));
    for (;;) {
      const taken = takeMessage(this.#queue, Infinity);
      const message = taken?.kind === "message" ? parseMessage(taken.bytes) : undefined;
      if (message !== undefined) return message;
      if (!await this.#more()) throw new Error("the other side hung up, or was never there");
    }
  }

  async send(bytes: string | Uint8Array): Promise<void> {
    await this.#writer.write(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
  }

  /** Everything that comes until the other side ends the connection. */
  async rest(): Promise<string> {
    while (await this.#more());
    return new TextDecoder().decode(this.#queue.take(this.#queue.lengthBytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
    await this.#child.status;
    await this.#writer.abort().catch(() => {});
    await this.#reader.cancel();
  }

  async #more(): Promise<boolean> {
    const timer = setTimeout(() => this.#end(), PATIENCE_MS);
    const { value } = await this.#reader.read();
    clearTimeout(timer);
    if (value === undefined) return false;
    this.#queue.push(value);
    return true;
  }

  #end(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
}

/** What a GET of an address is answered with: the status and the text. */
export async function httpGet(
  host: Host,
  address: string,
  port: number,
  path: string,
): Promise<{ readonly status: number; readonly text: string }> {
  await using peer = new LabPeer(host, address, port);
  await peer.send(`GET ${path} HTTP/1.0\r\nHost: ${address}\r\n\r\n`);
  const [head = "", ...text] = (await peer.rest()).split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), text: text.join("\r\n\r\n") };
}
