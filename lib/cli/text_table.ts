/** A table in plain text: the first column to the left, the others, which hold numbers, to the right. */
import { textColumns } from "./terminal_text.ts";

export function textTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  // As many rows as there are files: too many for the arguments of one call.
  const widths = head.map((_, column) =>
    all.reduce((widest, row) => Math.max(widest, textColumns(row[column] ?? "")), 0)
  );
  return all.map((row) =>
    row.map((cell, column) => padded(cell, widths[column] ?? 0, column > 0)).join("  ").trimEnd()
  );
}

function padded(cell: string, columns: number, isRight: boolean): string {
  const space = " ".repeat(columns - textColumns(cell));
  return isRight ? space + cell : cell + space;
}
