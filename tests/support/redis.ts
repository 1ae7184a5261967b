/**
 * A Redis of a test's own: on a free port of loopback or of a host in a lab, keeping nothing, gone at
 * the end of the test.
 */
import type { Host } from "./lab.ts";
import { LabPeer } from "./lab_peer.ts";

const READY_MS_MAX = 10_000;

export const hasRedisServer = await canStartRedis();

async function canStartRedis(): Promise<boolean> {
  for (const name of ["run", "net", "read", "write"] as const) {
    if ((await Deno.permissions.query({ name })).state !== "granted") return false;
  }
  try {
    const command = new Deno.Command("redis-server", {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    });
    return (await command.output()).success;
  } catch {
    return false;
  }
}

export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #options: readonly string[];
  readonly #host: Host | undefined;
  #child: Deno.ChildProcess | undefined;

  private constructor(port: number, folder: string, options: readonly string[], host?: Host) {
    this.port = port;
    this.#folder = folder;
    this.#options = options;
    this.#host = host;
  }

  /**
   * @param options as `redis-server` takes them, such as `--requirepass` and a password
   * @param host of a lab, where it listens on the first address
   */
  static async start(options: readonly string[] = [], host?: Host): Promise<RedisServer> {
    const folder = await Deno.makeTempDir({ prefix: "shoal-redis-" });
    const server = new RedisServer(freePort(), folder, options, host);
    try {
      await server.restart();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  get url(): string {
    return `redis://${this.#address}:${this.port}`;
  }

  get #address(): string {
    return this.#host?.addresses[0] ?? "127.0.0.1";
  }

  /** Starts it on the port that it had, empty. */
  async restart(): Promise<void> {
    const command = [...this.#host?.via ?? [], "redis-server"];
    this.#child = new Deno.Command(command[0]!, {
      args: [
        ...command.slice(1),
        ...["--port", String(this.port), "--bind", this.#address, "--dir", this.#folder],
        ...["--save", "", "--appendonly", "no", "--loglevel", "warning"],
        ...this.#options,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const deadlineMs = Date.now() + READY_MS_MAX;
    while (!await this.#answers()) {
      if (Date.now() > deadlineMs) throw new Error("redis-server does not start");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    child.kill("SIGKILL");
    await child.status;
  }

  /** Makes it fall silent without closing anything, as an unplugged cable would. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  /** What it replies to one command, as text that is not taken apart. */
  async ask(command: string): Promise<string> {
    if (this.#host !== undefined) {
      await using peer = new LabPeer(this.#host, this.#address, this.port);
      await peer.send(`${command}\r\nQUIT\r\n`);
      return await peer.rest();
    }
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    await connection.write(new TextEncoder().encode(`${command}\r\nQUIT\r\n`));
    let reply = "";
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(64 * 1024);
    for (let size = await connection.read(buffer); size !== null;) {
      reply += decoder.decode(buffer.subarray(0, size), { stream: true });
      size = await connection.read(buffer);
    }
    return reply;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }

  async #answers(): Promise<boolean> {
    try {
      return /^(\+PONG|-NOAUTH)/.test(await this.ask("PING"));
    } catch {
      return false;
    }
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
