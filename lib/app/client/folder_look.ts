/** What a folder is to be, by the word of those who serve it, and how much of it is here. Looking changes nothing. */
import { resolvedLinks } from "../../protocol/folder/link_targets.ts";
import { type MergedTree, mergedTree } from "../../protocol/folder/merged_tree.ts";
import type { TreeEntry, TreeFile } from "../../wire/manifest.ts";
import type { ReadManifest } from "./read_manifests.ts";
import { type TreePresence, treePresence, type TreePresenceOptions } from "./tree_presence.ts";

export interface LookedFolder {
  /** What says so. */
  readonly manifests: readonly ReadManifest[];
  readonly merged: MergedTree;
  /** What is to be files here: links to files among them, where links are not kept. */
  readonly files: readonly TreeFile[];
  /** Links that are then nothing at all. */
  readonly otherLinks: readonly string[];
  readonly presence: TreePresence;
}

export async function lookAtFolder(
  manifests: readonly ReadManifest[],
  { keepsLinks, ...options }: TreePresenceOptions & { readonly keepsLinks: boolean },
): Promise<LookedFolder> {
  const merged = mergedTree(manifests.map(({ entries, offers }) => ({
    entries,
    parties: new Set(offers.map(({ party }) => party)),
  })));
  const isFile = (entry: TreeEntry): entry is TreeFile => entry.kind === "file";
  const links = keepsLinks ? undefined : resolvedLinks(merged.entries);
  const files = [...merged.entries.filter(isFile), ...links?.files ?? []];
  const otherLinks = links?.others.map(({ name }) => name) ?? [];
  const presence = await treePresence(files, options);
  return { manifests, merged, files, otherLinks, presence };
}

/** A look at what the first listing says, while others may still be waited for. */
export class LookAhead {
  readonly #ending = new AbortController();
  readonly #found: Promise<LookedFolder | undefined>;
  #first: ReadManifest | undefined;

  constructor(
    first: Promise<ReadManifest | undefined>,
    look: (manifests: readonly ReadManifest[], signal: AbortSignal) => Promise<LookedFolder>,
  ) {
    this.#found = first.then((manifest) => {
      this.#first = manifest;
      return manifest && look([manifest], this.#ending.signal);
    });
    // What goes wrong goes wrong again, or is of no interest any more.
    this.#found.catch(() => {});
  }

  /** What was found, if that listing is the only one; else it ends, and nothing was. */
  async of([only, ...others]: readonly ReadManifest[]): Promise<LookedFolder | undefined> {
    if (others.length === 0 && only !== undefined && only.entries === this.#first?.entries) {
      return await this.#found;
    }
    this.#ending.abort();
    return undefined;
  }
}
