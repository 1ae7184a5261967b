/** Where a download goes: folders, numbered names, and the name of its part file. */
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import type { SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { NAME_COMPONENT_BYTES_MAX } from "../../limits.ts";
import type { FileRules } from "../../messages/assembler_worker.ts";
import { AnchoredDisk } from "./anchored_disk.ts";
import type { Disk } from "./disk.ts";
import { diskError, isTaken, isTooLong, nameError, requireNameable } from "./disk_error.ts";
import { NUMBERED_NAMES_MAX, SHORT_NAME_BYTES_MAX } from "./limits.ts";
import { cutName, portableComponent, splitExtension, truncated } from "./portable_names.ts";

const utf8 = new TextEncoder();
/** Room for `.`, eight hex digits, `.part` and `.journal`. */
const PART_SUFFIX_BYTES = 22;

/** How names become names of files. */
export type NameRules = Pick<FileRules, "portableNames">;
const AS_THEY_ARE: NameRules = { portableNames: false };

export interface TargetNames {
  /** The folder that the file goes into. */
  readonly folder: string;
  /** The file's name in it. */
  readonly base: string;
  readonly partPath: string;
  readonly journalPath: string;
}

/**
 * What the files of `name` are called in `folder`, which exists.
 *
 * @param name without folders
 * @param tag eight hex digits of the content, so that part files of different contents differ
 * @throws ShoalError `unnameable` where it is certain already that the file system cannot hold it
 */
export function targetNames(
  disk: Disk,
  folder: string,
  name: string,
  tag: string,
  rules: NameRules = AS_THEY_ARE,
): TargetNames {
  const base = nameIn(disk, folder, name, rules);
  const partPath = join(folder, `${partStem(disk, folder, base)}.${tag}.part`);
  return { folder, base, partPath, journalPath: `${partPath}.journal` };
}

/** What the part file of `base` begins with: one that has to be cut is told from others by its digest. */
function partStem(disk: Disk, folder: string, base: string): string {
  const bytesMax = NAME_COMPONENT_BYTES_MAX - PART_SUFFIX_BYTES;
  const stem = utf8.encode(base).length <= bytesMax ? base : cutName(base, bytesMax);
  return isTooLong(disk, folder, stem + "x".repeat(PART_SUFFIX_BYTES))
    ? cutName(base, SHORT_NAME_BYTES_MAX - PART_SUFFIX_BYTES)
    : stem;
}

/**
 * What `component` is called in `folder`, which exists.
 *
 * @throws ShoalError `unnameable`
 */
export function nameIn(disk: Disk, folder: string, component: string, rules: NameRules): string {
  const portable = rules.portableNames ? portableComponent(component) : component;
  const name = rules.portableNames && isTooLong(disk, folder, portable)
    ? portableComponent(component, SHORT_NAME_BYTES_MAX)
    : portable;
  requireNameable(disk, folder, name);
  return name;
}

/** Where the file of `name` would be in folders that are not there yet: no file system can be asked what it holds. */
export function likelyPath(outDir: string, name: SafeFileName, rules: NameRules): string {
  if (!rules.portableNames) return join(outDir, name);
  return join(outDir, ...name.split("/").map((component) => portableComponent(component)));
}

/** `NAME.ext`, `NAME (2).ext`, `NAME (3).ext` … */
export function* numberedNames(base: string): Generator<string> {
  yield base;
  const { stem, extension } = splitExtension(base);
  for (let number = 2; number <= NUMBERED_NAMES_MAX; number++) {
    const suffix = ` (${number})${extension}`;
    yield truncated(stem, NAME_COMPONENT_BYTES_MAX - utf8.encode(suffix).length) + suffix;
  }
}

/**
 * Whether the folders that `name` needs can be made, or are there and stay inside `outDir`, as far as
 * that can be told before.
 *
 * @throws ShoalError `not_writable` where not
 */
export function requireFolders(disk: Disk, outDir: string, name: SafeFileName): void {
  let folder = outDir;
  for (const component of name.split("/").slice(0, -1)) {
    folder = join(folder, component);
    if (disk.lookAt(folder) === undefined) return;
    requireInside(disk, outDir, folder);
    if (!disk.isFolder(folder)) {
      throw new ShoalError("not_writable", `${folder} is not a folder`);
    }
  }
}

/** Those of the folders that `name` needs below `outDir` that are not there, the uppermost first. */
export function missingFolders(disk: Disk, outDir: string, name: SafeFileName): SafeFileName[] {
  const components = name.split("/").slice(0, -1);
  const folders = components.map((_, i) => components.slice(0, i + 1).join("/") as SafeFileName);
  const firstMissing = folders.findIndex((each) => disk.lookAt(join(outDir, each)) === undefined);
  return firstMissing === -1 ? [] : folders.slice(firstMissing);
}

/** Wherever links lead. */
function requireInside(disk: Disk, outDir: string, folder: string): void {
  const [home, real] = [disk.realPath(outDir), disk.realPath(folder)];
  if (real === home || real.startsWith(join(home, "/"))) return;
  throw new ShoalError("not_writable", `${folder} is a link that leads out of ${outDir}`);
}

/**
 * Makes the folders that `name` needs below `outDir`: one level at a time, each in the open folder above it, which is
 * inside `outDir`, wherever links point. Nothing is made anywhere else. Returns the last one.
 *
 * @throws ShoalError `not_writable` where that is impossible or would leave `outDir`, `unnameable`
 */
export function makeFolders(
  disk: Disk,
  outDir: string,
  name: SafeFileName,
  rules: NameRules = AS_THEY_ARE,
): string {
  let folder = outDir;
  try {
    makeFolder(disk, folder);
    // As every path below it begins.
    folder = dirname(join(outDir, "x"));
    for (const component of name.split("/").slice(0, -1)) {
      const above = AnchoredDisk.open(disk, outDir, folder, "inside");
      try {
        const below = nameIn(above, folder, component, rules);
        makeFolderIn(above, folder, below);
        folder = join(folder, below);
      } finally {
        above.close();
      }
    }
    return folder;
  } catch (cause) {
    throw diskError(`cannot use ${folder} as a folder`, cause);
  }
}

function makeFolderIn(disk: Disk, folder: string, name: string): void {
  try {
    makeFolder(disk, join(folder, name));
  } catch (cause) {
    throw nameError(disk, folder, name, cause) ?? cause;
  }
}

/** Links are followed here; where they lead is for the caller to judge. */
function makeFolder(disk: Disk, path: string): void {
  try {
    disk.makeFolder(path);
  } catch (cause) {
    if (!isTaken(cause)) throw cause;
    throw new ShoalError("not_writable", `${path} is not a folder`, { cause });
  }
}
