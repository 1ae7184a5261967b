/** Whether what is in a folder beside files is there already. Looking makes nothing, and follows no link. */
import { isSameTime, type ModificationTime, type SafeFileName } from "../../ids.ts";
import type { Disk, FileExamined } from "./disk.ts";
import { TargetLook } from "./target_look.ts";

export interface TargetShapes {
  /** What all of it is in, if that is not the folder that files go to. */
  readonly root: SafeFileName | undefined;
  readonly folders: readonly ({ readonly name: SafeFileName } & ModificationTime)[];
  readonly links: readonly { readonly name: SafeFileName; readonly target: string }[];
}

/**
 * Where these folders and links are below `outDir`, if each is there as it is to be, under the name that it has; `undefined`
 * where that is not so, or not known.
 */
export function shapesInPlace(
  disk: Disk,
  outDir: string,
  { root, folders, links }: TargetShapes,
): readonly string[] | undefined {
  using look = new TargetLook(disk, outDir, { portableNames: false });
  const paths: string[] = [];
  const isThere = (
    name: SafeFileName,
    isMeant: (found: FileExamined, disk: Disk, path: string) => boolean,
  ): boolean => {
    const at = name === "" ? undefined : look.at(name);
    const found = at?.disk.examine(at.path);
    if (at === undefined || found === undefined) return false;
    if (!isMeant(found, at.disk, at.path)) return false;
    paths.push(at.path);
    return true;
  };
  const areThere = (root === undefined || isThere(root, ({ kind }) => kind === "folder")) &&
    folders.every((folder) =>
      isThere(folder.name, (found) => found.kind === "folder" && isSameTime(found, folder))
    ) &&
    links.every(({ name, target }) =>
      isThere(name, ({ kind }, disk, path) => kind === "link" && disk.readLink(path) === target)
    );
  return areThere ? paths : undefined;
}
