/** What is in a folder beside files, where it goes; and whether all of it is there already. */
import type { SafeFileName } from "../../ids.ts";
import { timeOf } from "../../ids.ts";
import type { Disk } from "../../io/files/disk.ts";
import { isStaging } from "../../io/files/staged_files.ts";
import { shapesInPlace, type TargetShapes } from "../../io/files/target_shapes.ts";
import type { FolderSettings } from "./folder_context.ts";
import { folderTimes, type WantedTree } from "./folder_mirror.ts";

/** @param full a name of the folder as it is below the folder that files go to */
export function folderShapes(
  wanted: WantedTree,
  { folder: root, links }: Pick<FolderSettings, "folder" | "links">,
  full: (name: string) => SafeFileName,
): TargetShapes {
  return {
    root,
    folders: folderTimes(wanted).map((each) => ({ ...timeOf(each), name: full(each.name) })),
    links: wanted.merged.flatMap((entry) =>
      entry.kind === "link" && links ? [{ name: full(entry.name), target: entry.target }] : []
    ),
  };
}

/** Where all of it is, if nothing is left to be made, nor to be cleared away that a run has left which did not end. */
export function madeShapes(
  disk: Disk,
  shapes: TargetShapes,
  { outDir, portableNames }: Pick<FolderSettings, "outDir" | "portableNames">,
): readonly string[] | undefined {
  if (portableNames || isStaging(disk, outDir, shapes.root)) return undefined;
  return shapesInPlace(disk, outDir, shapes);
}
