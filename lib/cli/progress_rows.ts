/**
 * Rows of a live view: a name, a bar and numbers, in columns that line up from row to row. In a narrow window the bar
 * and then numbers give way, in all rows alike.
 */
import { BAR_COLUMNS_MAX, BAR_COLUMNS_MIN, NAME_COLUMNS_MAX, NAME_COLUMNS_MIN } from "./limits.ts";
import { sizeText } from "../sizes.ts";
import { fit, textColumns } from "./terminal_text.ts";
import { etaText, rateText } from "./units.ts";

export interface Row {
  readonly name: string;
  readonly bytes: number;
  /** Bytes in all; `undefined` if that is not known. */
  readonly size: number | undefined;
  /** Of all that is to come; `bytes` of `size`, unless it is told otherwise. */
  readonly fraction?: number;
  readonly rate: number;
  /** `undefined` where it cannot be told, `null` where nobody asks. */
  readonly secondsLeft: number | undefined | null;
  /** What stands in place of rate and time: nothing has come yet. */
  readonly state?: string;
}

/** Widths of numbers, which stay from one moment to the next. */
const PERCENT_COLUMNS = 5;
const SIZE_COLUMNS = 7;
const RATE_COLUMNS = 9;
const ETA_COLUMNS = 5;
const GAP = "  ";

interface Layout {
  readonly withBar: boolean;
  readonly withSize: boolean;
  readonly etaLabel: string;
  readonly withRate: boolean;
}

/** The widest first. */
const LAYOUTS: readonly Layout[] = [
  { withBar: true, withSize: true, etaLabel: "ETA ", withRate: true },
  { withBar: true, withSize: true, etaLabel: "", withRate: true },
  { withBar: false, withSize: true, etaLabel: "", withRate: true },
  { withBar: false, withSize: false, etaLabel: "", withRate: true },
  { withBar: false, withSize: false, etaLabel: "", withRate: false },
];

/** @param columns of the window; the last of them stays free */
export function rowLines(rows: readonly Row[], columns: number): string[] {
  const etas = rows.flatMap(({ secondsLeft }) => secondsLeft === null ? [] : etaText(secondsLeft));
  const etaColumns = etas.length === 0
    ? 0
    : Math.max(ETA_COLUMNS, ...etas.map(({ length }) => length));
  const nameColumns = Math.min(
    NAME_COLUMNS_MAX,
    Math.max(NAME_COLUMNS_MIN, ...rows.map(({ name }) => textColumns(name))),
  );
  const layout = LAYOUTS.find((each) => {
    const barColumns = each.withBar ? BAR_COLUMNS_MIN + GAP.length : 0;
    const nameColumnsMin = Math.min(nameColumns, NAME_COLUMNS_MIN);
    return nameColumnsMin + barColumns + numberColumns(each, etaColumns) < columns;
  }) ?? LAYOUTS.at(-1)!;
  const room = columns - 1 - numberColumns(layout, etaColumns);
  const barColumns = layout.withBar
    ? Math.min(BAR_COLUMNS_MAX, Math.max(BAR_COLUMNS_MIN, room - GAP.length - nameColumns))
    : 0;
  const nameRoom = room - (layout.withBar ? barColumns + GAP.length : 0);
  const width = Math.max(1, Math.min(nameColumns, nameRoom));
  return rows.map((row) => {
    const bar = layout.withBar ? GAP + barText(fractionOf(row), barColumns) : "";
    return fit(row.name, width) + bar + numbers(row, layout, etaColumns);
  });
}

function numberColumns({ withSize, withRate, etaLabel }: Layout, etaColumns: number): number {
  const sizeColumns = withSize ? GAP.length + SIZE_COLUMNS : 0;
  const paceColumns = withRate
    ? GAP.length + RATE_COLUMNS +
      (etaColumns === 0 ? 0 : GAP.length + etaLabel.length + etaColumns)
    : 0;
  return 1 + PERCENT_COLUMNS + sizeColumns + paceColumns;
}

function numbers(row: Row, { withSize, withRate, etaLabel }: Layout, etaColumns: number): string {
  const { size, rate, secondsLeft, state } = row;
  const parts = [` ${percentText(fractionOf(row)).padStart(PERCENT_COLUMNS)}`];
  if (withSize) parts.push((size === undefined ? "" : sizeText(size)).padStart(SIZE_COLUMNS));
  if (withRate && state !== undefined) parts.push(state.padStart(RATE_COLUMNS));
  if (withRate && state === undefined) {
    parts.push(rateText(rate).padStart(RATE_COLUMNS));
    if (secondsLeft !== null) parts.push(etaLabel + etaText(secondsLeft).padStart(etaColumns));
  }
  return parts.join(GAP);
}

/** Nothing is done until all of it is. */
export function percentText(fraction: number): string {
  return `${Math.floor(100 * fraction)} %`;
}

/** Done of all; an empty file is complete. */
export function fractionOf(
  { fraction, bytes, size }: Pick<Row, "fraction" | "bytes" | "size">,
): number {
  if (fraction !== undefined) return Math.min(1, fraction);
  if (size === undefined) return 0;
  return size === 0 ? 1 : Math.min(1, bytes / size);
}

function barText(fraction: number, columns: number): string {
  const filled = Math.floor(columns * fraction);
  return "█".repeat(filled) + "░".repeat(columns - filled);
}
