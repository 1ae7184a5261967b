/**
 * A master with a million files: how long it takes to learn them, to answer who has one, and to know them
 * again after it was killed. A thousand servers are one process with a thousand registrations, which hold
 * nothing but numbers; they share the machine with the master.
 */
import { join } from "@std/path/join";
import { pathOf } from "../lab/command.ts";
import { Daemon, type Watch } from "../measure/daemon.ts";
import { memoryOf } from "../measure/proc.ts";
import { Run } from "../measure/run.ts";
import { median, percentile } from "../measure/statistics.ts";
import { table } from "../report/table.ts";
import { ROOT, taskArgv } from "../tools/shoal.ts";
import type { Bed } from "../lab/bed.ts";
import { Folder, makeBed, MIB, networkText, type Scenario, type Setting } from "./scenario.ts";

const SERVERS = 1000;
const FILES = 1000;
const LOCATE_SECONDS = 10;
const WAIT_MS_MAX = 180_000;
const POLL_MS = 20;
const TOOLS = new URL("../tools/", import.meta.url).pathname;

interface Round {
  readonly registeringSeconds: number;
  readonly againSeconds: number;
  readonly peakBytes: number;
  /** Times of answers, in ms. */
  readonly busy: readonly number[];
  readonly calm: readonly number[];
}

export const master: Scenario = {
  name: "master",
  title: `a master, ${SERVERS} servers with ${FILES} files each`,
  needsNamespaces: false,
  async run(setting) {
    await using folder = await Folder.make(setting);
    const rows: string[][] = [];
    for (const store of ["sqlite", "memory", ...(await hasRedis() ? ["redis"] : [])]) {
      const rounds: Round[] = [];
      for (let i = 0; i < setting.runs; i++) rounds.push(await measure(setting, folder, store));
      rows.push(row(store, rounds));
    }
    return [{
      name: master.name,
      title: master.title,
      lines: [
        `${
          networkText(setting, true)
        }; rounds: ${setting.runs}. Registering is from the first connection until every`,
        `server has told everything; a client asks for one name after another meanwhile, and for ${LOCATE_SECONDS} s`,
        "afterwards. Then the master is killed and started again; the time is from its start until every server is",
        "registered as before. Medians; MiB is the most that the master held.",
        "",
        ...table(
          [
            ...["store", "registering s", "locate meanwhile p50 ms", "p99 ms"],
            ...["locate afterwards p50 ms", "p99 ms", "after a restart s", "master MiB"],
          ],
          rows,
        ),
        "",
        "Redis is a process of its own, whose memory is not counted.",
      ],
    }];
  },
};

async function hasRedis(): Promise<boolean> {
  return await pathOf("redis-server") !== undefined;
}

function row(store: string, rounds: readonly Round[]): string[] {
  const middle = (of: (round: Round) => number, digits: number): string =>
    median(rounds.map(of)).toFixed(digits);
  return [
    store,
    middle((round) => round.registeringSeconds, 1),
    middle((round) => median(round.busy), 2),
    middle((round) => percentile(round.busy, 99), 2),
    middle((round) => median(round.calm), 2),
    middle((round) => percentile(round.calm, 99), 2),
    middle((round) => round.againSeconds, 1),
    middle((round) => round.peakBytes / MIB, 0),
  ];
}

async function measure(setting: Setting, folder: Folder, store: string): Promise<Round> {
  await using bed = await makeBed(setting, { serverCount: 1, offloads: true });
  await using held = new AsyncDisposableStack();
  const room = await folder.room();
  const port = bed.port();
  const spec = store === "redis"
    ? await startRedis(bed, room, held)
    : store === "sqlite"
    ? `sqlite:${join(room, "registry.sqlite")}`
    : store;
  const first = await startMaster(bed, port, spec);
  let peakBytes = 0;
  const load = new LoadWatch();
  const startMs = Date.now();
  try {
    held.use(
      await Daemon.start({
        host: bed.client,
        argv: toolArgv("registry_load", bed, port),
        ready: load,
      }),
    );
    const busy = locate(setting, bed, room, port, load);
    await load.registered(1);
    const registeringSeconds = (load.registeredMs.at(-1)! - startMs) / 1000;
    const busyTimes = await busy;
    const calm = await locate(setting, bed, room, port);
    peakBytes = memoryOf(first.pids).peakBytes;
    await first[Symbol.asyncDispose]();
    const againMs = Date.now();
    await using second = await startMaster(bed, port, spec);
    await load.registered(2);
    peakBytes = Math.max(peakBytes, memoryOf(second.pids).peakBytes);
    const againSeconds = (load.registeredMs.at(-1)! - againMs) / 1000;
    return { registeringSeconds, againSeconds, peakBytes, busy: busyTimes, calm };
  } finally {
    await first[Symbol.asyncDispose]();
  }
}

async function startMaster(bed: Bed, port: number, store: string): Promise<Daemon> {
  return await Daemon.start({
    host: bed.servers[0]!,
    argv: [...taskArgv("master"), "--port", String(port), "--store", store],
    cwd: ROOT,
    ready: { tcp: port },
  });
}

async function startRedis(bed: Bed, dir: string, held: AsyncDisposableStack): Promise<string> {
  const [host, port] = [bed.servers[0]!, bed.port()];
  const { address } = host;
  held.use(
    await Daemon.start({
      host,
      argv: [
        ...["redis-server", "--bind", address, "--port", String(port), "--dir", dir],
        ...["--save", "", "--appendonly", "no", "--protected-mode", "no"],
      ],
      ready: { tcp: port },
    }),
  );
  return `redis://${address}:${port}`;
}

function toolArgv(tool: string, bed: Bed, port: number): string[] {
  const target = `${bed.servers[0]!.address}:${port}`;
  const counts = [String(SERVERS), String(FILES)];
  return [Deno.execPath(), "run", "-A", join(TOOLS, `${tool}.ts`), target, ...counts];
}

/** Times of answers, in ms: until `load` is registered, or for a fixed time. */
async function locate(
  { boundMs, signal }: Setting,
  bed: Bed,
  room: string,
  port: number,
  load?: LoadWatch,
): Promise<number[]> {
  const times: number[] = [];
  do {
    const argv = [...toolArgv("locate_load", bed, port), String(LOCATE_SECONDS)];
    const outDir = await Deno.makeTempDir({ dir: room });
    await Run.measure(
      { outDir, client: bed.client, boundMs, daemons: [], signal },
      (run) =>
        run.exec("client", run.client, argv, {
          onLine: (line) => void times.push(...line.split(" ").map(Number)),
        }),
    );
  } while (load !== undefined && load.registeredMs.length === 0);
  return times;
}

/** Follows the load: when, each time, the last of its servers was registered. */
class LoadWatch implements Watch {
  readonly registeredMs: number[] = [];

  hear(line: string): void {
    const [word, atMs] = line.split(" ");
    if (word === "registered") this.registeredMs.push(Number(atMs));
  }

  /** It needs nothing but to be started. */
  isReady(): boolean {
    return true;
  }

  async registered(count: number): Promise<void> {
    const deadlineMs = Date.now() + WAIT_MS_MAX;
    while (this.registeredMs.length < count) {
      if (Date.now() > deadlineMs) throw new Error("the servers do not get registered");
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}
