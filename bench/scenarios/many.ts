/** One server and many clients that want the same: how long until all have it, and what the server has to send for it. */
import type { Wiring } from "../lab/bed.ts";
import type { Entry, Standing } from "../measure/contest.ts";
import { atOnce, type CrowdSample, type TakerPlan } from "../measure/crowd.ts";
import {
  type Column,
  COLUMNS,
  listed,
  medianText,
  remarks,
  standingsTable,
  successes,
} from "../report/table.ts";
import { aria2Torrent } from "../tools/aria2.ts";
import { curl } from "../tools/curl.ts";
import { libtorrent } from "../tools/libtorrent.ts";
import { shoal } from "../tools/shoal.ts";
import { rsyncTree } from "../tools/trees.ts";
import { udpcast } from "../tools/udpcast.ts";
import { uftp } from "../tools/uftp.ts";
import { entrants, entry, FILE_NAME, Folder, holdCase, MIB, networkText } from "./scenario.ts";
import type { Scenario, Setting } from "./scenario.ts";

/** What a name that stands for all of these begins with. */
export const MANY = "many";

const MBIT = 100;
const SLOW_MBIT = 10;
const BETWEEN_MBIT = 50;
const SIZE_MIB = 64;
const CLIENTS = 8;
const FOLDER_FILES = 2_000;
const FOLDER_FILE_BYTES = 4_096;
const LOST_PERMILLE = 10;
/** Processes start in the first, and 64 MiB take six at least. */
const KILLED_AFTER_S = 3;
const NOTHING = "–";

/** Who asks for itself, so that it may come late or break off. */
const PULLS: readonly Entry[] = [shoal, aria2Torrent, libtorrent, curl].map((tool) => entry(tool));
const ALL: readonly Entry[] = [...PULLS, ...[uftp, udpcast].map((tool) => entry(tool))];
const FOLDERS: readonly Entry[] = [entry(shoal), entry(rsyncTree)];
/** For what a case is compared with. */
const SHOAL: readonly Entry[] = [entry(shoal)];

interface Crowd {
  /** Over its table. */
  readonly what: string;
  readonly takers: readonly TakerPlan[];
  readonly entries: readonly Entry[];
  readonly wiring?: Partial<Wiring>;
}

interface Shape {
  readonly name: string;
  readonly title: string;
  readonly crowds: readonly Crowd[];
  /** A folder of small files; one file by default. */
  readonly isFolder?: boolean;
}

const SHAPES: readonly Shape[] = [
  ...[1, 2, 4, CLIENTS, 16].map((count): Shape => ({
    name: `${MANY}-${count}`,
    title: count === 1 ? "one client alone" : `${count} clients at once`,
    crowds: [{ what: "", takers: atOnce(count), entries: ALL }],
  })),
  {
    name: `${MANY}-loss`,
    title: `${CLIENTS} clients at once, ${LOST_PERMILLE / 10} % lost everywhere`,
    crowds: [{
      ...{ what: "", takers: atOnce(CLIENTS), entries: ALL },
      wiring: { lossPermille: LOST_PERMILLE },
    }],
  },
  {
    name: `${MANY}-late`,
    title: `${CLIENTS} clients, one started every second`,
    crowds: [
      { what: "One alone:", takers: atOnce(1), entries: SHOAL },
      {
        what: "One every second:",
        takers: atOnce(CLIENTS).map((plan) => ({ ...plan, startsS: plan.client })),
        entries: PULLS,
      },
    ],
  },
  {
    name: `${MANY}-churn`,
    title: `${CLIENTS} clients, of which two are killed and one is replaced on the way`,
    crowds: [
      { what: `${CLIENTS} undisturbed:`, takers: atOnce(CLIENTS), entries: SHOAL },
      {
        what: "Two killed, one replaced; times of the others:",
        takers: [
          ...atOnce(CLIENTS).map((plan) =>
            plan.client < CLIENTS - 2
              ? plan
              : { ...plan, killedAfterS: KILLED_AFTER_S, isTold: false }
          ),
          { client: CLIENTS - 1, startsS: KILLED_AFTER_S, isTold: false },
        ],
        entries: PULLS,
      },
    ],
  },
  {
    name: `${MANY}-slow`,
    title: `${CLIENTS} clients, one of them at ${SLOW_MBIT} Mbit/s`,
    crowds: [
      { what: "Without it:", takers: atOnce(CLIENTS - 1), entries: SHOAL },
      {
        what: "With it; times of the others:",
        takers: atOnce(CLIENTS).map((plan) => ({ ...plan, isTold: plan.client > 0 })),
        entries: PULLS,
        wiring: { clientMbit: [SLOW_MBIT, ...atOnce(CLIENTS - 1).map(() => MBIT)] },
      },
    ],
  },
  {
    name: `${MANY}-routed`,
    title: `two subnets, ${BETWEEN_MBIT} Mbit/s between them, ${CLIENTS / 2} clients in each`,
    crowds: [{
      ...{ what: "", takers: atOnce(CLIENTS), entries: PULLS },
      wiring: { remote: { clientCount: CLIENTS / 2, mbit: BETWEEN_MBIT } },
    }],
  },
  {
    name: `${MANY}-folder`,
    title: `a folder of ${FOLDER_FILES} files of 4 KB`,
    crowds: [
      { what: "One client:", takers: atOnce(1), entries: FOLDERS },
      { what: `${CLIENTS} clients:`, takers: atOnce(CLIENTS), entries: FOLDERS },
    ],
    isFolder: true,
  },
];

export const many: readonly Scenario[] = SHAPES.map(scenario);

function scenario({ name, title, crowds, isFolder = false }: Shape): Scenario {
  return {
    name,
    title,
    needsNamespaces: true,
    async run(setting) {
      await using folder = await Folder.make(setting);
      const sizeBytes = isFolder
        ? FOLDER_FILES * FOLDER_FILE_BYTES
        : (setting.sizeMib ?? SIZE_MIB) * MIB;
      if (isFolder) await folder.addTree("t", FOLDER_FILES, FOLDER_FILE_BYTES);
      else await folder.add([FILE_NAME], sizeBytes);
      const network = `${networkText(setting, false)}, ${MBIT} Mbit/s each way at each host`;
      const size = `${(sizeBytes / MIB).toFixed(0)} MiB`;
      const lines = [`${size}, ${network}; rounds: ${setting.runs}.`];
      const skippedAll = new Set<string>();
      for (const crowd of crowds) {
        const { entries, skipped } = await entrants(setting, crowd.entries);
        skipped.forEach((each) => skippedAll.add(each));
        const names = [isFolder ? "t/" : FILE_NAME];
        const told = await held(setting, folder, { ...crowd, entries }, { names, sizeBytes });
        lines.push(...(crowd.what === "" ? [] : ["", crowd.what]), "", ...told);
      }
      return [{ name, title, lines: [...lines, ...listed([...skippedAll], [])] }];
    },
  };
}

async function held(
  setting: Setting,
  folder: Folder,
  { takers, entries, wiring = {} }: Crowd,
  job: { readonly names: readonly string[]; readonly sizeBytes: number },
): Promise<string[]> {
  const clientCount = 1 + Math.max(...takers.map(({ client }) => client));
  const standings = await holdCase(setting, folder, {
    wiring: {
      ...{ serverCount: 1, offloads: false, clientCount, clientMbit: MBIT, serverMbit: [MBIT] },
      ...wiring,
    },
    ...{ ...job, takers, entries, lineMbit: MBIT },
  });
  const columns = [
    ...[COLUMNS.tool, COLUMNS.congestion, ALL_SECONDS, ALL_RANGE, SLOWEST, SLOWEST_SHARE],
    timesColumn("server's bytes × file", job.sizeBytes, ({ sentBytes }) => sentBytes),
    ...(wiring.remote === undefined
      ? []
      : [timesColumn("between × file", job.sizeBytes, ({ crossedBytes }) => crossedBytes)]),
    ...[COLUMNS.clientCpu, COLUMNS.serverCpu, COLUMNS.clientPeak, COLUMNS.runs],
  ];
  return [...standingsTable(columns, standings), ...listed([], remarks(standings))];
}

const ALL_SECONDS: Column = {
  head: "all done s",
  cell: (standing) => {
    if (standing.boundSeconds !== undefined) return `> ${standing.boundSeconds}`;
    if (successes(standing).length === 0) return "failed";
    return crowdText(standing, ({ spanSeconds }) => spanSeconds);
  },
};

const ALL_RANGE: Column = {
  head: "from–to",
  cell: (standing) => {
    const spans = crowdsOf(standing).map(({ spanSeconds }) => spanSeconds);
    if (spans.length === 0) return NOTHING;
    return `${Math.min(...spans).toFixed(2)}–${Math.max(...spans).toFixed(2)}`;
  },
};

const SLOWEST: Column = {
  head: "slowest s",
  cell: (standing) => crowdText(standing, ({ takerSeconds }) => Math.max(...takerSeconds)),
};

/** How much less than the mean the slowest got, of bytes per second. */
const SLOWEST_SHARE: Column = {
  head: "slowest ÷ mean rate",
  cell: (standing) =>
    crowdText(standing, ({ takerSeconds }) => {
      const rates = takerSeconds.map((seconds) => 1 / seconds);
      return Math.min(...rates) * rates.length / rates.reduce((sum, rate) => sum + rate, 0);
    }),
};

function timesColumn(head: string, sizeBytes: number, of: (crowd: CrowdSample) => number): Column {
  return { head, cell: (standing) => crowdText(standing, (crowd) => of(crowd) / sizeBytes) };
}

function crowdText(standing: Standing, of: (crowd: CrowdSample) => number): string {
  return medianText(standing, ({ crowd }) => crowd && of(crowd), 2);
}

function crowdsOf(standing: Standing): CrowdSample[] {
  return successes(standing).flatMap(({ crowd }) => crowd ?? []);
}
