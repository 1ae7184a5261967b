/** What sealing costs: the same transfers with a secret and without, in turns. */
import type { Entry, Standing } from "../measure/contest.ts";
import { median } from "../measure/statistics.ts";
import { type Column, COLUMNS, COST, listed, remarks, standingsTable } from "../report/table.ts";
import { shoal, shoalSealed, shoalSealedUntuned, shoalUntuned } from "../tools/shoal.ts";
import type { Tool } from "../tools/tool.ts";
import { type Case, entry, FILE_NAME, Folder, holdCase, MIB, networkText } from "./scenario.ts";
import type { Scenario, Setting } from "./scenario.ts";

const SIZE_MIB = 1024;
const UNTUNED_MIB = 256;
const SHAPED_MIB = 64;
const TINY_BYTES = 3_000;
const FOLDER_FILES = 10_000;
const FOLDER_FILE_BYTES = 4_096;
/** Each with what it is compared with. */
const IN_CLEAR: ReadonlyMap<Tool, Tool> = new Map([
  [shoalSealed, shoal],
  [shoalSealedUntuned, shoalUntuned],
]);
const TUNED = [entry(shoal), entry(shoalSealed)];
const UNTUNED = [entry(shoalUntuned), entry(shoalSealedUntuned)];

interface Contest {
  readonly what: string;
  readonly names?: readonly string[];
  readonly fill: (folder: Folder) => Promise<void>;
  readonly contest: Omit<Case, "names">;
}

export const sealedSpeed: Scenario = sealed(
  { name: "sealed", title: "sealed and in clear: as fast as it goes" },
  (setting) => [
    large(setting, "offloads on", SIZE_MIB, { serverCount: 1, offloads: true }, TUNED),
    large(
      setting,
      "offloads on, without FFI (SHOAL_TUNE=off)",
      UNTUNED_MIB,
      { serverCount: 1, offloads: true },
      UNTUNED,
    ),
  ],
);

export const sealedShaped: Scenario = sealed(
  { name: "sealed-shaped", title: "sealed and in clear: links with a rate" },
  (setting) =>
    [1000, 100].map((mbit) =>
      large(
        setting,
        `${mbit} Mbit/s`,
        SHAPED_MIB,
        { serverCount: 1, offloads: false, clientMbit: mbit, serverMbit: [mbit] },
        TUNED,
      )
    ),
);

export const sealedSmall: Scenario = sealed(
  { name: "sealed-small", title: "sealed and in clear: small files" },
  () => [
    {
      what: "one file of 3 KB",
      fill: (folder) => folder.add([FILE_NAME], TINY_BYTES),
      contest: {
        ...{ wiring: { serverCount: 1, offloads: true }, entries: TUNED, sizeBytes: TINY_BYTES },
      },
    },
    {
      what: `a folder of ${FOLDER_FILES} files of 4 KB`,
      names: ["t/"],
      fill: (folder) => folder.addTree("t", FOLDER_FILES, FOLDER_FILE_BYTES),
      contest: {
        ...{ wiring: { serverCount: 1, offloads: true }, entries: TUNED },
        sizeBytes: FOLDER_FILES * FOLDER_FILE_BYTES,
      },
    },
  ],
);

function large(
  setting: Setting,
  what: string,
  usualMib: number,
  wiring: Case["wiring"],
  entries: readonly Entry[],
): Contest {
  const sizeMib = setting.sizeMib ?? usualMib;
  return {
    what: `${sizeMib} MiB, ${what}`,
    fill: (folder) => folder.add([FILE_NAME], sizeMib * MIB),
    contest: { wiring, entries, sizeBytes: sizeMib * MIB },
  };
}

function sealed(
  { name, title }: Pick<Scenario, "name" | "title">,
  contestsOf: (setting: Setting) => readonly Contest[],
): Scenario {
  return {
    name,
    title,
    needsNamespaces: true,
    async run(setting) {
      const lines = [`${networkText(setting, true)}; rounds: ${setting.runs}.`];
      for (const { what, names = [FILE_NAME], fill, contest } of contestsOf(setting)) {
        await using folder = await Folder.make(setting);
        await fill(folder);
        const standings = await holdCase(setting, folder, { ...contest, names });
        const columns = [
          ...[COLUMNS.tool, COLUMNS.congestion, COLUMNS.seconds, COLUMNS.range],
          ...[speedColumn(standings), ...COST],
        ];
        lines.push("", `${what}:`, "", ...standingsTable(columns, standings));
        lines.push(...listed([], remarks(standings)));
      }
      return [{ name, title, lines }];
    },
  };
}

/** How fast it is as a share of the same in clear, by own seconds: the start of the program is no part of it. */
function speedColumn(standings: readonly Standing[]): Column {
  return {
    head: "speed × clear, own s",
    cell: (standing) => {
      const inClear = standings.find(({ entry }) =>
        entry.tool === IN_CLEAR.get(standing.entry.tool)
      );
      const ratios = standing.samples.flatMap((sample, round) => {
        const [own, other] = [sample?.ownSeconds, inClear?.samples[round]?.ownSeconds];
        return own === undefined || other === undefined ? [] : [other / own];
      });
      return ratios.length === 0 ? "" : median(ratios).toFixed(2);
    },
  };
}
