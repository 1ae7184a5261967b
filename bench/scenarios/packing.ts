/** Packing on the way: text and random bytes over links that are slower than zstd, beside tools that pack or don't. */
import type { Standing } from "../measure/contest.ts";
import { median } from "../measure/statistics.ts";
import {
  COLUMNS,
  COST,
  listed,
  rateColumn,
  remarks,
  standingsTable,
  successes,
} from "../report/table.ts";
import { curl } from "../tools/curl.ts";
import { rsync, rsyncZstd } from "../tools/rsync.ts";
import { shoal, shoalUnpacked } from "../tools/shoal.ts";
import { entrants, entry, Folder, holdCase, networkText, type Scenario } from "./scenario.ts";

const TEXT_NAME = "text.ts.txt";
const NOISE_NAME = "noise.bin";
const SIZE_MB = 200;
const ENTRIES = [shoal, shoalUnpacked, rsyncZstd, rsync, curl].map((tool) => entry(tool));

export const packing100: Scenario = packing(100);
export const packing1000: Scenario = packing(1_000);

function packing(mbit: number): Scenario {
  const name = `packing${mbit}`;
  const title = `${SIZE_MB} MB of source text, and of random bytes, at ${mbit} Mbit/s`;
  return {
    name,
    title,
    needsNamespaces: true,
    async run(setting) {
      const sizeBytes = (setting.sizeMib ?? SIZE_MB) * 1e6;
      const { entries, skipped } = await entrants(setting, ENTRIES);
      await using folder = await Folder.make(setting);
      await folder.addText(TEXT_NAME, sizeBytes);
      await folder.add([NOISE_NAME], sizeBytes);
      const columns = [
        ...[COLUMNS.tool, COLUMNS.congestion, COLUMNS.seconds, COLUMNS.range],
        ...[rateColumn(sizeBytes), ...COST],
      ];
      const network = `${networkText(setting, false)}, tbf on both ends of each link`;
      const lines = [`${sizeBytes / 1e6} MB, ${network}; rounds: ${setting.runs}.`];
      for (const [what, fileName] of [["text", TEXT_NAME], ["random bytes", NOISE_NAME]] as const) {
        const standings = await holdCase(setting, folder, {
          wiring: { serverCount: 1, offloads: false, clientMbit: mbit, serverMbit: [mbit] },
          names: [fileName],
          ...{ entries, sizeBytes, lineMbit: mbit },
        });
        lines.push("", `${what}:`, "", ...standingsTable(columns, standings));
        lines.push(...listed([], [...gain(standings), ...remarks(standings)]));
      }
      return [{ name, title, lines: [...lines, ...listed(skipped, [])] }];
    },
  };
}

/** How many times faster it is with packing than without. */
function gain(standings: readonly Standing[]): string[] {
  const [packed, plain] = [shoal, shoalUnpacked].map((tool) => {
    const own = standings.find((standing) => standing.entry.tool === tool);
    return own && median(successes(own).flatMap(({ ownSeconds }) => ownSeconds ?? []));
  });
  if (packed === undefined || plain === undefined || Number.isNaN(plain / packed)) return [];
  return [`- with packing ${(plain / packed).toFixed(2)} times as fast as without, by own s.`];
}
