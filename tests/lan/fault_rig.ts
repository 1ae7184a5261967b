/**
 * What the tests of faults have in common: programs on hosts of a lab with folders of their own, and
 * ends that must come in time.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { fileURLToPath } from "node:url";
import { Buffer } from "node:buffer";
import { assertSameBytes } from "../support/bytes.ts";
import type { Host, Ipv6 } from "../support/lab.ts";
import { labObstacle } from "../support/lab.ts";
import { addressIn, Site } from "../support/master_lab.ts";
import type { JsonEvent, ShoalProcess } from "../support/shoal_process.ts";

export const MIB = 1024 * 1024;
/** What no program of these tests may take, whatever happens to it. */
const END_MS_MAX = 60_000;

const builtInObstacle = await labObstacle();

/** A test on a site of its own; skipped, with the reason, where no network can be built. */
export function lan(
  name: string,
  fn: (site: Site) => Promise<void>,
  obstacle = builtInObstacle,
  ipv6: Ipv6 = "beside",
): void {
  const reason = obstacle === undefined ? "" : ` [skipped: ${obstacle}]`;
  Deno.test({
    name: `lan: ${name}${reason}`,
    ignore: obstacle !== undefined,
    async fn() {
      await using site = await Site.build(ipv6);
      await fn(site);
    },
  });
}

/** A `get` into a folder of its own below the site's. */
export class Fetch {
  readonly process: ShoalProcess;
  readonly out: string;

  constructor(site: Site, host: Host, out: string, ...args: string[]) {
    this.out = join(site.scratch.root, "out", out);
    this.process = site.start(host, ["get", ...args, "--out", this.out]);
  }

  get events(): readonly JsonEvent[] {
    return this.process.events;
  }

  /** The exit code; fails when there is none in time. */
  exit(withinMs = END_MS_MAX): Promise<number> {
    return endOf(this.process, withinMs);
  }

  /** It ends with exit code 0 and with exactly these files. */
  async brings(files: Readonly<Record<string, Uint8Array>>): Promise<void> {
    assertEquals(await this.exit(), 0, this.process.description());
    for (const [name, bytes] of Object.entries(files)) {
      const come = await Deno.readFile(join(this.out, name));
      // Tells where they differ, and takes much longer to see that they do not.
      if (!equals(come, bytes)) assertSameBytes(come, bytes, name);
    }
    assertEquals(namesIn(this.out), Object.keys(files).sort());
  }

  /** Resolves when so much of a file has come. */
  async has(bytes: number): Promise<void> {
    await this.process.event((event) =>
      event.event === "done" || (event.event === "progress" && Number(event["bytes"]) >= bytes)
    );
    assert(!this.isOver, `over before it was wanted to be: ${this.process.description()}`);
  }

  /** Whether it has said how it ends. */
  get isOver(): boolean {
    return this.events.some(({ event }) => event === "done" || event === "failed");
  }

  /** What it has said last of what it has. */
  get lastBytes(): number {
    return Number(this.events.findLast(({ event }) => event === "progress")?.["bytes"] ?? 0);
  }

  get done(): JsonEvent | undefined {
    return this.events.find(({ event }) => event === "done");
  }

  /** Everything that it has told a person, and the codes of what failed. */
  get said(): string {
    const told = this.events.filter(({ event }) => event === "notice" || event === "failed");
    return told.map(({ message, code, hint }) => `${code ?? ""} ${message} ${hint ?? ""}`)
      .concat(this.process.stderr).join("\n");
  }

  /** Addresses of servers that were in this state. */
  serversThatWere(state: string): string[] {
    const told = this.events.filter((event) =>
      event.event === "server" && event["state"] === state
    );
    return [...new Set(told.map(({ server }) => addressIn(server)))].sort();
  }
}

/** From now on nothing that this host sends by TCP arrives: what comes to it comes over UDP, however busy the machine is. */
export async function blockTcp(host: Host): Promise<void> {
  await host.run("nft", "add table inet t");
  await host.run("nft", "add chain inet t out { type filter hook output priority 0; }");
  await host.run("nft", "add rule inet t out meta l4proto tcp drop");
}

/** A program of these tests' own on a host: one of the scripts beside this file. */
export class Script implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  #said = "";
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended: Promise<void>;

  private constructor(host: Host, name: string, args: readonly string[]) {
    const path = fileURLToPath(new URL(name, import.meta.url));
    const program = path.endsWith(".py") ? ["python3", path] : [Deno.execPath(), "run", "-A", path];
    const [command = "", ...rest] = [...host.via, ...program, ...args];
    this.#child = new Deno.Command(command, { args: rest, stdin: "null", stdout: "piped" }).spawn();
    this.#ended = this.#listen();
  }

  /** Runs it until the site ends; resolves when it says that it is ready. */
  static async start(site: Site, host: Host, name: string, ...args: string[]): Promise<Script> {
    const script = site.use(new Script(host, name, args));
    await script.#ready.promise;
    return script;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It ended by itself.
    }
    await this.#ended;
  }

  async #listen(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of this.#child.stdout) {
      this.#said += decoder.decode(bytes);
      if (this.#said.startsWith("ready")) this.#ready.resolve();
    }
    await this.#child.status;
    this.#ready.reject(new Error("it ended before it was ready"));
  }
}

/** The exit code; fails when there is none in time. */
export async function endOf(process: ShoalProcess, withinMs = END_MS_MAX): Promise<number> {
  const late = Promise.withResolvers<never>();
  const say = (): void => late.reject(new Error(`does not end: ${process.description()}`));
  const timer = setTimeout(say, withinMs);
  try {
    return await Promise.race([process.exit(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function equals(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** What is directly in a folder; nothing where there is no folder. */
export function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** A moment that was drawn: a fault comes when it comes, and not upon a condition. */
export function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Runs as many bodies at a time, each on a subnet of its own; resolves with what they return. */
export function inLanes<T>(count: number, body: (lane: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, lane) => body(lane)));
}
