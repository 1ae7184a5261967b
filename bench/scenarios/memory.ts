/** A large file: whether the memory of either side grows with it. */
import type { Standing } from "../measure/contest.ts";
import { SIDES } from "../measure/run.ts";
import { COLUMNS, COST, remarks, standingsTable, successes } from "../report/table.ts";
import { shoal } from "../tools/shoal.ts";
import { entry, FILE_NAME, Folder, holdCase, MIB, networkText, type Scenario } from "./scenario.ts";

const SIZE_MIB = 4096;
/** It takes as many times longer than the others. */
const BOUND_FACTOR = 4;

export const memory: Scenario = {
  name: "memory",
  title: "resident memory during one large file",
  needsNamespaces: false,
  async run(setting) {
    const sizeMib = setting.sizeMib ?? SIZE_MIB;
    await using folder = await Folder.make(setting);
    await folder.add([FILE_NAME], sizeMib * MIB);
    const standings = await holdCase(setting, folder, {
      wiring: { serverCount: 1, offloads: true },
      entries: [entry(shoal)],
      names: [FILE_NAME],
      sizeBytes: sizeMib * MIB,
      // Memory does not drift as speed does.
      runs: 1,
      boundMs: setting.boundMs * BOUND_FACTOR,
    });
    return [{
      name: memory.name,
      title: memory.title,
      lines: [
        `${sizeMib} MiB, ${networkText(setting, true)}; one run.`,
        "",
        ...standingsTable([COLUMNS.tool, COLUMNS.seconds, ...COST], standings),
        "",
        "VmRSS in MiB, once a second:",
        "",
        ...standings.flatMap(series),
        ...remarks(standings),
      ],
    }];
  },
};

function series(standing: Standing): string[] {
  return successes(standing).flatMap((sample) =>
    SIDES.map((side) => {
      const mib = sample[side].residentBytes.map((bytes) => (bytes / MIB).toFixed(0));
      return `- ${side}: ${mib.join(" ") || "it took less than a second"}`;
    })
  );
}
