/** A terminal session as `script` has recorded it, and what was on its screen from when to when. */
import xterm from "@xterm/headless";

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** Characters beside each other that look alike. */
export interface Span {
  readonly column: number;
  readonly text: string;
  /** Of the palette of a terminal; `undefined` for the default. */
  readonly color: number | undefined;
  readonly isBold: boolean;
  readonly isDim: boolean;
}

/** What one row showed for a while. */
export interface RowSpell {
  readonly row: number;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly spans: readonly Span[];
}

interface Output {
  readonly atMs: number;
  readonly text: string;
}

/**
 * @param log what the session put out: `script --log-out`
 * @param timing when it did: `script --log-timing`, a line for each write: seconds since the last one, and bytes
 */
export function outputsOf(log: Uint8Array, timing: string, startedMs: number): Output[] {
  const decoder = new TextDecoder();
  const outputs: Output[] = [];
  let [at, atMs] = [log.indexOf(0x0a) + 1, startedMs]; // the first line is a heading of `script`
  for (const line of timing.trim().split("\n")) {
    const [seconds, bytes] = line.split(" ").slice(-2).map(Number);
    atMs += 1_000 * seconds!;
    const text = decoder.decode(log.subarray(at, at + bytes!), { stream: true });
    outputs.push({ atMs, text });
    at += bytes!;
  }
  return outputs;
}

/** Plays outputs to a terminal, and looks at it every `stepMs` until `endMs`. */
export async function rowSpells(
  outputs: readonly Output[],
  { columns, rows }: TerminalSize,
  { stepMs, endMs }: { readonly stepMs: number; readonly endMs: number },
): Promise<RowSpell[]> {
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  const spells: RowSpell[] = [];
  const shown: { fromMs: number; key: string; spans: Span[] }[] = [];
  let next = 0;
  for (let nowMs = 0; nowMs <= endMs; nowMs += stepMs) {
    for (; next < outputs.length && outputs[next]!.atMs <= nowMs; next++) {
      await new Promise<void>((resolve) => terminal.write(outputs[next]!.text, resolve));
    }
    const isLast = nowMs + stepMs > endMs;
    for (let row = 0; row < rows; row++) {
      const spans = spansOf(terminal, row);
      const key = JSON.stringify(spans);
      const before = shown[row];
      if (before?.key === key && !isLast) continue;
      if (before !== undefined && before.spans.length > 0) {
        const { fromMs } = before;
        const untilMs = isLast && before.key === key ? endMs : nowMs;
        spells.push({ row, fromMs, untilMs, spans: before.spans });
      }
      shown[row] = { fromMs: nowMs, key, spans };
    }
  }
  terminal.dispose();
  return spells;
}

function spansOf(terminal: InstanceType<typeof xterm.Terminal>, row: number): Span[] {
  const { active } = terminal.buffer;
  const line = active.getLine(active.viewportY + row);
  const spans: Span[] = [];
  for (let column = 0; line !== undefined && column < line.length; column++) {
    const cell = line.getCell(column)!;
    const text = cell.getChars() || " ";
    const color = cell.isFgPalette() ? cell.getFgColor() : undefined;
    const look = { color, isBold: cell.isBold() !== 0, isDim: cell.isDim() !== 0 };
    const last = spans.at(-1);
    const isSame = last !== undefined && last.color === color && last.isBold === look.isBold &&
      last.isDim === look.isDim;
    if (isSame) spans[spans.length - 1] = { ...last, text: last.text + text };
    else spans.push({ column, text, ...look });
  }
  return spans.filter(({ text }) => text.trim() !== "");
}
