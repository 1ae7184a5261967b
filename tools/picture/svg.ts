/** Draws recorded terminals, one below the other, as one SVG that plays in a loop and holds its end for a while. */
import type { RowSpell, Span, TerminalSize } from "./recording.ts";

export interface Screen extends TerminalSize {
  readonly title: string;
  readonly spells: readonly RowSpell[];
}

const CELL = { width: 8.4, height: 19 };
const PADDING = 14;
const TITLE_HEIGHT = 30;
const GAP = 14;
/** How long the end stands. */
const HOLD_MS = 5_000;
const COLORS = {
  background: "#12161c",
  bar: "#1d232c",
  title: "#8a94a3",
  text: "#d7dde5",
  palette: [
    ...["#4b5563", "#f2777a", "#7fd28c", "#ffcc66", "#6cb3f2", "#cc99cc", "#66cccc", "#d7dde5"],
    ...["#8a94a3", "#f99157", "#a5e6ae", "#ffe08a", "#9ccbf8", "#dfb6df", "#93e0e0", "#ffffff"],
  ],
};

export function svgOf(screens: readonly Screen[], endMs: number): string {
  const totalMs = Math.ceil((endMs + HOLD_MS) / 100) * 100;
  const widest = Math.max(...screens.map(({ columns }) => columns));
  const width = Math.ceil(widest * CELL.width + 2 * PADDING);
  let top = 0;
  const parts: string[] = [];
  for (const screen of screens) {
    const height = TITLE_HEIGHT + screen.rows * CELL.height + PADDING;
    parts.push(
      `<g transform="translate(0 ${top})">`,
      `<rect width="${width}" height="${height}" rx="8" fill="${COLORS.background}"/>`,
      `<path d="M0 ${TITLE_HEIGHT - 6}V8a8 8 0 0 1 8-8H${width - 8}a8 8 0 0 1 8 8v${
        TITLE_HEIGHT - 14
      }z" fill="${COLORS.bar}"/>`,
      `<text x="${PADDING}" y="16" font-size="12" fill="${COLORS.title}">${
        escaped(screen.title)
      }</text>`,
      ...screen.spells.map((spell) => rowOf(spell, endMs, totalMs)),
      "</g>",
    );
    top += height + GAP;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${
      top - GAP
    }" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14">`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function rowOf({ row, fromMs, untilMs, spans }: RowSpell, endMs: number, totalMs: number): string {
  const y = Math.round(TITLE_HEIGHT + (row + 0.8) * CELL.height);
  const isLast = untilMs >= endMs;
  const from = share(fromMs, totalMs);
  const times = isLast ? [0, from] : [0, from, share(untilMs, totalMs)];
  const values = isLast ? "none;inline" : "none;inline;none";
  const animate = fromMs === 0 && isLast
    ? ""
    : `<animate attributeName="display" values="${values}" ` +
      `keyTimes="${times.join(";")}" dur="${
        totalMs / 1_000
      }s" calcMode="discrete" repeatCount="indefinite"/>`;
  // What plays no animations shows the end.
  const display = isLast ? "" : ` display="none"`;
  return `<g${display}>${animate}${spans.map((span) => textOf(span, y)).join("")}</g>`;
}

function textOf({ column, text, color, isBold, isDim }: Span, y: number): string {
  const lead = text.length - text.trimStart().length;
  const shown = text.trim();
  const x = PADDING + (column + lead) * CELL.width;
  const fill = color === undefined ? COLORS.text : COLORS.palette[color] ?? COLORS.text;
  const looks = `${isBold ? ` font-weight="bold"` : ""}${isDim ? ` opacity="0.65"` : ""}`;
  const length = (shown.length * CELL.width).toFixed(1);
  return `<text x="${
    x.toFixed(1)
  }" y="${y}" fill="${fill}"${looks} textLength="${length}" xml:space="preserve">${
    escaped(shown)
  }</text>`;
}

function share(ms: number, totalMs: number): number {
  return Math.round(1e4 * ms / totalMs) / 1e4;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
