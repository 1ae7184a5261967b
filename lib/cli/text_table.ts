/** A table in plain text: the first column to the left, the others, which hold numbers, to the right. */
import { NAME_COLUMNS_MIN } from "./limits.ts";
import { clip, textColumns } from "./terminal_text.ts";

const GAP = "  ";

/** @param columnsMax how wide it may be, for which the first column is cut */
export function textTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columnsMax = Infinity,
): string[] {
  const all = [head, ...rows];
  // As many rows as there are files: too many for the arguments of one call.
  const widths = head.map((_, column) =>
    all.reduce((widest, row) => Math.max(widest, textColumns(row[column] ?? "")), 0)
  );
  const [first = 0, ...others] = widths;
  const rest = others.reduce((sum, width) => sum + GAP.length + width, 0);
  widths[0] = Math.min(first, Math.max(NAME_COLUMNS_MIN, columnsMax - rest));
  return all.map((row) =>
    row.map((cell, column) =>
      padded(clip(cell, widths[column] ?? 0), widths[column] ?? 0, column > 0)
    )
      .join(GAP).trimEnd()
  );
}

function padded(cell: string, columns: number, isRight: boolean): string {
  const space = " ".repeat(columns - textColumns(cell));
  return isRight ? space + cell : cell + space;
}
