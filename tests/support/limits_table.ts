/**
 * docs/LIMITS.md, made from the limits themselves: one table per room, each limit with its value and
 * what its comment says it bounds. `deno task limits` writes the file; a test compares it.
 */
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const LIMITS_FILE = `${ROOT}docs/LIMITS.md`;

interface Limit {
  readonly name: string;
  readonly value: unknown;
  readonly comment: string;
}

/** The whole of docs/LIMITS.md as it should be. */
export async function limitsTable(): Promise<string> {
  const parts = [HEAD];
  for (const path of (await Array.fromAsync(limitFiles("lib"))).sort()) {
    const text = await Deno.readTextFile(ROOT + path);
    const head = /^\/\*\*\s*([\s\S]*?)\*\//.exec(text)?.[1] ?? "";
    parts.push(`\n## ${path}\n\n${plain(head)}\n\n| limit | value | bounds |\n|---|--:|---|\n`);
    for (const limit of await limitsIn(path, text)) {
      parts.push(`| \`${limit.name}\` | ${shown(limit.value)} | ${limit.comment} |\n`);
    }
  }
  return parts.join("");
}

const HEAD = `# Limits

Every limit and default of Shoal, with its unit in its name and what it bounds. A limit stands in the
\`limits.ts\` of the room that it belongs to, where the relations that the code relies on are asserted.
This page is made from them by \`deno task limits\`, and a test keeps it complete. Where a comment goes
on with "…", it is one sentence with the limit next to it.
`;

async function* limitFiles(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(ROOT + folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* limitFiles(path);
    else if (entry.name === "limits.ts") yield path;
  }
}

async function limitsIn(path: string, text: string): Promise<Limit[]> {
  const values: Readonly<Record<string, unknown>> = await import(`file://${ROOT}${path}`);
  const declaration =
    /(?:^\/\*\*(?<comment>(?:(?!\*\/)[\s\S])*)\*\/\n)?^export const (?<name>\w+)/gm;
  return [...text.matchAll(declaration)].map(({ groups }) => {
    const name = groups!["name"]!;
    return { name, value: values[name], comment: plain(groups!["comment"] ?? "") };
  });
}

/** A doc comment as one line of Markdown. */
function plain(comment: string): string {
  return comment.replace(/\n \* ?/g, " ").replace(/\{@linkcode (\w+)\}/g, "`$1`").trim()
    .replaceAll("|", "\\|");
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.map(shown).join(", ");
  if (typeof value !== "number") return String(value);
  for (const [unit, bytes] of [["TiB", 2 ** 40], ["GiB", 2 ** 30], ["MiB", 2 ** 20]] as const) {
    if (value >= bytes && value % bytes === 0) return `${value / bytes} × 1 ${unit}`;
  }
  return value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}

if (import.meta.main) await Deno.writeTextFile(LIMITS_FILE, await limitsTable());
