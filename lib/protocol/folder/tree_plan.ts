/**
 * How the files that are missing of a folder are to be fetched: in units that servers have, each with those that
 * have it, and long files by themselves. Pure.
 */
import { contentKey } from "../../ids.ts";
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
  const missing = new Map<string, TreeFile[]>();
  for (const file of wanted) {
    if (file.sizeBytes === 0 || file.sizeBytes > UNIT_BYTES_MAX) continue;
    const key = contentKey(file);
    const names = missing.get(key);
    if (names === undefined) missing.set(key, [file]);
    else names.push(file);
  }
  // With nothing to fetch, it does not matter who has which units.
  const offered = manifests.map((entries) =>
    missing.size === 0
      ? []
      : unitsOf(entries.filter((entry): entry is TreeFile => entry.kind === "file"))
  );
  const units = new Map<string, PlannedUnit>();
  const plan = (unit: TreeUnit): void => {
    const names = unit.files.map((file) => {
      const found = missing.get(contentKey(file)) ?? [];
      missing.delete(contentKey(file));
      return found;
    });
    units.set(keyOf(unit), { ...unit, names });
  };
  for (const unit of offered.flat()) {
    const wantedBytes = unit.files.reduce(
      (sum, file) => sum + (missing.has(contentKey(file)) ? file.sizeBytes : 0),
      0,
    );
    if (wantedBytes >= BUNDLE_USE_MIN * unit.sizeBytes && wantedBytes > 0) plan(unit);
  }
  // What is missing of bundles that are here for the most part is fetched file by file.
  for (const [file] of [...missing.values()]) plan(unitOf([file!]));
  const planned = [...units.values()];
  const holdings = manifests.map((entries, i) => holdingOf(planned, entries, offered[i]!));
  return {
    units: planned,
    holdings,
    longFiles: wanted.filter(({ sizeBytes }) => sizeBytes > UNIT_BYTES_MAX),
    emptyFiles: wanted.filter(({ sizeBytes }) => sizeBytes === 0),
  };
}

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
