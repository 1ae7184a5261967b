/**
 * Exports of `lib` that no other file takes by name: whoever reads one looks in vain for who needs it. What `mod.ts` takes is its
 * surface and counts as used; so does everything in a file that somebody takes as a whole. Limits are listed, whoever uses them.
 */
import { join } from "@std/path/join";
import type { Source } from "./architecture.ts";

const EXPORTED =
  /^export (?:abstract |async )?(?:class|interface|type|function\*?|enum|const|let) (?<name>\w+)/gm;
const TAKEN = /\b(?:import|export)\s+(?:type\s+)?\{(?<names>[^}]*)\}\s*from\s*"(?<from>\.[^"]+)"/g;
const TAKEN_WHOLE =
  /\b(?:(?:import|export)\s+(?:type\s+)?\*(?:\s+as\s+\w+)?\s+from\s*|import\(\s*)"(?<whole>\.[^"]+)"/g;

export function lonelyExports(sources: readonly Source[]): string[] {
  const taken = new Set<string>();
  const whole = new Set<string>();
  for (const { path, text } of sources) {
    const target = (specifier: string): string => join(path, "..", specifier).replaceAll("\\", "/");
    for (const { groups } of text.matchAll(TAKEN)) {
      for (const each of groups!["names"]!.split(",")) {
        const [name] = each.replace(/\btype\s/, "").trim().split(/\s+as\s+/);
        taken.add(`${target(groups!["from"]!)} ${name}`);
      }
    }
    for (const { groups } of text.matchAll(TAKEN_WHOLE)) whole.add(target(groups!["whole"]!));
  }
  return sources.filter(({ path }) =>
    path.startsWith("lib/") && !path.endsWith("/limits.ts") && !whole.has(path)
  ).flatMap(({ path, text }) =>
    [...text.matchAll(EXPORTED)].map(({ groups }) => groups!["name"]!)
      .filter((name) => !taken.has(`${path} ${name}`))
      .map((name) => `${path} exports ${name}, which no other file uses: keep it to the file`)
  );
}
