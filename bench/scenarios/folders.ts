/** A folder of small files as one transfer: to memory and to the disk, again, by size, from several, over loss. */
import type { Standing } from "../measure/contest.ts";
import { median } from "../measure/statistics.ts";
import {
  type Column,
  COLUMNS,
  COST,
  listed,
  medianText,
  ratioColumn,
  remarks,
  standingsTable,
  successes,
} from "../report/table.ts";
import { shoal } from "../tools/shoal.ts";
import { rsyncTree, tarPipe, thenSynced } from "../tools/trees.ts";
import { type Case, entrants, entry, Folder, holdCase, networkText } from "./scenario.ts";
import type { Scenario, Setting } from "./scenario.ts";

const NAMES = ["t/"];
/** On the machine's disk, wherever what is served lies. */
const DISK_FOLDER = "/var/tmp";
/** 100,000 files take as many times longer than others may. */
const BOUND_FACTOR = 4;

const ONE_SERVER = [entry(shoal), entry(rsyncTree), entry(tarPipe)];

export const folder: Scenario = {
  name: "folder",
  title: "a folder of 10,000 files of 4 KB",
  needsNamespaces: false,
  async run(setting) {
    const [count, bytes] = [10_000, 4096];
    await using served = await Folder.make(setting);
    await served.addTree("t", count, bytes);
    const wiring = { serverCount: 1, offloads: true };
    const inMemory = await contest(setting, served, { wiring, count, bytes, entries: ONE_SERVER });
    const outBase = await Deno.makeTempDir({ dir: DISK_FOLDER, prefix: "sb-" });
    try {
      const entries = [entry(shoal), entry(thenSynced(rsyncTree)), entry(thenSynced(tarPipe))];
      const onDisk = await contest(setting, served, { wiring, count, bytes, entries, outBase });
      return [{
        name: folder.name,
        title: folder.title,
        lines: [
          `${networkText(setting, true)}; rounds: ${setting.runs}.`,
          ...["", "Into memory:", "", ...inMemory.lines],
          ...["", "Onto the machine's disk:", "", ...onDisk.lines],
        ],
      }];
    } finally {
      await Deno.remove(outBase, { recursive: true });
    }
  },
};

export const folderAgain: Scenario = {
  name: "folder-again",
  title: "the same folder a second time, nothing changed",
  needsNamespaces: false,
  async run(setting) {
    const [count, bytes] = [10_000, 4096];
    await using served = await Folder.make(setting);
    await served.addTree("t", count, bytes);
    const wiring = { serverCount: 1, offloads: true };
    const entries = [entry(shoal), entry(rsyncTree)];
    const { lines } = await contest(setting, served, {
      ...{ wiring, count, bytes, entries },
      isRepeated: true,
    });
    const head = `${networkText(setting, true)}; rounds: ${setting.runs}.`;
    return [{ name: folderAgain.name, title: folderAgain.title, lines: [head, "", ...lines] }];
  },
};

export const folder100k: Scenario = {
  name: "folder100k",
  title: "folders of 10,000 and of 100,000 files of 1 KB",
  needsNamespaces: false,
  async run(setting) {
    const lines = [`${networkText(setting, true)}, into memory; rounds: ${setting.runs}.`];
    const own: number[] = [];
    for (const count of [10_000, 100_000]) {
      await using served = await Folder.make(setting);
      await served.addTree("t", count, 1024);
      const { lines: told, standings } = await contest(setting, served, {
        ...{ wiring: { serverCount: 1, offloads: true }, count, bytes: 1024, entries: ONE_SERVER },
        boundMs: setting.boundMs * BOUND_FACTOR,
      });
      own.push(secondsOf(standings[0]));
      lines.push("", `${count.toLocaleString("en")} files:`, "", ...told);
    }
    lines.push(
      "",
      `- shoal get takes ${(own[1]! / own[0]!).toFixed(1)} times as long for 100,000.`,
    );
    return [{ name: folder100k.name, title: folder100k.title, lines }];
  },
};

export const folder3: Scenario = {
  name: "folder3",
  title: "a folder of 5,000 files of 20 KB, servers at 100 Mbit/s each",
  needsNamespaces: true,
  async run(setting) {
    const [count, bytes] = [5000, 20_000];
    await using served = await Folder.make(setting);
    await served.addTree("t", count, bytes);
    const { lines, standings } = await contest(setting, served, {
      wiring: {
        serverCount: 3,
        offloads: false,
        ...{ clientMbit: 1000, serverMbit: [100, 100, 100] },
      },
      ...{ count, bytes, entries: [entry(shoal), entry(shoal, 3), entry(rsyncTree)] },
    });
    const [one, many] = standings.map(secondsOf);
    const network = `${networkText(setting, false)}, tbf on both ends of each link`;
    return [{
      name: folder3.name,
      title: folder3.title,
      lines: [
        ...[`${network}; rounds: ${setting.runs}.`, "", ...lines, ""],
        `- shoal get: 3 servers are ${(one! / many!).toFixed(2)} times one.`,
      ],
    }];
  },
};

export const folderLoss: Scenario = {
  name: "folder-loss",
  title: "a folder of 10,000 files of 4 KB, 1 % lost",
  needsNamespaces: true,
  async run(setting) {
    const [count, bytes] = [10_000, 4096];
    await using served = await Folder.make(setting);
    await served.addTree("t", count, bytes);
    const lines = [`${networkText(setting, false)}; rounds: ${setting.runs}.`];
    const own: number[] = [];
    for (const lossPermille of [0, 10]) {
      const { lines: told, standings } = await contest(setting, served, {
        wiring: { serverCount: 1, offloads: false, lossPermille },
        ...{ count, bytes, entries: [entry(shoal), entry(rsyncTree)] },
      });
      own.push(secondsOf(standings[0]));
      lines.push("", `${lossPermille / 10} % lost:`, "", ...told);
    }
    lines.push("", `- shoal get takes ${(own[1]! / own[0]!).toFixed(2)} times as long with loss.`);
    return [{ name: folderLoss.name, title: folderLoss.title, lines }];
  },
};

type FolderCase =
  & Pick<Case, "wiring" | "entries" | "outBase" | "isRepeated" | "boundMs">
  & { readonly count: number; readonly bytes: number };

async function contest(
  setting: Setting,
  served: Folder,
  { count, bytes, ...rest }: FolderCase,
): Promise<{ readonly lines: readonly string[]; readonly standings: readonly Standing[] }> {
  const { entries, skipped } = await entrants(setting, rest.entries);
  const sizeBytes = count * bytes;
  const standings = await holdCase(setting, served, { ...rest, entries, names: NAMES, sizeBytes });
  const reference = standings.find(({ entry }) => entry.tool.name.startsWith(rsyncTree.name));
  const columns: readonly Column[] = [
    ...[COLUMNS.tool, COLUMNS.servers, COLUMNS.seconds, COLUMNS.range],
    ...[ratioColumn("× rsync", reference), filesPerSecond(count), ...COST],
  ];
  return {
    lines: [...standingsTable(columns, standings), ...listed(skipped, remarks(standings))],
    standings,
  };
}

function filesPerSecond(count: number): Column {
  return {
    head: "files/s",
    cell: (standing) => medianText(standing, ({ seconds }) => count / seconds, 0),
  };
}

function secondsOf(standing: Standing | undefined): number {
  return standing === undefined ? NaN : median(successes(standing).map(({ seconds }) => seconds));
}
