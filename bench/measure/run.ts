/**
 * One transfer, as it is measured: the programs that make it, on which side each stands, their
 * processor time and the most memory they held. A run ends at its bound, and nothing outlives it.
 */
import { join } from "@std/path/join";
import type { Host } from "../lab/bed.ts";
import type { Daemon } from "./daemon.ts";
import type { CrowdSample } from "./crowd.ts";
import { killTree, memoryOf, treeOf } from "./proc.ts";

const SAMPLE_INTERVAL_MS = 25;
const RESIDENT_INTERVAL_MS = 1000;
/** A server that works on behalf of a child may wait for it a moment after the client has ended. */
const REAP_MS = 60;
const KEPT_CHARS = 4000;
/** A shell measures its children to the microsecond, /proc only to the tick. */
const TIMED = '"$@"; code=$?; times >"$0"; exit $code';

export const SIDES = ["client", "server"] as const;
export type Side = typeof SIDES[number];

export interface SideUsage {
  readonly cpuSeconds: number;
  /** Sum over the side's processes of VmHWM. */
  readonly peakBytes: number;
  /** Sum of VmRSS, once a second. */
  readonly residentBytes: readonly number[];
}

export interface Sample {
  /** Of the whole, from the start of its first program to the end of its last. */
  readonly seconds: number;
  /** What the tool itself says the transfer took, where it does. */
  readonly ownSeconds: number | undefined;
  readonly client: SideUsage;
  readonly server: SideUsage;
  /** Where many fetched at once. */
  readonly crowd?: CrowdSample;
}

/** What a tool itself says of a transfer, by the clock of `performance.now()`. */
export interface OwnSpan {
  readonly startMs: number;
  readonly endMs: number;
}

export interface SidedDaemon {
  readonly side: Side;
  readonly daemon: Daemon;
}

export interface ExecOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string, atMs: number) => void;
}

export class TimedOut extends Error {}

interface Going {
  readonly side: Side;
  readonly pid: number;
}

/** What all takers of a run have in common. */
class Ledger {
  readonly going = new Set<Going>();
  readonly ended: Promise<unknown>[] = [];
  readonly cpuSeconds: Record<Side, number> = { client: 0, server: 0 };
  commandCount = 0;
}

export class Run {
  /** Where the files are to be. */
  readonly outDir: string;
  /** Who fetches them. */
  readonly client: Host;
  /** Told by the tool, if it knows. */
  own: OwnSpan | undefined;
  readonly #signal: AbortSignal;
  readonly #ledger: Ledger;

  private constructor(outDir: string, client: Host, signal: AbortSignal, ledger = new Ledger()) {
    this.outDir = outDir;
    this.client = client;
    this.#signal = signal;
    this.#ledger = ledger;
  }

  /** Runs and measures `work`; throws TimedOut, or what `work` throws. */
  static async measure(
    options: {
      readonly outDir: string;
      readonly client: Host;
      readonly boundMs: number;
      readonly daemons: readonly SidedDaemon[];
      readonly signal: AbortSignal;
    },
    work: (run: Run) => Promise<void>,
  ): Promise<Sample> {
    const bound = AbortSignal.timeout(options.boundMs);
    const run = new Run(options.outDir, options.client, AbortSignal.any([bound, options.signal]));
    const usedBefore = options.daemons.map(({ daemon }) => daemon.cpuSeconds());
    const memory = new MemoryWatch(() => run.#pidsBySide(options.daemons));
    const startMs = performance.now();
    try {
      await work(run);
    } catch (error) {
      options.signal.throwIfAborted();
      if (bound.aborted) throw new TimedOut(`more than ${options.boundMs / 1000} s`);
      throw error;
    } finally {
      memory.stop();
      await run.#endAll();
    }
    const seconds = (performance.now() - startMs) / 1000;
    await new Promise((resolve) => setTimeout(resolve, REAP_MS));
    options.daemons.forEach(({ side, daemon }, index) => {
      run.#ledger.cpuSeconds[side] += daemon.cpuSeconds() - usedBefore[index]!;
    });
    const usage = (side: Side): SideUsage => ({
      cpuSeconds: run.#ledger.cpuSeconds[side],
      ...memory.of(side),
    });
    return {
      seconds,
      ownSeconds: run.own && (run.own.endMs - run.own.startMs) / 1000,
      client: usage("client"),
      server: usage("server"),
    };
  }

  /**
   * One of many who fetch the same in this run, into a folder of its own. When `killed` aborts, its programs are killed,
   * and what they were doing throws the reason.
   */
  taker(outDir: string, client: Host, killed: AbortSignal): Run {
    return new Run(outDir, client, AbortSignal.any([this.#signal, killed]), this.#ledger);
  }

  /** Runs a program of the transfer to its end; throws when it fails. */
  async exec(
    side: Side,
    host: Host,
    argv: readonly string[],
    options: ExecOptions = {},
  ): Promise<void> {
    this.#signal.throwIfAborted();
    const timesPath = join(this.outDir, "..", `times-${side}-${this.#ledger.commandCount++}`);
    const command = [...host.via, "sh", "-c", TIMED, timesPath, ...argv];
    const child = new Deno.Command(command[0]!, {
      args: command.slice(1),
      env: { ...host.env, ...options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const going = { side, pid: child.pid };
    this.#ledger.going.add(going);
    const kill = () => killTree(child.pid);
    this.#signal.addEventListener("abort", kill, { once: true });
    const said = readAll(child, options.onLine ?? (() => {}));
    this.#ledger.ended.push(said);
    const status = await child.status;
    this.#ledger.going.delete(going);
    this.#signal.removeEventListener("abort", kill);
    const text = await said;
    this.#signal.throwIfAborted();
    if (!status.success) {
      throw new Error(`${argv[0]} ended with ${status.code}: ${text.trim().slice(-300)}`);
    }
    this.#ledger.cpuSeconds[side] += await childrenSeconds(timesPath);
  }

  #pidsBySide(daemons: readonly SidedDaemon[]): Record<Side, number[]> {
    const pids: Record<Side, number[]> = { client: [], server: [] };
    // The shell that measures is not part of the tool.
    for (const { side, pid } of this.#ledger.going) pids[side].push(...treeOf(pid).slice(1));
    for (const { side, daemon } of daemons) pids[side].push(...daemon.pids);
    return pids;
  }

  /** What is left when another program of the same run has failed. */
  async #endAll(): Promise<void> {
    for (const { pid } of this.#ledger.going) killTree(pid);
    await Promise.allSettled(this.#ledger.ended);
  }
}

class MemoryWatch {
  readonly #peakBytes: Record<Side, number> = { client: 0, server: 0 };
  readonly #residentBytes: Record<Side, number[]> = { client: [], server: [] };
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #pids: () => Record<Side, number[]>;
  readonly #startMs = performance.now();

  constructor(pids: () => Record<Side, number[]>) {
    this.#pids = pids;
    this.#timer = setInterval(() => this.#look(), SAMPLE_INTERVAL_MS);
  }

  of(side: Side): Omit<SideUsage, "cpuSeconds"> {
    return { peakBytes: this.#peakBytes[side], residentBytes: this.#residentBytes[side] };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#look();
  }

  #look(): void {
    const pids = this.#pids();
    const elapsedMs = performance.now() - this.#startMs;
    for (const side of SIDES) {
      const memory = memoryOf(pids[side]);
      this.#peakBytes[side] = Math.max(this.#peakBytes[side], memory.peakBytes);
      const series = this.#residentBytes[side];
      const isDue = elapsedMs >= (series.length + 1) * RESIDENT_INTERVAL_MS;
      if (isDue && memory.residentBytes > 0) series.push(memory.residentBytes);
    }
  }
}

/** The last that a program said; a program that cannot write waits, so everything is read. */
async function readAll(
  child: Deno.ChildProcess,
  onLine: (line: string, atMs: number) => void,
): Promise<string> {
  let said = "";
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>, isOutput: boolean) => {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      said = (said + text).slice(-KEPT_CHARS);
      if (!isOutput) continue;
      const atMs = performance.now();
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) onLine(line, atMs);
    }
  };
  await Promise.all([read(child.stdout, true), read(child.stderr, false)]);
  return said;
}

/** The second line of what a shell's `times` printed: user and system time of its children. */
async function childrenSeconds(path: string): Promise<number> {
  const line = (await Deno.readTextFile(path)).split("\n")[1] ?? "";
  await Deno.remove(path);
  return [...line.matchAll(/(\d+)m([\d.]+)s/g)]
    .reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}
