/**
 * How long a server takes to know a new file, beside what hashing its bytes twice costs in one thread:
 * the index wants the SHA-256 of the whole and of each 16 KiB block.
 */
import { join } from "@std/path";
import { Daemon } from "../measure/daemon.ts";
import { Run } from "../measure/run.ts";
import { median } from "../measure/statistics.ts";
import { table } from "../report/table.ts";
import { ROOT, saysIndexed, taskArgv } from "../tools/shoal.ts";
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

interface Round {
  /** From the start of the process. */
  readonly indexedSeconds: number;
  /** From when it answers, so without the start. */
  readonly hashingSeconds: number;
  readonly cpuSeconds: number;
  readonly twiceSeconds: number;
  readonly twiceHashingSeconds: number;
  readonly twiceCpuSeconds: number;
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
      const server = await index(host, folder.served, room, bed.port());
      const twice = await hashTwice(setting, host, folder.served, room);
      rounds.push({ ...server, ...twice });
    }
    const of = (value: (round: Round) => number) => median(rounds.map(value)).toFixed(2);
    const rows = [
      ["shoal server, until indexed", of((r) => r.indexedSeconds), of((r) => r.hashingSeconds)],
      ["node:crypto, twice", of((r) => r.twiceSeconds), of((r) => r.twiceHashingSeconds)],
      [
        "ratio",
        of((r) => r.indexedSeconds / r.twiceSeconds),
        of((r) => r.hashingSeconds / r.twiceHashingSeconds),
      ],
    ];
    const cpu = [
      of((r) => r.cpuSeconds),
      of((r) => r.twiceCpuSeconds),
      of((r) => r.cpuSeconds / r.twiceCpuSeconds),
    ];
    return [{
      name: indexer.name,
      title: indexer.title,
      lines: [
        `${sizeMib} MiB, ${networkText(setting, true)}; ${setting.runs} rounds, each with an empty`,
        "index. Without start: from the server's `ready` to its `indexing` event with nothing left,",
        "which it sends every 100 ms. Hashing twice: the file in pieces of 256 KiB through two SHA-256.",
        "",
        ...table(
          ["what", "seconds", "without start", "CPU s"],
          rows.map((row, i) => [...row, cpu[i]!]),
        ),
      ],
    }];
  },
};

async function index(
  host: Host,
  dir: string,
  room: string,
  port: number,
): Promise<Pick<Round, "indexedSeconds" | "hashingSeconds" | "cpuSeconds">> {
  const startMs = performance.now();
  let readyMs = startMs;
  await using daemon = await Daemon.start({
    host,
    argv: [...taskArgv("server"), dir, "--port", String(port), "--json"],
    env: { XDG_CACHE_HOME: join(room, "cache") },
    cwd: ROOT,
    ready: {
      line: (line) => {
        if (line.includes('"event":"ready"')) readyMs = performance.now();
        return saysIndexed(line);
      },
    },
  });
  const endMs = performance.now();
  return {
    indexedSeconds: (endMs - startMs) / 1000,
    hashingSeconds: (endMs - readyMs) / 1000,
    cpuSeconds: daemon.cpuSeconds(),
  };
}

async function hashTwice(
  { boundMs, signal }: Setting,
  host: Host,
  dir: string,
  room: string,
): Promise<Pick<Round, "twiceSeconds" | "twiceHashingSeconds" | "twiceCpuSeconds">> {
  const argv = [Deno.execPath(), "run", "-A", HASH_TWICE, join(dir, FILE_NAME)];
  const outDir = join(room, "out");
  await Deno.mkdir(outDir);
  const { seconds, ownSeconds = NaN, client } = await Run.measure(
    { outDir, boundMs, daemons: [], signal },
    (run) => run.exec("client", host, argv, { onLine: (line) => run.ownSeconds = Number(line) }),
  );
  return {
    twiceSeconds: seconds,
    twiceHashingSeconds: ownSeconds,
    twiceCpuSeconds: client.cpuSeconds,
  };
}
