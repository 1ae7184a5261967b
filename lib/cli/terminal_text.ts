/** Plain text measured, cut and broken in terminal columns. */
import { BELOW_COLUMNS, HANGING_COLUMNS_MIN } from "./limits.ts";

const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
/** East Asian wide characters and emoji, as terminals draw them. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u;

/** Columns that `text` takes on one line. */
export function textColumns(text: string): number {
  let columns = 0;
  for (const character of text) columns += characterColumns(character);
  return columns;
}

/** `text` in at most `columns` columns; what was cut shows as `…`. */
export function clip(text: string, columns: number): string {
  if (textColumns(text) <= columns) return text;
  if (columns <= 0) return "";
  let kept = "";
  let used = 0;
  for (const character of text) {
    const width = characterColumns(character);
    if (used + width > columns - 1) break;
    kept += character;
    used += width;
  }
  return `${kept}…`;
}

/** `text` cut or filled with spaces to exactly `columns`. */
export function fit(text: string, columns: number): string {
  const clipped = clip(text, columns);
  return clipped + " ".repeat(Math.max(0, columns - textColumns(clipped)));
}

/** `text` in lines of at most `columns` columns, broken between words; a word that is longer has a line of its own. */
export function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((each) => each !== "")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && textColumns(longer) > columns) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return line === "" ? lines : [...lines, line];
}

/** What is written in front, and text that goes on below its own beginning; below all of it, where that leaves too little room. */
export function hanging(head: string, text: string, columns: number): string[] {
  const indent = textColumns(head);
  if (columns - indent >= HANGING_COLUMNS_MIN) {
    const [first = "", ...others] = wrapped(text, columns - indent);
    return [head + first, ...others.map((line) => " ".repeat(indent) + line)];
  }
  const below = " ".repeat(BELOW_COLUMNS);
  return [head.trimEnd(), ...wrapped(text, columns - BELOW_COLUMNS).map((line) => below + line)];
}

function characterColumns(character: string): number {
  if (ZERO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
