/** How long commands take that do next to nothing: from the source, from the bundle, and the first time of all. */
import { join } from "@std/path/join";
import { build } from "../../tools/build.ts";
import type { Host } from "../lab/bed.ts";
import { Daemon } from "../measure/daemon.ts";
import { median } from "../measure/statistics.ts";
import { table } from "../report/table.ts";
import { taskArgv } from "../tools/shoal.ts";
import { FILE_NAME, Folder, makeBed, type Scenario, type Setting } from "./scenario.ts";

/** Starts take tens of milliseconds: so many of each for a run of other scenarios. */
const STARTS_PER_RUN = 3;

/** A way to start the program, in milliseconds by what was typed. */
interface Way {
  readonly name: string;
  readonly argv: readonly string[];
  /** A cache of Deno's that holds nothing. */
  readonly isFirst?: boolean;
}

export const start: Scenario = {
  name: "start",
  title: "commands that do next to nothing",
  needsNamespaces: false,
  async run(setting) {
    await using folder = await Folder.make(setting);
    await folder.add([FILE_NAME], 1);
    const dist = await folder.room();
    await build(dist);
    const launcher = [join(dist, "shoal/shoal")];
    const ways: readonly Way[] = [
      { name: "deno run cli.ts", argv: taskArgv("get").slice(0, -1) },
      { name: "dist/shoal/shoal", argv: launcher },
      { name: "the same, Deno's cache empty", argv: launcher, isFirst: true },
    ];
    await using bed = await makeBed(setting, { serverCount: 1, offloads: true });
    const host = bed.servers[0]!;
    const port = String(bed.port());
    await using _server = await Daemon.start({
      host,
      argv: [...taskArgv("server"), folder.served, "--port", port],
      env: { XDG_CACHE_HOME: dist },
      ready: { udp: Number(port) },
    });
    const commands = [
      ["--version"],
      ["get", "--help"],
      ["hash", join(folder.served, FILE_NAME)],
      ["get", FILE_NAME, "--port", port, "--server", "127.0.0.1"],
    ];
    const shown = ["--version", "get --help", "hash of 1 byte", "get of 1 byte from this host"];
    const rows = [];
    for (const [i, command] of commands.entries()) {
      const cells = await took(setting, host, ways, command, () => folder.room());
      rows.push([shown[i]!, ...cells.map((ms) => ms.toFixed(0))]);
    }
    return [{
      name: start.name,
      title: start.title,
      lines: [
        `Milliseconds from the start of the process to its end, medians of ${
          setting.runs * STARTS_PER_RUN
        } in turns.`,
        "",
        ...table(["what", ...ways.map(({ name }) => name)], rows),
      ],
    }];
  },
};

/** By way. */
async function took(
  { runs, signal }: Setting,
  host: Host,
  ways: readonly Way[],
  command: readonly string[],
  room: () => Promise<string>,
): Promise<readonly number[]> {
  const times = ways.map((): number[] => []);
  for (let i = 0; i < runs * STARTS_PER_RUN; i++) {
    for (const [at, { argv, isFirst }] of ways.entries()) {
      const cwd = await room();
      const [program, ...args] = [...host.via, ...argv, ...command];
      const startMs = performance.now();
      const { success, stderr } = await new Deno.Command(program!, {
        args,
        cwd,
        env: { ...host.env, ...(isFirst ? { DENO_DIR: join(cwd, "deno") } : {}) },
        stdin: "null",
        signal,
      }).output();
      if (!success) throw new Error(`${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
      times[at]!.push(performance.now() - startMs);
    }
  }
  return times.map(median);
}
