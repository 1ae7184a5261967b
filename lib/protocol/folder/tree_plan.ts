/**
 * How the files that are missing of a folder are to be fetched: in units that servers have, each with those that
 * have it, and long files by themselves. Pure.
 */
import { type Content, contentKey, sameContent } from "../../ids.ts";
import type { TreeEntry, TreeFile } from "../../wire/manifest.ts";
import { Bitmap } from "../base/bitmap.ts";
import { type TreeUnit, unitOf, unitsOf } from "./bundles.ts";
import { BUNDLE_USE_MIN, UNIT_BYTES_MAX } from "./limits.ts";

/** A unit to be fetched. */
interface PlannedUnit extends TreeUnit {
  /** Where its files go, one for each: the names that are wanted with that content, if any are. */
  readonly names: readonly (readonly TreeFile[])[];
}

export interface TreePlan {
  readonly units: readonly PlannedUnit[];
  /** For each manifest, the units that whoever offers it has. */
  readonly holdings: readonly Bitmap[];
  /** Too long for a unit. */
  readonly longFiles: readonly TreeFile[];
  readonly emptyFiles: readonly TreeFile[];
}

/**
 * @param wanted the files that are missing, in the order of their names
 * @param manifests what each of them has
 */
export function planTree(
  wanted: readonly TreeFile[],
  manifests: readonly (readonly TreeEntry[])[],
): TreePlan {
  const missing = new MissingContents(
    wanted.filter(({ sizeBytes }) => sizeBytes > 0 && sizeBytes <= UNIT_BYTES_MAX),
  );
  // With nothing to fetch, it does not matter who has which units.
  const offered = manifests.map((entries) =>
    missing.isEmpty
      ? []
      : unitsOf(entries.filter((entry): entry is TreeFile => entry.kind === "file"))
  );
  const units = new Map<string, PlannedUnit>();
  const plan = (unit: TreeUnit): void => {
    const names = unit.files.map((file) => missing.take(file));
    units.set(keyOf(unit), { ...unit, names });
  };
  for (const unit of offered.flat()) {
    const wantedBytes = unit.files.reduce(
      (sum, file) => sum + (missing.has(file) ? file.sizeBytes : 0),
      0,
    );
    if (wantedBytes >= BUNDLE_USE_MIN * unit.sizeBytes && wantedBytes > 0) plan(unit);
  }
  // What is missing of bundles that are here for the most part is fetched file by file.
  for (const file of missing.contents()) plan(unitOf([file]));
  const planned = [...units.values()];
  // Who is alone has all that anybody has.
  const holdings = manifests.length === 1
    ? [Bitmap.full(planned.length)]
    : manifests.map((entries, i) => holdingOf(planned, entries, offered[i]!));
  return {
    units: planned,
    holdings,
    longFiles: wanted.filter(({ sizeBytes }) => sizeBytes > UNIT_BYTES_MAX),
    emptyFiles: wanted.filter(({ sizeBytes }) => sizeBytes === 0),
  };
}

/**
 * Files that are to be fetched, by what is in them. A root tells one content, and longer keys would take more memory than
 * the files; other contents that a manifest claims to have that root are found by all of it.
 */
class MissingContents {
  readonly #byKey = new Map<string, TreeFile[]>();
  #hasLongKeys = false;

  constructor(files: readonly TreeFile[]) {
    for (const file of files) {
      const first = this.#byKey.get(file.root)?.[0];
      const isOther = first !== undefined && !sameContent(first, file);
      if (isOther) this.#hasLongKeys = true;
      const key = isOther ? contentKey(file) : file.root;
      const known = this.#byKey.get(key);
      if (known === undefined) this.#byKey.set(key, [file]);
      else known.push(file);
    }
  }

  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  has(content: Content): boolean {
    return this.#keyOf(content) !== undefined;
  }

  /** The files that have this content; they are missing no more. */
  take(content: Content): readonly TreeFile[] {
    const key = this.#keyOf(content);
    if (key === undefined) return NO_FILES;
    const files = this.#byKey.get(key)!;
    this.#byKey.delete(key);
    return files;
  }

  /** One file for each content. */
  contents(): TreeFile[] {
    return Array.from(this.#byKey.values(), ([first]) => first!);
  }

  #keyOf(content: Content): string | undefined {
    const first = this.#byKey.get(content.root)?.[0];
    if (first !== undefined && sameContent(first, content)) return content.root;
    if (!this.#hasLongKeys) return undefined;
    const key = contentKey(content);
    return this.#byKey.has(key) ? key : undefined;
  }
}

const NO_FILES: readonly TreeFile[] = [];

/** Any file of a server can be had of it alone. */
function holdingOf(
  planned: readonly PlannedUnit[],
  entries: readonly TreeEntry[],
  offered: readonly TreeUnit[],
): Bitmap {
  const has = new Set(offered.map(keyOf));
  for (const entry of entries) if (entry.kind === "file") has.add(keyOf(entry));
  const holding = new Bitmap(planned.length);
  planned.forEach((unit, i) => has.has(keyOf(unit)) && holding.set(i));
  return holding;
}

function keyOf({ root, sizeBytes }: Pick<TreeUnit, "root" | "sizeBytes">): string {
  return `${root}:${sizeBytes}`;
}
