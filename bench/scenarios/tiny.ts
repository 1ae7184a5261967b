/** One file of a few kilobytes: what a command costs before and after its bytes. */
import { COLUMNS, COST, listed, remarks, standingsTable } from "../report/table.ts";
import { curl } from "../tools/curl.ts";
import { rsync } from "../tools/rsync.ts";
import { shoal } from "../tools/shoal.ts";
import { entrants, entry, FILE_NAME, Folder, holdCase, networkText } from "./scenario.ts";
import type { Scenario } from "./scenario.ts";

const FILE_BYTES = 3_000;
/** A run takes a fraction of a second: more of them cost little and say more. */
const RUNS_FACTOR = 4;

export const tiny: Scenario = {
  name: "tiny",
  title: "one file of 3 KB: the start-up of a get",
  needsNamespaces: false,
  async run(setting) {
    const { entries, skipped } = await entrants(setting, [entry(shoal), entry(curl), entry(rsync)]);
    await using folder = await Folder.make(setting);
    await folder.add([FILE_NAME], FILE_BYTES);
    const runs = RUNS_FACTOR * setting.runs;
    const standings = await holdCase(setting, folder, {
      wiring: { serverCount: 1, offloads: true },
      names: [FILE_NAME],
      sizeBytes: FILE_BYTES,
      ...{ entries, runs },
    });
    const columns = [COLUMNS.tool, COLUMNS.congestion, COLUMNS.seconds, COLUMNS.range, ...COST];
    return [{
      name: tiny.name,
      title: tiny.title,
      lines: [
        `${networkText(setting, true)}; rounds: ${runs}.`,
        "",
        ...standingsTable(columns, standings),
        ...listed(skipped, remarks(standings)),
      ],
    }];
  },
};
