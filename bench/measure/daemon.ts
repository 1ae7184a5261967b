/** A program that runs from before the first round until after the last: a server, mostly. */
import type { Host } from "../lab/bed.ts";
import { cpuSeconds, killTree, listens, treeOf } from "./proc.ts";

const READY_TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 20;
const KEPT_CHARS = 4000;

export interface DaemonOptions {
  readonly host: Host;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** How it shows that it can be used. */
  readonly ready:
    | { readonly tcp: number }
    | { readonly udp: number }
    | Watch;
}

/** Follows what a program prints, and knows when that is enough. */
export interface Watch {
  hear(line: string): void;
  isReady(): boolean;
}

export class Daemon implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #argv: readonly string[];
  readonly #ended: Promise<unknown>;
  #hasEnded = false;
  #said = "";

  private constructor(options: DaemonOptions) {
    const { host, argv, env = {}, cwd } = options;
    this.#argv = argv;
    const command = [...host.via, ...argv];
    this.#child = new Deno.Command(command[0]!, {
      args: command.slice(1),
      env: { ...host.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { ready } = options;
    const onLine = "hear" in ready ? (line: string) => ready.hear(line) : () => {};
    const ended = this.#child.status.then(() => this.#hasEnded = true);
    this.#ended = Promise.all([
      ended,
      this.#read(this.#child.stdout, onLine),
      this.#read(this.#child.stderr, onLine),
    ]);
  }

  /** Starts it and waits until it can be used. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const daemon = new Daemon(options);
    const { ready } = options;
    const isReady = () => {
      if ("tcp" in ready) return listens(daemon.pid, "tcp", ready.tcp);
      return "udp" in ready ? listens(daemon.pid, "udp", ready.udp) : ready.isReady();
    };
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (!isReady()) {
      if (daemon.#hasEnded || performance.now() > deadline) {
        await daemon[Symbol.asyncDispose]();
        throw new Error(`${options.argv[0]} did not start: ${daemon.#said.trim().slice(-300)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    }
    return daemon;
  }

  get pid(): number {
    return this.#child.pid;
  }

  get pids(): number[] {
    return this.#hasEnded ? [] : treeOf(this.pid);
  }

  /** Since it was started. */
  cpuSeconds(): number {
    return this.pids.map(cpuSeconds).reduce((sum, each) => sum + each, 0);
  }

  /** For messages: the program and the last it said. */
  toString(): string {
    return `${this.#argv.join(" ")}: ${this.#said.trim()}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) killTree(this.pid);
    await this.#ended;
  }

  async #read(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    onLine: (line: string) => void,
  ): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#said = (this.#said + text).slice(-KEPT_CHARS);
      const lines = (rest + text).split("\n");
      rest = lines.pop()!.slice(-KEPT_CHARS);
      lines.forEach(onLine);
    }
  }
}
