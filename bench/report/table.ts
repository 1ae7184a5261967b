/** Tables in Markdown, their columns lined up so that they can be read in a terminal, too. */
import type { Sample, Side } from "../measure/run.ts";
import type { Standing } from "../measure/contest.ts";
import { median } from "../measure/statistics.ts";

const MIB = 1024 * 1024;
const NOTHING = "–";

export interface Column {
  readonly head: string;
  readonly cell: (standing: Standing) => string;
}

export const COLUMNS = {
  tool: { head: "tool", cell: ({ entry }) => entry.tool.name },
  servers: { head: "servers", cell: ({ entry }) => String(entry.serverCount) },
  congestion: { head: "TCP", cell: ({ congestion }) => congestion ?? NOTHING },
  seconds: {
    head: "seconds",
    cell: (standing) => {
      if (standing.boundSeconds !== undefined) return `> ${standing.boundSeconds}`;
      if (successes(standing).length === 0) return "failed";
      return medianText(standing, ({ seconds }) => seconds, 2);
    },
  },
  range: {
    head: "from–to",
    cell: (standing) => {
      const seconds = successes(standing).map((sample) => sample.seconds);
      if (seconds.length === 0) return NOTHING;
      const { boundSeconds } = standing;
      const most = boundSeconds === undefined
        ? Math.max(...seconds).toFixed(2)
        : `> ${boundSeconds}`;
      return `${Math.min(...seconds).toFixed(2)}–${most}`;
    },
  },
  ownSeconds: {
    head: "own s",
    cell: (standing) => medianText(standing, ({ ownSeconds }) => ownSeconds, 2),
  },
  clientCpu: {
    head: "client CPU s",
    cell: (standing) => medianText(standing, ({ client }) => client.cpuSeconds, 2),
  },
  serverCpu: {
    head: "server CPU s",
    cell: (standing) => medianText(standing, ({ server }) => serverOf(server.cpuSeconds), 2),
  },
  clientPeak: { head: "client MiB", cell: (standing) => peakText(standing, "client") },
  serverPeak: { head: "server MiB", cell: (standing) => peakText(standing, "server") },
  runs: { head: "runs", cell: (standing) => String(successes(standing).length) },
} satisfies Readonly<Record<string, Column>>;

/** What every table ends with: what it cost. */
export const COST: readonly Column[] = [
  COLUMNS.ownSeconds,
  COLUMNS.clientCpu,
  COLUMNS.serverCpu,
  COLUMNS.clientPeak,
  COLUMNS.serverPeak,
  COLUMNS.runs,
];

export function rateColumn(sizeBytes: number): Column {
  return {
    head: "MB/s",
    cell: (standing) => medianText(standing, ({ seconds }) => sizeBytes / seconds / 1e6, 0),
  };
}

/** File bytes per second as a share of what the line carries. */
export function shareColumns(sizeBytes: number, lineMbit: number): readonly Column[] {
  const percent = (seconds: number) => sizeBytes * 8 / 1e4 / seconds / lineMbit;
  return [
    {
      head: "% of line",
      cell: (standing) => medianText(standing, ({ seconds }) => percent(seconds), 1),
    },
    {
      head: "% own s",
      cell: (standing) =>
        medianText(
          standing,
          ({ ownSeconds }) => ownSeconds === undefined ? undefined : percent(ownSeconds),
          1,
        ),
    },
  ];
}

/** Median over the rounds of this row's time by the other's in the same round. */
export function ratioColumn(head: string, reference: Standing | undefined): Column {
  return {
    head,
    cell: (standing) => {
      const ratios = standing.samples.flatMap((sample, round) => {
        const other = reference?.samples[round];
        return sample === undefined || other === undefined ? [] : [sample.seconds / other.seconds];
      });
      const areKept = [standing, reference].every((each) => each?.boundSeconds === undefined);
      return areKept && ratios.length > 0 ? median(ratios).toFixed(2) : NOTHING;
    },
  };
}

export function standingsTable(
  columns: readonly Column[],
  standings: readonly Standing[],
): string[] {
  return table(
    columns.map(({ head }) => head),
    standings.map((standing) => columns.map(({ cell }) => cell(standing))),
  );
}

export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heads.map((head, column) =>
    Math.max(3, head.length, ...rows.map((row) => row[column]!.length))
  );
  const line = (cells: readonly string[]) => {
    const padded = cells.map((cell, column) => {
      return column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!);
    });
    return `| ${padded.join(" | ")} |`;
  };
  const rule = widths.map((width, column) => {
    return column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`;
  });
  return [line(heads), line(rule), ...rows.map(line)];
}

/** What a table cannot say: who failed and how, and settings that were found by trying. */
export function remarks(standings: readonly Standing[]): string[] {
  return standings.flatMap((standing) => {
    const { entry, failures, note } = standing;
    const lines = note === undefined ? [] : [`- ${note}.`];
    if (failures.length > 0) {
      lines.push(`- ${entry.tool.name} failed, ${failures.length} ×: ${failures.at(-1)}`);
    }
    return lines;
  });
}

/** What follows a table: who was skipped, and what else there is to say. */
export function listed(skipped: readonly string[], remarks: readonly string[]): string[] {
  const lines = [...skipped.map((reason) => `- skipped: ${reason}`), ...remarks];
  return lines.length === 0 ? [] : ["", ...lines];
}

export function successes(standing: Standing): Sample[] {
  return standing.samples.filter((sample) => sample !== undefined);
}

/** Median over the runs; a dash when there is nothing to tell, or no median because one took too long. */
export function medianText(
  standing: Standing,
  value: (sample: Sample) => number | undefined,
  digits: number,
): string {
  const values = successes(standing).map(value).filter((each) => each !== undefined);
  if (values.length === 0 || standing.boundSeconds !== undefined) return NOTHING;
  return median(values).toFixed(digits);
}

/** The highest of all runs: a peak has no median. */
function peakText(standing: Standing, side: Side): string {
  const peak = Math.max(0, ...successes(standing).map((sample) => sample[side].peakBytes));
  return peak === 0 ? NOTHING : (peak / MIB).toFixed(0);
}

/** A row without a server has no time of one. */
function serverOf(cpuSeconds: number): number | undefined {
  return cpuSeconds === 0 ? undefined : cpuSeconds;
}
