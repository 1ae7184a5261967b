/** Links with a rate: how much of it the file gets, from one server and from several. */
import {
  COLUMNS,
  COST,
  listed,
  remarks,
  shareColumns,
  standingsTable,
  successes,
} from "../report/table.ts";
import type { Entry, Standing } from "../measure/contest.ts";
import { median } from "../measure/statistics.ts";
import { aria2Mirrors, aria2Torrent } from "../tools/aria2.ts";
import { curl } from "../tools/curl.ts";
import { libtorrent } from "../tools/libtorrent.ts";
import { rsync } from "../tools/rsync.ts";
import { shoal } from "../tools/shoal.ts";
import { udpcast } from "../tools/udpcast.ts";
import { uftp } from "../tools/uftp.ts";
import { entrants, entry, FILE_NAME, Folder, holdCase, MIB, networkText } from "./scenario.ts";
import type { Scenario } from "./scenario.ts";

const CLIENT_MBIT = 1000;

const ONE_SERVER: readonly Entry[] = [
  entry(shoal),
  entry(curl),
  entry(rsync),
  entry(aria2Torrent),
  entry(libtorrent),
  entry(uftp),
  entry(udpcast),
];
const MANY_SERVERS = [shoal, aria2Mirrors, aria2Torrent, libtorrent] as const;

interface Shaping {
  readonly name: string;
  readonly title: string;
  readonly sizeMib: number;
  readonly clientMbit: number;
  readonly serverMbit: readonly number[];
  readonly lossPermilles: readonly number[];
  readonly entries: readonly Entry[];
  /** What follows a table. */
  readonly conclusions?: (standings: readonly Standing[]) => readonly string[];
}

export const shaped100: Scenario = shaped({
  name: "shaped100",
  title: "one server at 100 Mbit/s",
  sizeMib: 64,
  clientMbit: 100,
  serverMbit: [100],
  lossPermilles: [0, 10, 50],
  entries: ONE_SERVER,
});

export const shaped1000: Scenario = shaped({
  name: "shaped1000",
  title: "one server at 1 Gbit/s",
  sizeMib: 512,
  clientMbit: 1000,
  serverMbit: [1000],
  lossPermilles: [0, 10],
  entries: ONE_SERVER,
});

export const three: Scenario = shaped({
  name: "three",
  title: "three servers at 100 Mbit/s each, a client at 1 Gbit/s",
  sizeMib: 64,
  clientMbit: CLIENT_MBIT,
  serverMbit: [100, 100, 100],
  lossPermilles: [0],
  entries: MANY_SERVERS.flatMap((tool) => [entry(tool, 1), entry(tool, 3)]),
  conclusions: gains,
});

export const unequal: Scenario = shaped({
  name: "unequal",
  title: "two servers, at 100 and at 10 Mbit/s",
  sizeMib: 64,
  clientMbit: CLIENT_MBIT,
  serverMbit: [100, 10],
  lossPermilles: [0],
  entries: MANY_SERVERS.flatMap((tool) => [entry(tool, 1), entry(tool, 2)]),
});

function shaped(shaping: Shaping): Scenario {
  const { name, title, clientMbit, serverMbit } = shaping;
  const lineMbit = Math.min(clientMbit, serverMbit.reduce((sum, each) => sum + each, 0));
  return {
    name,
    title,
    needsNamespaces: true,
    async run(setting) {
      const sizeMib = setting.sizeMib ?? shaping.sizeMib;
      const sizeBytes = sizeMib * MIB;
      const { entries, skipped } = await entrants(setting, shaping.entries);
      await using folder = await Folder.make(setting);
      await folder.add([FILE_NAME], sizeBytes);
      const columns = [
        COLUMNS.tool,
        ...(serverMbit.length > 1 ? [COLUMNS.servers] : []),
        ...[COLUMNS.congestion, COLUMNS.seconds, COLUMNS.range],
        ...[...shareColumns(sizeBytes, lineMbit), ...COST],
      ];
      const network = `${networkText(setting, false)}, tbf on both ends of each link`;
      const lines = [`${sizeMib} MiB, ${network}; rounds: ${setting.runs}.`];
      if (serverMbit.length > 1) {
        lines.push(`The line is all servers together: ${lineMbit} Mbit/s, also for one server.`);
      }
      for (const lossPermille of shaping.lossPermilles) {
        const standings = await holdCase(setting, folder, {
          wiring: {
            serverCount: serverMbit.length,
            offloads: false,
            ...{ lossPermille, clientMbit, serverMbit },
          },
          names: [FILE_NAME],
          ...{ entries, sizeBytes, lineMbit: Math.min(clientMbit, ...serverMbit) },
        });
        lines.push("", `${lossPermille / 10} % lost:`, "", ...standingsTable(columns, standings));
        const said = shaping.conclusions?.(standings) ?? [];
        lines.push(...listed([], [...said, ...remarks(standings)]));
      }
      return [{ name, title, lines: [...lines, ...listed(skipped, [])] }];
    },
  };
}

/** How many times faster a tool is from all servers than from one. */
function gains(standings: readonly Standing[]): string[] {
  return MANY_SERVERS.flatMap((tool) => {
    const mine = standings.filter(({ entry }) => entry.tool === tool);
    const [one, many] = mine.map((standing) =>
      median(successes(standing).map(({ seconds }) => seconds))
    );
    if (one === undefined || many === undefined || Number.isNaN(one / many)) return [];
    const [own, ownMany] = mine.map((standing) =>
      median(successes(standing).flatMap(({ ownSeconds }) => ownSeconds ?? []))
    );
    const inside = Number.isNaN(own! / ownMany!)
      ? ""
      : `, ${(own! / ownMany!).toFixed(2)} by own s`;
    const count = mine[1]!.entry.serverCount;
    return `- ${tool.name}: ${count} servers are ${(one / many).toFixed(2)} times one${inside}.`;
  });
}
