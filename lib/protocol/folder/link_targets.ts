/** What links of a folder stand for, where they are not kept as links. Pure. */
import type { TreeEntry, TreeFile, TreeLink } from "../../wire/manifest.ts";
import { LINKS_FOLLOWED_MAX } from "./limits.ts";

interface ResolvedLinks {
  /** A file under the name of each link that leads to one. */
  readonly files: readonly TreeFile[];
  /** Those that lead to a folder, to nothing, or in a circle. */
  readonly others: readonly TreeLink[];
}

export function resolvedLinks(entries: readonly TreeEntry[]): ResolvedLinks {
  const byName = new Map(entries.map((entry): [string, TreeEntry] => [entry.name, entry]));
  const files: TreeFile[] = [];
  const others: TreeLink[] = [];
  for (const entry of entries) {
    if (entry.kind !== "link") continue;
    const file = fileBehind(byName, entry);
    if (file === undefined) others.push(entry);
    else files.push({ ...file, name: entry.name });
  }
  return { files, others };
}

function fileBehind(byName: ReadonlyMap<string, TreeEntry>, link: TreeLink): TreeFile | undefined {
  let entry: TreeEntry | undefined = link;
  for (let links = 0; entry?.kind === "link" && links < LINKS_FOLLOWED_MAX; links++) {
    const target: string | undefined = pathOf(entry);
    entry = target === undefined ? undefined : byName.get(target);
  }
  return entry?.kind === "file" ? entry : undefined;
}

/** Where a link leads, in names of the folder. One that leads through another link to a folder leads to nothing. */
function pathOf({ name, target }: TreeLink): string | undefined {
  const components = name.split("/").slice(0, -1);
  for (const component of target.split("/")) {
    if (component === "..") {
      if (components.pop() === undefined) return undefined;
    } else if (component !== "." && component !== "") components.push(component);
  }
  return components.join("/");
}
