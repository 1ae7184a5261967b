/** Many who fetch the same at once: each on a host of its own, some later than others, some killed on the way. */
import { join } from "@std/path/join";
import { sentBytes } from "../lab/counters.ts";
import type { Bed } from "../lab/bed.ts";
import type { Session } from "../tools/tool.ts";
import type { OwnSpan, Run } from "./run.ts";

export interface TakerPlan {
  /** Number of its host among the clients of the bed. */
  readonly client: number;
  /** After the first of all. */
  readonly startsS: number;
  /** After its own start; it fetches to the end by default. */
  readonly killedAfterS?: number;
  /** Whether its time is among those that are told. */
  readonly isTold: boolean;
}

export interface CrowdSample {
  /** Of those who are told, from the first start to the last end: by own clocks where there are any. */
  readonly spanSeconds: number;
  /** What each of those took. */
  readonly takerSeconds: readonly number[];
  /** By the first server, headers included. */
  readonly sentBytes: number;
  /** By the router into the second subnet; 0 where there is none. */
  readonly crossedBytes: number;
}

class Killed extends Error {}

/** So many at the same moment. */
export function atOnce(count: number): TakerPlan[] {
  return Array.from({ length: count }, (_, client) => ({ client, startsS: 0, isTold: true }));
}

/** Where one of them puts what it fetches. */
export function takerDir(outDir: string, index: number): string {
  return join(outDir, `taker-${index}`);
}

/** Resolves when all have what they wanted, or were killed; rejects as soon as one fails. */
export async function fetchAll(
  bed: Bed,
  session: Session,
  run: Run,
  plans: readonly TakerPlan[],
): Promise<CrowdSample> {
  const counted = [bed.servers[0], bed.router].filter((host) => host !== undefined);
  const before = await Promise.all(counted.map(sentBytes));
  const takers = await Promise.all(plans.map(async ({ client }, index) => {
    const killing = new AbortController();
    const outDir = takerDir(run.outDir, index);
    await Deno.mkdir(outDir);
    return { killing, run: run.taker(outDir, bed.clients[client]!, killing.signal) };
  }));
  const { sendToAll } = session;
  const spans = sendToAll === undefined
    ? await Promise.all(
      takers.map(({ run, killing }, index) => fetchOne(session, run, killing, plans[index]!)),
    )
    : await sentToAll(() => sendToAll(run, takers.map(({ run }) => run)), takers.length);
  const after = await Promise.all(counted.map(sentBytes));
  const told = spans.filter((span, index) => span !== undefined && plans[index]!.isTold);
  const [firstMs, lastMs] = [
    Math.min(...told.map((span) => span!.startMs)),
    Math.max(...told.map((span) => span!.endMs)),
  ];
  const [sent = 0, crossed = 0] = after.map((bytes, index) => bytes - before[index]!);
  return {
    spanSeconds: (lastMs - firstMs) / 1000,
    takerSeconds: told.map((span) => (span!.endMs - span!.startMs) / 1000),
    sentBytes: sent,
    crossedBytes: crossed,
  };
}

/** From when to when it fetched; `undefined` if it was killed. */
async function fetchOne(
  session: Session,
  run: Run,
  killing: AbortController,
  { startsS, killedAfterS }: TakerPlan,
): Promise<OwnSpan | undefined> {
  await pass(startsS * 1000);
  const startMs = performance.now();
  const timer = killedAfterS === undefined
    ? undefined
    : setTimeout(() => killing.abort(new Killed()), killedAfterS * 1000);
  try {
    await session.fetch(run);
    return run.own ?? { startMs, endMs: performance.now() };
  } catch (error) {
    if (killing.signal.aborted && error === killing.signal.reason) return undefined;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function sentToAll(send: () => Promise<void>, count: number): Promise<OwnSpan[]> {
  const startMs = performance.now();
  await send();
  const span = { startMs, endMs: performance.now() };
  return Array.from({ length: count }, () => span);
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
