/**
 * What a mirror removes from its target: what is there and is not listed, as far as a listing can speak of it. Names that no
 * server offers (hidden ones, unfinished downloads, what no manifest can carry) say nothing by being absent, so they
 * stay, with the folders that they are in. Pure.
 */
import { isHiddenName, isPartName, parseFileName } from "../../names.ts";

/** What is in the target, links not followed. */
export interface TargetEntry {
  /** Relative to the target, as it is spelled there. */
  readonly name: string;
  readonly kind: "file" | "folder" | "link";
}

/** What is decided by names alone. */
interface ComparedNames {
  /** Not listed under this spelling. */
  readonly strays: readonly TargetEntry[];
  /** Listed, and there under another spelling if at all: of other case, or another normal form. */
  readonly unspelled: readonly string[];
}

/** What Deno puts in the place of bytes that are not UTF-8. */
const UNDECODABLE = "\ufffd";

/** @param listed what is to stay; the folders above it stay as well */
export function comparedNames(
  found: readonly TargetEntry[],
  listed: Iterable<string>,
): ComparedNames {
  const wanted = withFoldersAbove(listed);
  const spelled = new Set(found.map(({ name }) => name));
  return {
    strays: found.filter(({ name }) => !wanted.has(name) && mayBeOffered(name)),
    unspelled: [...wanted].filter((name) => !spelled.has(name)),
  };
}

/**
 * What is to be removed, in this order: files and links by their names, then folders that are empty by then, the
 * deepest first.
 *
 * @param found all that is in the target
 * @param removable the names that may go; a folder goes only if everything in it does
 */
export function planMirror(
  found: readonly TargetEntry[],
  removable: ReadonlySet<string>,
): readonly TargetEntry[] {
  const needed = withFoldersAbove(
    found.filter(({ name }) => !removable.has(name)).map(({ name }) => name),
  );
  const removed = found.filter(({ name }) => !needed.has(name));
  const byName = (a: TargetEntry, b: TargetEntry): number => a.name < b.name ? -1 : 1;
  const folders = removed.filter(({ kind }) => kind === "folder");
  return [
    ...removed.filter(({ kind }) => kind !== "folder").sort(byName),
    ...folders.sort((a, b) => depthOf(b.name) - depthOf(a.name) || byName(a, b)),
  ];
}

function mayBeOffered(name: string): boolean {
  return !isHiddenName(name) && !isPartName(name) && !name.includes(UNDECODABLE) &&
    parseFileName(name).ok;
}

function withFoldersAbove(names: Iterable<string>): Set<string> {
  const all = new Set<string>();
  for (const name of names) {
    all.add(name);
    for (let end = name.lastIndexOf("/"); end !== -1; end = name.lastIndexOf("/", end - 1)) {
      const folder = name.slice(0, end);
      if (all.has(folder)) break;
      all.add(folder);
    }
  }
  return all;
}

function depthOf(name: string): number {
  return name.split("/").length;
}
