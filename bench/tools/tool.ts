/** What the bench asks of everything that it measures. */
import type { Bed, Host } from "../lab/bed.ts";
import { pathOf } from "../lab/command.ts";
import type { Run, SidedDaemon } from "../measure/run.ts";

/** What is to be moved, and where. */
export interface Job {
  readonly bed: Bed;
  /** Those of the bed that take part. */
  readonly servers: readonly Host[];
  /** Folder that is served. */
  readonly dir: string;
  /** Of the files in it, those to fetch. */
  readonly names: readonly string[];
  readonly sizeBytes: number;
  /** What the slowest link carries; `undefined` when nothing is shaped. */
  readonly lineMbit: number | undefined;
  /** A folder for the tool alone, kept until its session ends. */
  readonly workDir: string;
  readonly signal: AbortSignal;
}

/** A tool that stands ready: what serves is running, what can be known beforehand is known. */
export interface Session extends AsyncDisposable {
  /** Those whose processor time and memory count. */
  readonly daemons: readonly SidedDaemon[];
  /** A setting that a reader should know, because it was found out by trying. */
  readonly note?: string;
  /** Moves the files to `run.client`, into `run.outDir`, and checks them as the tool, or its user, would. */
  fetch(run: Run): Promise<void>;
  /** The same for many at once, where the tool sends to all of them together; otherwise each of them fetches. */
  sendToAll?(run: Run, takers: readonly Run[]): Promise<void>;
}

export interface Tool {
  /** As the tables call it. */
  readonly name: string;
  /** Its results say which congestion control they were made with. */
  readonly usesTcp: boolean;
  /** Whether it leaves copies of the files, which are compared afterwards. */
  readonly leavesCopies: boolean;
  /** Whether it works where everything has one address. */
  readonly worksOnLoopback: boolean;
  /** What is not installed of what it needs. */
  missing(): Promise<string | undefined>;
  open(job: Job): Promise<Session>;
}

/** The first of several programs that is not installed. */
export async function missingOf(...programs: string[]): Promise<string | undefined> {
  for (const program of programs) {
    if (await pathOf(program) === undefined) return program;
  }
  return undefined;
}

/** Where an installed program is. */
export async function installed(program: string): Promise<string> {
  const path = await pathOf(program);
  if (path === undefined) throw new Error(`${program} is not installed`);
  return path;
}
