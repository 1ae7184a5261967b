/**
 * The real command line as a child process, on loopback: its JSON events as they come, its exit code,
 * and what it said on stderr. Whatever is still running at the end of a test is ended by its id.
 */
import { join } from "@std/path/join";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../../cli.ts", import.meta.url));
/** What starts the command line, before its arguments. */
export const CLI_COMMAND: readonly string[] = [Deno.execPath(), "run", "--no-prompt", "-A", CLI];
const EVENT_TIMEOUT_MS = 60_000;

export const canRunProcesses = (await Promise.all(
  (["run", "net", "read", "write", "env"] as const).map((name) => Deno.permissions.query({ name })),
)).every((status) => status.state === "granted");

/** Deno's own cache, which must stay where it is while ours is moved: some hosts have no network. */
const DENO_CACHE = canRunProcesses ? { DENO_DIR: denoDir() } : {};

function denoDir(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "", ".cache");
  return Deno.env.get("DENO_DIR") ?? join(cache, "deno");
}

/** What every process of ours is told. */
export const CLI_ENV: Readonly<Record<string, string>> = {
  SHOAL_BROADCAST: "127.255.255.255",
  NO_COLOR: "1",
  ...DENO_CACHE,
};

/** One line of `--json`. */
export type JsonEvent = { readonly event: string } & Readonly<Record<string, unknown>>;

export interface ShoalOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Prefix of the command, such as `ip netns exec NAME`. */
  readonly via?: readonly string[];
  /** What is started instead of the source: a launcher, for one. */
  readonly program?: string;
  /** What the process may do, flags with a space between: `-A` by default. */
  readonly permissions?: string;
  /** Whether `--json` is appended; yes by default. */
  readonly json?: boolean;
  /** Whether standard input is the test's to write; by default there is none. */
  readonly hasInput?: boolean;
}

export class ShoalProcess implements AsyncDisposable {
  readonly events: JsonEvent[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #args: readonly string[];
  readonly #hasInput: boolean;
  #stdout = "";
  #stderr = "";
  #hasEnded = false;
  #changed = Promise.withResolvers<void>();
  readonly #ended: Promise<number>;

  constructor(args: readonly string[], options: ShoalOptions = {}) {
    this.#args = args;
    this.#hasInput = options.hasInput ?? false;
    const flags = options.json ?? true ? ["--json"] : [];
    const permissions = (options.permissions ?? "-A").split(" ");
    const deno = [Deno.execPath(), "run", "--no-prompt", ...permissions];
    const program = options.program === undefined ? [...deno, CLI] : [options.program];
    const command = [...options.via ?? [], ...program, ...args, ...flags];
    this.#child = new Deno.Command(command[0]!, {
      args: command.slice(1),
      env: { ...CLI_ENV, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdin: options.hasInput ? "piped" : "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#ended = this.#run();
  }

  /** Standard input, where there is one. */
  get input(): WritableStream<Uint8Array> {
    return this.#child.stdin;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The first event that `is`; fails when the process ends or a minute passes without it. */
  async event(is: (event: JsonEvent) => boolean): Promise<JsonEvent> {
    const deadline = Date.now() + EVENT_TIMEOUT_MS;
    for (let seen = 0;;) {
      for (; seen < this.events.length; seen++) {
        if (is(this.events[seen]!)) return this.events[seen]!;
      }
      if (this.#hasEnded) throw new Error(`ended without the event: ${this.description()}`);
      const timer = Promise.withResolvers<void>();
      const id = setTimeout(timer.resolve, Math.max(0, deadline - Date.now()));
      await Promise.race([this.#changed.promise, timer.promise]);
      clearTimeout(id);
      if (Date.now() >= deadline) throw new Error(`no such event: ${this.description()}`);
    }
  }

  /** When it next says something. */
  change(): Promise<void> {
    return this.#changed.promise;
  }

  /** The exit code. */
  exit(): Promise<number> {
    return this.#ended;
  }

  signal(signal: Deno.Signal): void {
    if (!this.#hasEnded) this.#child.kill(signal);
  }

  /** Everything about the process, for the message of a failed test. */
  description(): string {
    return `shoal ${this.#args.join(" ")}\n${this.#stdout.slice(-2_000)}\n${this.#stderr}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.#ended;
    if (this.#hasInput && !this.input.locked) await this.input.abort().catch(() => {});
  }

  async #run(): Promise<number> {
    const [status] = await Promise.all([
      this.#child.status,
      this.#read(this.#child.stdout, (text) => this.#onStdout(text)),
      this.#read(this.#child.stderr, (text) => this.#stderr += text),
    ]);
    this.#hasEnded = true;
    this.#notify();
    return status.code;
  }

  async #read(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) take(decoder.decode(bytes, { stream: true }));
  }

  #onStdout(text: string): void {
    const from = this.#stdout.lastIndexOf("\n") + 1;
    this.#stdout += text;
    const lines = this.#stdout.slice(from).split("\n");
    for (const line of lines.slice(0, -1)) {
      if (line.startsWith("{")) this.events.push(JSON.parse(line) as JsonEvent);
    }
    this.#notify();
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** Runs to the end. */
export async function runShoal(args: readonly string[], options: ShoalOptions = {}) {
  await using process = new ShoalProcess(args, options);
  const code = await process.exit();
  return { code, process, events: process.events, stderr: process.stderr, stdout: process.stdout };
}

/** A UDP port that nothing holds now, away from the ports that programs are given at random. */
export function freePort(): number {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 12_000 + crypto.getRandomValues(new Uint16Array(1))[0]! % 18_000;
    try {
      Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error("no free port");
}

/** A folder for one test: what is served, what is fetched, and an index of its own. */
export class Scratch implements AsyncDisposable {
  readonly root: string;
  readonly served: string;
  readonly out: string;
  readonly cache: string;

  private constructor(root: string) {
    this.root = root;
    this.served = join(root, "served");
    this.out = join(root, "out");
    this.cache = join(root, "cache");
  }

  static async make(): Promise<Scratch> {
    const scratch = new Scratch(await Deno.makeTempDir({ prefix: "shoal-test-" }));
    for (const folder of [scratch.served, scratch.out, scratch.cache]) await Deno.mkdir(folder);
    return scratch;
  }

  /** Writes a file that counts as settled: its mtime is well in the past. */
  async serve(name: string, bytes: Uint8Array, folder = this.served): Promise<void> {
    const path = join(folder, name);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeFile(path, bytes);
    const past = new Date(Date.now() - 60_000);
    await Deno.utime(path, past, past);
  }

  read(name: string): Promise<Uint8Array> {
    return Deno.readFile(join(this.out, name));
  }

  /** The environment that keeps a server's index inside this folder. */
  get env(): Record<string, string> {
    return { XDG_CACHE_HOME: this.cache };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

/** A server on loopback that answers by the time this resolves. */
export async function startServer(
  scratch: Scratch,
  port: number,
  args: readonly string[] = [],
  folder = scratch.served,
): Promise<ShoalProcess> {
  const server = new ShoalProcess(["server", folder, "--port", String(port), ...args], {
    env: scratch.env,
  });
  await server.event((event) => event.event === "ready");
  return server;
}
