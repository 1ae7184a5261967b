/** When a file that is there was modified, and whether it may be run, made what a manifest says of it. */
import { isSameTime, timeOf } from "../../ids.ts";
import type { FileAttributes } from "../../wire/manifest.ts";
import type { Disk } from "./disk.ts";
import type { FileIdentity } from "./regular_file.ts";

/** Without what else the value has. */
export function attributesOf(file: FileAttributes): FileAttributes {
  return { ...timeOf(file), isExecutable: file.isExecutable };
}

export function sameAttributes(a: FileAttributes, b: FileAttributes): boolean {
  return isSameTime(a, b) && a.isExecutable === b.isExecutable;
}

/**
 * Returns how the file looks afterwards. What a disk cannot hold, or does not let be changed, stays as it is.
 *
 * @param disk anchored in the folder of `path`
 */
export function keepAttributes(
  disk: Disk,
  path: string,
  found: FileIdentity,
  wanted: FileAttributes,
): FileIdentity | undefined {
  const { isExecutable = false } = found.signature;
  const isModeWanted = isExecutable !== wanted.isExecutable;
  if (isSameTime(found.signature, wanted) && !isModeWanted) return found;
  try {
    if (isModeWanted) disk.setExecutable(path, wanted.isExecutable);
    const file = disk.open(path);
    try {
      file.setModified(wanted);
    } finally {
      file.close();
    }
  } catch {
    // It is not worth a word: the content is right.
  }
  return disk.identityAt(path);
}
