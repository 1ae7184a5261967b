/**
 * How long a server takes to know a new file, beside what hashing its bytes twice costs in one thread:
 * the index wants the SHA-256 of the whole and of each 16 KiB block.
 */
import { join } from "@std/path/join";
import { Daemon } from "../measure/daemon.ts";
import { Run } from "../measure/run.ts";
import { median } from "../measure/statistics.ts";
import { table } from "../report/table.ts";
import { IndexWatch, ROOT, taskArgv } from "../tools/shoal.ts";
import {
  FILE_NAME,
  Folder,
  makeBed,
  MIB,
  networkText,
  type Scenario,
  type Setting,
} from "./scenario.ts";
import type { Host } from "../lab/bed.ts";

const SIZE_MIB = 1024;
const HASH_TWICE = new URL("../tools/hash_twice.ts", import.meta.url).pathname;

/** Of a program: until it is done, what of that is not its start, and its processor time. */
interface Cost {
  readonly seconds: number;
  readonly workSeconds: number;
  readonly cpuSeconds: number;
}

interface Round {
  readonly server: Cost;
  readonly twice: Cost;
}

export const indexer: Scenario = {
  name: "indexer",
  title: "from the start of a server to a file that is indexed",
  needsNamespaces: false,
  async run(setting) {
    const sizeMib = setting.sizeMib ?? SIZE_MIB;
    await using folder = await Folder.make(setting);
    await folder.add([FILE_NAME], sizeMib * MIB);
    await using bed = await makeBed(setting, { serverCount: 1, offloads: true });
    const host = bed.servers[0]!;
    const rounds: Round[] = [];
    for (let i = 0; i < setting.runs; i++) {
      const room = await folder.room();
      const empty = join(room, "empty");
      await Deno.mkdir(empty);
      const start = await index(host, empty, room, bed.port());
      const { seconds, cpuSeconds } = await index(host, folder.served, room, bed.port());
      const server = { seconds, workSeconds: seconds - start.seconds, cpuSeconds };
      rounds.push({ server, twice: await hashTwice(setting, host, folder.served, room) });
    }
    const row = (what: string, value: (round: Round, of: keyof Cost) => number) => [
      what,
      ...(["seconds", "workSeconds", "cpuSeconds"] as const).map((of) =>
        median(rounds.map((round) => value(round, of))).toFixed(2)
      ),
    ];
    return [{
      name: indexer.name,
      title: indexer.title,
      lines: [
        `${sizeMib} MiB, ${
          networkText(setting, true)
        }; rounds: ${setting.runs}, each with an empty`,
        "index. The start is that of a server with an empty folder, until it is ready. The server says",
        "every 100 ms what is left, so it may have been done as much earlier. Hashing twice: one thread",
        "reads the file in pieces of 256 KiB and puts each through two SHA-256 of node:crypto.",
        "",
        ...table(["what", "seconds", "without start", "CPU s"], [
          row("shoal server", (round, of) => round.server[of]),
          row("node:crypto, hashing twice", (round, of) => round.twice[of]),
          row("ratio", (round, of) => round.server[of] / round.twice[of]),
        ]),
      ],
    }];
  },
};

async function index(
  host: Host,
  dir: string,
  room: string,
  port: number,
): Promise<Pick<Cost, "seconds" | "cpuSeconds">> {
  const startMs = performance.now();
  const watch = new IndexWatch();
  await using daemon = await Daemon.start({
    host,
    argv: [...taskArgv("server"), dir, "--port", String(port), "--json"],
    env: { XDG_CACHE_HOME: join(room, `cache-${port}`) },
    cwd: ROOT,
    ready: watch,
  });
  return { seconds: (watch.indexedMs! - startMs) / 1000, cpuSeconds: daemon.cpuSeconds() };
}

async function hashTwice(
  { boundMs, signal }: Setting,
  host: Host,
  dir: string,
  room: string,
): Promise<Cost> {
  const argv = [Deno.execPath(), "run", "-A", HASH_TWICE, join(dir, FILE_NAME)];
  const outDir = join(room, "out");
  await Deno.mkdir(outDir);
  let workSeconds = NaN;
  const { seconds, client } = await Run.measure(
    { outDir, client: host, boundMs, daemons: [], signal },
    (run) => run.exec("client", host, argv, { onLine: (line) => workSeconds = Number(line) }),
  );
  return { seconds, workSeconds, cpuSeconds: client.cpuSeconds };
}
