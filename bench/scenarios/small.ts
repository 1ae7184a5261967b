/** Many small files in one go, where what counts is not bytes but answers. */
import type { Standing } from "../measure/contest.ts";
import { COLUMNS, COST, listed, medianText, remarks, standingsTable } from "../report/table.ts";
import { curl } from "../tools/curl.ts";
import { openssl } from "../tools/openssl.ts";
import { rsync } from "../tools/rsync.ts";
import { shoal } from "../tools/shoal.ts";
import { entrants, entry, Folder, holdCase, networkText, type Scenario } from "./scenario.ts";

const FILE_COUNT = 1000;
const FILE_BYTES = 10_000;

const filesPerSecond = (head: string, own: boolean) => ({
  head,
  cell: (standing: Standing) =>
    medianText(
      standing,
      ({ seconds, ownSeconds }) => {
        const span = own ? ownSeconds : seconds;
        return span === undefined ? undefined : FILE_COUNT / span;
      },
      0,
    ),
});

export const small: Scenario = {
  name: "small",
  title: "1,000 files of 10 KB in one command",
  needsNamespaces: false,
  async run(setting) {
    const names = Array.from({ length: FILE_COUNT }, (_, i) => `small-${i}.bin`);
    const { entries, skipped } = await entrants(
      setting,
      [entry(openssl), entry(shoal), entry(curl), entry(rsync)],
    );
    await using folder = await Folder.make(setting);
    await folder.add(names, FILE_BYTES);
    const standings = await holdCase(setting, folder, {
      wiring: { serverCount: 1, offloads: true },
      sizeBytes: FILE_COUNT * FILE_BYTES,
      ...{ entries, names },
    });
    const columns = [
      ...[COLUMNS.tool, COLUMNS.congestion, COLUMNS.seconds, COLUMNS.range],
      ...[filesPerSecond("files/s", false), filesPerSecond("files/s, own s", true), ...COST],
    ];
    return [{
      name: small.name,
      title: small.title,
      lines: [
        `${networkText(setting, true)}; rounds: ${setting.runs}. Own seconds run from the first`,
        "question on the wire to the last file's rename, without the start of the process.",
        "",
        ...standingsTable(columns, standings),
        ...listed(skipped, remarks(standings)),
      ],
    }];
  },
};
