/** Shoal itself, started as the tasks of deno.json start it. Its clock is the wall, start-up included. */
import { join } from "@std/path/join";
import type { Bed, Host } from "../lab/bed.ts";
import { Daemon, type Watch } from "../measure/daemon.ts";
import type { OwnSpan } from "../measure/run.ts";
import type { Job, Session, Tool } from "./tool.ts";

export const ROOT = new URL("../../", import.meta.url).pathname;

/** What was to be said is said by then. */
const SILENCE_MS = 500;

interface DoneEvent {
  readonly event: "done";
  readonly seconds: number;
}

type Env = Readonly<Record<string, string>>;

const UNTUNED: Env = { SHOAL_TUNE: "off" };

interface Variant {
  readonly env?: Env;
  /** Options of `get`. */
  readonly options?: readonly string[];
  /** Whether both sides have a secret. */
  readonly isSealed?: true;
}

/** Any: what it is makes no difference to how long anything takes. */
const SECRET = "spell youth prepare index addict render pride reason license cube dune horn";

const VARIANTS: ReadonlyMap<string, Variant> = new Map([
  ["shoal get", {}],
  ["shoal get, SHOAL_TUNE=off", { env: UNTUNED }],
  ["shoal get --no-pack", { options: ["--no-pack"] }],
  ["shoal get, sealed", { isSealed: true }],
  ["shoal get, sealed, SHOAL_TUNE=off", { isSealed: true, env: UNTUNED }],
]);

export const shoal: Tool = shoalTool("shoal get");
export const shoalUntuned: Tool = shoalTool("shoal get, SHOAL_TUNE=off");
export const shoalUnpacked: Tool = shoalTool("shoal get --no-pack");
export const shoalSealed: Tool = shoalTool("shoal get, sealed");
export const shoalSealedUntuned: Tool = shoalTool("shoal get, sealed, SHOAL_TUNE=off");

/** A command line that a task of a checkout's deno.json stands for, up to the arguments. */
export function taskArgv(task: "server" | "get" | "master", root = ROOT): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(join(root, "deno.json"))) as Project;
  // What the task tells of itself first is no part of the command.
  const line = tasks[task]!.replace(/^\w+='[^']*' /, "");
  return line.split(" ").map((word) => {
    if (word === "deno") return Deno.execPath();
    return word === "cli.ts" ? join(root, word) : word;
  });
}

interface Project {
  readonly tasks: Readonly<Record<string, string>>;
}

/** The same tool from another checkout; `undefined` for a tool that is not Shoal. */
export function shoalFrom(root: string, tool: Tool): Tool | undefined {
  return VARIANTS.has(tool.name) ? shoalTool(tool.name, root) : undefined;
}

/**
 * Follows `server --json` until all is hashed. If something is left when it is ready, it says so at
 * once; if it says nothing, nothing is left.
 */
export class IndexWatch implements Watch {
  readyMs: number | undefined;
  /** When the last file was hashed; `readyMs` if it was by then. */
  indexedMs: number | undefined;
  #isHashing = false;

  hear(line: string): void {
    const nowMs = performance.now();
    if (line.includes('"event":"ready"')) this.readyMs = nowMs;
    if (!line.includes('"event":"indexing"')) return;
    this.#isHashing = (JSON.parse(line) as { filesLeft: number }).filesLeft > 0;
    if (!this.#isHashing) this.indexedMs = nowMs;
  }

  isReady(): boolean {
    if (this.readyMs === undefined || this.#isHashing) return false;
    if (this.indexedMs !== undefined) return true;
    if (performance.now() < this.readyMs + SILENCE_MS) return false;
    this.indexedMs = this.readyMs;
    return true;
  }
}

function shoalTool(variant: string, root = ROOT): Tool {
  return {
    name: root === ROOT ? variant : `${variant} of ${root}`,
    usesTcp: false,
    leavesCopies: true,
    worksOnLoopback: true,
    missing: () => Promise.resolve(undefined),
    open: (job) => open(job, VARIANTS.get(variant)!, root),
  };
}

async function open(
  job: Job,
  { env: given = {}, options = [], isSealed }: Variant,
  root: string,
): Promise<Session> {
  const { bed, servers, dir, names, workDir } = job;
  const env = isSealed ? { ...given, ...await sealedBy(workDir) } : given;
  const port = String(bed.port());
  await using starting = new AsyncDisposableStack();
  const daemons: Daemon[] = [];
  const known = bed.router === undefined ? [] : await masterOn(bed, servers[0]!, root, starting);
  // One after the other: hashing at the same time, they would not be ready sooner.
  for (const [index, host] of servers.entries()) {
    const daemon = await Daemon.start({
      host,
      argv: [...taskArgv("server", root), dir, "--port", port, ...known, "--json"],
      env: { ...env, XDG_CACHE_HOME: join(workDir, `cache-${index}`) },
      cwd: root,
      ready: new IndexWatch(),
    });
    daemons.push(starting.use(daemon));
  }
  const daemonsToEnd = starting.move();
  return {
    daemons: daemons.map((daemon) => ({ side: "server", daemon })),
    async fetch(run) {
      const argv = [
        ...taskArgv("get", root),
        ...names,
        ...options,
        ...known,
        "--port",
        port,
        "--out",
        run.outDir,
        "--json",
      ];
      const span = new Span();
      await run.exec("client", run.client, argv, {
        // What earlier runs have left is not known, but for those into the same folder.
        env: { ...env, XDG_CACHE_HOME: `${run.outDir}.cache` },
        onLine: (line, atMs) => span.hear(line, atMs),
      });
      run.own = span.own;
    },
    [Symbol.asyncDispose]: () => daemonsToEnd.disposeAsync(),
  };
}

/** Across a router, a master tells of servers; returns what everybody needs to know of it. */
async function masterOn(
  bed: Bed,
  host: Host,
  root: string,
  starting: AsyncDisposableStack,
): Promise<readonly string[]> {
  const port = bed.port();
  const argv = [...taskArgv("master", root), "--port", String(port), "--store", "memory"];
  starting.use(await Daemon.start({ host, argv, cwd: root, ready: { tcp: port } }));
  return ["--master", `${host.address}:${port}`];
}

/** What has both sides seal all that they say. */
async function sealedBy(workDir: string): Promise<Env> {
  const path = join(workDir, "secret");
  await Deno.writeTextFile(path, SECRET, { mode: 0o600 });
  return { SHOAL_SECRET_FILE: path };
}

/** From the first FIND to the last rename, whatever the number of files. */
class Span {
  #startMs = Infinity;
  #endMs = -Infinity;

  hear(line: string, atMs: number): void {
    if (!line.includes('"event":"done"')) return;
    const { seconds } = JSON.parse(line) as DoneEvent;
    this.#startMs = Math.min(this.#startMs, atMs - seconds * 1000);
    this.#endMs = Math.max(this.#endMs, atMs);
  }

  get own(): OwnSpan | undefined {
    const [startMs, endMs] = [this.#startMs, this.#endMs];
    return endMs < startMs ? undefined : { startMs, endMs };
  }
}
