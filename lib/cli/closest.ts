/** What somebody meant who mistyped a word of the command line. */
import { TYPO_EDITS_MAX } from "./limits.ts";

/** The one of `words` that is the fewest edits away from `typed`, if that is few enough for a slip. */
export function closest(typed: string, words: readonly string[]): string | undefined {
  const most = Math.min(TYPO_EDITS_MAX, Math.floor(typed.length / 2));
  let best: string | undefined;
  let bestEdits = most + 1;
  for (const word of words) {
    if (Math.abs(word.length - typed.length) >= bestEdits) continue;
    const edits = editsBetween(typed, word);
    if (edits < bestEdits) [best, bestEdits] = [word, edits];
  }
  return best;
}

/** Letters that are added, left out or replaced, and neighbours that are swapped (optimal string alignment). */
function editsBetween(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const [above, row] = [rows[i - 1]!, [i]];
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? rows[i - 2]![j - 2]! + 1 : Infinity;
      row.push(Math.min(replaced, swapped, above[j]! + 1, row[j - 1]! + 1));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
