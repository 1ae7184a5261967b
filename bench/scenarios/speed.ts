/** One file from one server as fast as it goes: with offloads, without, with loss, and untuned. */
import type { Section } from "../report/results.ts";
import {
  COLUMNS,
  COST,
  listed,
  medianText,
  rateColumn,
  ratioColumn,
  remarks,
  standingsTable,
} from "../report/table.ts";
import type { Entry, Standing } from "../measure/contest.ts";
import { aria2Torrent } from "../tools/aria2.ts";
import { curl } from "../tools/curl.ts";
import { libtorrent } from "../tools/libtorrent.ts";
import { openssl } from "../tools/openssl.ts";
import { rsync } from "../tools/rsync.ts";
import { scp } from "../tools/scp.ts";
import { shoal, shoalUntuned } from "../tools/shoal.ts";
import { udpcast } from "../tools/udpcast.ts";
import { uftp } from "../tools/uftp.ts";
import { entrants, entry, FILE_NAME, Folder, holdCase, MIB, networkText } from "./scenario.ts";
import type { Scenario, Setting } from "./scenario.ts";

const SIZE_MIB = 1024;

const ALL: readonly Entry[] = [
  entry(openssl),
  entry(shoal),
  entry(curl),
  entry(rsync),
  entry(aria2Torrent),
  entry(libtorrent),
  entry(uftp),
  entry(udpcast),
  entry(scp),
];
/** Where packets are lost, the congestion control decides: the usual reference has a row for each. */
const WITH_BBR: readonly Entry[] = ALL.flatMap((each) =>
  each.tool === curl ? [each, entry(curl, 1, "bbr")] : [each]
);

interface Race {
  readonly offloads: boolean;
  readonly lossPermille?: number;
  readonly entries: readonly Entry[];
}

interface Outcome {
  readonly standings: readonly Standing[];
  readonly sizeMib: number;
  /** Size, network, rounds. */
  readonly circumstances: string;
  readonly skipped: readonly string[];
}

export const unshaped: Scenario = {
  name: "unshaped",
  title: "one file from one server, offloads on",
  needsNamespaces: false,
  async run(setting) {
    const outcome = await race(setting, { offloads: true, entries: ALL });
    return [speedSection(unshaped, outcome), serverSection(outcome)];
  },
};

/** Answered by the runs of `unshaped`, or by a few of its rows alone. */
export const server: Scenario = {
  name: "server",
  title: "the server's processor seconds a GiB, index warm, offloads on",
  needsNamespaces: false,
  async run(setting) {
    const entries = [entry(shoal), entry(curl), entry(rsync)];
    return [serverSection(await race(setting, { offloads: true, entries }))];
  },
};

export const plain: Scenario = speed(
  { name: "plain", title: "one file from one server, offloads off", needsNamespaces: true },
  { offloads: false, entries: ALL },
);

export const loss1: Scenario = speed(
  { name: "loss1", title: "offloads off, 1 % of the packets lost", needsNamespaces: true },
  { offloads: false, lossPermille: 10, entries: WITH_BBR },
);

export const loss5: Scenario = speed(
  { name: "loss5", title: "offloads off, 5 % of the packets lost", needsNamespaces: true },
  { offloads: false, lossPermille: 50, entries: WITH_BBR },
);

export const untuned: Scenario = speed(
  {
    name: "untuned",
    title: "offloads on, SHOAL_TUNE=off on both sides",
    needsNamespaces: false,
  },
  { offloads: true, entries: [entry(openssl), entry(shoal), entry(shoalUntuned), entry(curl)] },
);

function speed(scenario: Omit<Scenario, "run">, options: Race): Scenario {
  return {
    ...scenario,
    run: async (setting) => [speedSection(scenario, await race(setting, options))],
  };
}

async function race(setting: Setting, options: Race): Promise<Outcome> {
  const sizeMib = setting.sizeMib ?? SIZE_MIB;
  const { entries, skipped } = await entrants(setting, options.entries);
  await using folder = await Folder.make(setting);
  await folder.add([FILE_NAME], sizeMib * MIB);
  const { offloads, lossPermille = 0 } = options;
  const standings = await holdCase(setting, folder, {
    wiring: { serverCount: 1, offloads, lossPermille },
    entries,
    names: [FILE_NAME],
    sizeBytes: sizeMib * MIB,
  });
  const circumstances = `${sizeMib} MiB, ${
    networkText(setting, offloads)
  }; rounds: ${setting.runs}.`;
  return { standings, sizeMib, circumstances, skipped };
}

function speedSection(
  { name, title }: Omit<Scenario, "run">,
  { standings, sizeMib, circumstances, skipped }: Outcome,
): Section {
  const hash = standings.find(({ entry }) => entry.tool === openssl);
  const copies = standings.filter(({ entry }) => entry.tool === curl);
  const columns = [
    COLUMNS.tool,
    COLUMNS.congestion,
    COLUMNS.seconds,
    COLUMNS.range,
    rateColumn(sizeMib * MIB),
    ratioColumn("× H", hash),
    ...copies.map((copy) => ratioColumn(`× curl, ${copy.congestion}`, copy)),
    ...COST,
  ];
  const table = standingsTable(columns, standings);
  return {
    name,
    title,
    lines: [circumstances, "", ...table, ...listed(skipped, remarks(standings))],
  };
}

function serverSection({ standings, sizeMib, circumstances }: Outcome): Section {
  const perGib = (cpuSeconds: number) => cpuSeconds * 1024 / sizeMib;
  const columns = [COLUMNS.tool, COLUMNS.congestion, {
    head: "server CPU s a GiB",
    cell: (standing: Standing) =>
      medianText(standing, (sample) => perGib(sample.server.cpuSeconds), 2),
  }];
  const withServer = standings.filter(({ entry }) => entry.tool !== openssl);
  return {
    name: server.name,
    title: server.title,
    lines: [circumstances, "", ...standingsTable(columns, withServer)],
  };
}
