/**
 * What a folder is to be, by the word of all who serve it. Names are united: what one server lacks comes from
 * those that have it. Where servers hold different things under a name, it is what more than half of the
 * parties that hold the name have; where no thing has a majority, the name is in dispute and left alone. Pure.
 */
import { contentKey } from "../../ids.ts";
import { entriesBelow, mayHoldOthers, type TreeEntry } from "../../wire/manifest.ts";

/** One manifest, and the parties that have proved to offer it. */
interface OfferedTree {
  readonly entries: readonly TreeEntry[];
  readonly parties: ReadonlySet<string>;
}

/** Different things under one name, and who has which. */
export interface Dispute {
  readonly name: string;
  readonly sides: readonly { readonly entry: TreeEntry; readonly parties: readonly string[] }[];
}

export interface MergedTree {
  /** In the order of their names. */
  readonly entries: readonly TreeEntry[];
  readonly disputes: readonly Dispute[];
  /** What others hold under names that a majority has settled. */
  readonly dissents: readonly Dispute[];
  /** Whether every server lists the same names, and none of them a gap: then what is not here is nowhere. */
  readonly isComplete: boolean;
}

interface Side {
  readonly entry: TreeEntry;
  readonly parties: ReadonlySet<string>;
}

export function mergedTree(trees: readonly OfferedTree[]): MergedTree {
  const [only, ...others] = trees;
  if (only !== undefined && others.length === 0) {
    // As it is: in order, and nobody says anything else.
    const { entries } = only;
    return { entries, disputes: [], dissents: [], isComplete: !entries.some(isUnknown) };
  }
  return unitedTrees(trees);
}

function unitedTrees(trees: readonly OfferedTree[]): MergedTree {
  const byName = new Map<string, Side[]>();
  for (const { entries, parties } of trees) {
    for (const entry of entries) {
      const sides = byName.get(entry.name);
      if (sides === undefined) byName.set(entry.name, [{ entry, parties }]);
      else join(sides, { entry, parties });
    }
  }
  const entries: TreeEntry[] = [];
  const disputes: Dispute[] = [];
  const dissents: Dispute[] = [];
  for (const [name, all] of byName) {
    // A gap says that something is there, and not what.
    const known = all.filter(({ entry }) => !isUnknown(entry));
    const sides = known.length > 0 ? known : all;
    const chosen = sides.length === 1 ? sides[0] : majorityOf(sides);
    const dispute = (): Dispute => ({
      name,
      sides: sides.map(({ entry, parties }) => ({ entry, parties: [...parties] })),
    });
    if (chosen === undefined) disputes.push(dispute());
    else {
      entries.push(chosen.entry);
      if (sides.length > 1) dissents.push(dispute());
    }
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const isComplete = disputes.length === 0 &&
    trees.every((tree) =>
      tree.entries.length === byName.size && !tree.entries.some(({ kind }) => kind === "leftOut")
    ) && entries.every(({ kind }) => kind !== "gap");
  return { ...withoutClashes(entries, disputes), dissents, isComplete };
}

function join(sides: Side[], side: Side): void {
  const key = keyOf(side.entry);
  const index = sides.findIndex(({ entry }) => keyOf(entry) === key);
  if (index === -1) sides.push(side);
  else {
    const { entry, parties } = sides[index]!;
    sides[index] = { entry, parties: parties.union(side.parties) };
  }
}

/** One party may hold several things under a name, as its servers do: then it speaks for none of them alone. */
function majorityOf(sides: readonly Side[]): Side | undefined {
  const holders = new Set(sides.flatMap(({ parties }) => [...parties]));
  const [first, second] = [...sides].sort((a, b) => b.parties.size - a.parties.size);
  if (first === undefined || first.parties.size === second?.parties.size) return undefined;
  return 2 * first.parties.size > holders.size ? first : undefined;
}

/** Whether it only says that something is there. */
function isUnknown({ kind }: TreeEntry): boolean {
  return kind === "gap" || kind === "leftOut";
}

/** When something was modified, and who may run it, makes no other thing of it. */
function keyOf(entry: TreeEntry): string {
  switch (entry.kind) {
    case "file":
      return contentKey(entry);
    case "link":
      return `link ${entry.target}`;
    case "folder":
    case "gap":
    case "leftOut":
      return entry.kind;
  }
}

/** A file of one server and a folder of another cannot have one name: then what is in the folder is in dispute. */
function withoutClashes(
  entries: readonly TreeEntry[],
  disputes: readonly Dispute[],
): Pick<MergedTree, "entries" | "disputes"> {
  const clashing = entries.flatMap((entry, i) =>
    mayHoldOthers(entry) ? [] : entriesBelow(entries, i)
  );
  if (clashing.length === 0) return { entries, disputes };
  const out = new Set(clashing);
  const more = [...out].map((entry) => ({ name: entry.name, sides: [{ entry, parties: [] }] }));
  return { entries: entries.filter((entry) => !out.has(entry)), disputes: [...disputes, ...more] };
}
