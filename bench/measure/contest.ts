/** Tools in turns: each round, every tool moves the files once, so that a machine's drift hits all. */
import { join } from "@std/path/join";
import type { Bed } from "../lab/bed.ts";
import { compare } from "../lab/files.ts";
import type { Job, Session, Tool } from "../tools/tool.ts";
import { atOnce, type CrowdSample, fetchAll, takerDir, type TakerPlan } from "./crowd.ts";
import { Run, type Sample, TimedOut } from "./run.ts";

/** A tool that failed this often is not tried again. */
const FAILURES_MAX = 2;

export interface Entry {
  readonly tool: Tool;
  /** Asked for where the tool uses TCP. */
  readonly congestion: string;
  readonly serverCount: number;
}

/** How an entry did. */
export interface Standing {
  readonly entry: Entry;
  /** The congestion control it had; `undefined` where it uses no TCP. */
  readonly congestion: string | undefined;
  /** By round; `undefined` where it did not succeed. */
  readonly samples: readonly (Sample | undefined)[];
  readonly failures: readonly string[];
  /** The bound that it did not keep, in seconds. */
  readonly boundSeconds: number | undefined;
  readonly note: string | undefined;
}

export interface Contest {
  readonly bed: Bed;
  readonly entries: readonly Entry[];
  readonly job: Omit<Job, "bed" | "servers" | "workDir" | "signal">;
  /** Everything that is written goes below it. */
  readonly scratch: string;
  /** Where copies go; `scratch` by default. */
  readonly outBase?: string;
  /** Whether what is measured is the second time, when all is there already. */
  readonly isRepeated?: boolean;
  /** Many who fetch at once; one alone by default. One alone fetches before the first round, so that all is warm. */
  readonly takers?: readonly TakerPlan[];
  readonly runs: number;
  readonly boundMs: number;
  readonly signal: AbortSignal;
}

interface Contender {
  readonly entry: Entry;
  session: Session | undefined;
  congestion: string | undefined;
  readonly samples: (Sample | undefined)[];
  readonly failures: string[];
  boundSeconds: number | undefined;
}

export async function hold(contest: Contest): Promise<Standing[]> {
  await using sessions = new AsyncDisposableStack();
  const contenders: Contender[] = [];
  for (const entry of contest.entries) {
    contest.signal.throwIfAborted();
    const contender: Contender = {
      entry,
      session: undefined,
      congestion: undefined,
      samples: [],
      failures: [],
      boundSeconds: undefined,
    };
    contenders.push(contender);
    try {
      contender.session = sessions.use(await open(contest, entry, contenders));
    } catch (error) {
      contest.signal.throwIfAborted();
      contender.failures.push(messageOf(error));
    }
  }
  if (contest.takers !== undefined) {
    const warming = { ...contest, takers: atOnce(1) };
    for (const contender of contenders) await turn(warming, contender);
  }
  for (let round = 0; round < contest.runs; round++) {
    // In turns from either end: what the one before left behind (warm memory, a busy disk) then
    // helps and hurts all alike.
    const order = round % 2 === 0 ? contenders : contenders.toReversed();
    for (const contender of order) contender.samples.push(await turn(contest, contender));
  }
  return contenders.map(({ session, ...standing }) => ({ ...standing, note: session?.note }));
}

/** Rows of one tool that differ in congestion control only share what serves. */
async function open(
  contest: Contest,
  entry: Entry,
  before: readonly Contender[],
): Promise<Session> {
  const twin = before.find(({ entry: other, session }) =>
    session !== undefined && other.tool === entry.tool && other.serverCount === entry.serverCount
  );
  if (twin?.session !== undefined) {
    return { ...twin.session, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const { bed, job, scratch, signal } = contest;
  const workDir = join(scratch, `tool-${before.length}`);
  await Deno.mkdir(workDir);
  await bed.useCongestion(entry.congestion);
  const servers = bed.servers.slice(0, entry.serverCount);
  return await entry.tool.open({ ...job, bed, servers, workDir, signal });
}

async function turn(contest: Contest, contender: Contender): Promise<Sample | undefined> {
  const { bed, job, scratch, outBase = scratch, boundMs, signal } = contest;
  const { entry, session } = contender;
  const isOut = contender.boundSeconds !== undefined || contender.failures.length >= FAILURES_MAX;
  if (session === undefined || isOut) return undefined;
  const congestion = await bed.useCongestion(entry.congestion);
  if (entry.tool.usesTcp) contender.congestion = congestion;
  const outDir = await Deno.makeTempDir({ dir: outBase, prefix: "out-" });
  try {
    const { daemons } = session;
    const { takers } = contest;
    let crowd: CrowdSample | undefined;
    const work = async (run: Run): Promise<void> => {
      if (takers === undefined) await session.fetch(run);
      else crowd = await fetchAll(bed, session, run, takers);
    };
    const measure = (): Promise<Sample> =>
      Run.measure({ outDir, client: bed.client, boundMs, daemons, signal }, work);
    if (contest.isRepeated) await measure();
    const sample = await measure();
    if (entry.tool.leavesCopies) {
      for (const dir of copiesIn(outDir, takers)) await compare(job.dir, dir, job.names);
    }
    return crowd === undefined ? sample : { ...sample, crowd };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof TimedOut) contender.boundSeconds = boundMs / 1000;
    else contender.failures.push(messageOf(error));
    return undefined;
  } finally {
    await Deno.remove(outDir, { recursive: true });
  }
}

function copiesIn(outDir: string, takers: readonly TakerPlan[] | undefined): string[] {
  if (takers === undefined) return [outDir];
  return takers.flatMap(({ killedAfterS }, index) =>
    killedAfterS === undefined ? [takerDir(outDir, index)] : []
  );
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ");
}
