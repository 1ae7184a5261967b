/** Where a download goes: folders, numbered names, and the name of its part file. */
import { join } from "@std/path";
import { type SafeFileName, toHex } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { NAME_COMPONENT_BYTES_MAX } from "../../limits.ts";
import { sha256 } from "../../protocol/base/sha256.ts";
import { EXTENSION_BYTES_MAX, NUMBERED_NAMES_MAX } from "./limits.ts";
import { AnchoredDisk } from "./anchored_disk.ts";
import type { Disk } from "./disk.ts";
import { diskError, isTaken } from "./disk_error.ts";

const utf8 = new TextEncoder();
/** Room for `.`, eight hex digits, `.part` and `.journal`. */
const PART_SUFFIX_BYTES = 22;
const CUT_DIGEST_DIGITS = 16;

export interface TargetNames {
  /** The folder that the file goes into. */
  readonly folder: string;
  /** The file's name in it. */
  readonly base: string;
  readonly partPath: string;
  readonly journalPath: string;
}

/**
 * What the files of `name` are called below `outDir`.
 *
 * @param tag eight hex digits of the content, so that part files of different contents differ
 */
export function targetNames(outDir: string, name: SafeFileName, tag: string): TargetNames {
  const components = name.split("/");
  const base = components.pop()!;
  const folder = join(outDir, ...components);
  const partPath = join(folder, `${partStem(base)}.${tag}.part`);
  return { folder, base, partPath, journalPath: `${partPath}.journal` };
}

/** What the part file of `base` begins with: one that has to be cut is told from others by its digest. */
function partStem(base: string): string {
  const bytesMax = NAME_COMPONENT_BYTES_MAX - PART_SUFFIX_BYTES;
  const bytes = utf8.encode(base);
  if (bytes.length <= bytesMax) return base;
  const digest = toHex(sha256(bytes)).slice(0, CUT_DIGEST_DIGITS);
  return `${truncated(base, bytesMax - 1 - CUT_DIGEST_DIGITS)}~${digest}`;
}

/** `NAME.ext`, `NAME (2).ext`, `NAME (3).ext` … */
export function* numberedNames(base: string): Generator<string> {
  yield base;
  const dot = base.lastIndexOf(".");
  const isShort = dot > 0 && utf8.encode(base.slice(dot)).length <= EXTENSION_BYTES_MAX;
  const [stem, extension] = isShort ? [base.slice(0, dot), base.slice(dot)] : [base, ""];
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

/** Wherever links lead. */
function requireInside(disk: Disk, outDir: string, folder: string): void {
  const [home, real] = [disk.realPath(outDir), disk.realPath(folder)];
  if (real === home || real.startsWith(join(home, "/"))) return;
  throw new ShoalError("not_writable", `${folder} is a link that leads out of ${outDir}`);
}

/**
 * Makes the folders that `name` needs below `outDir`: one level at a time, each in the open folder above it, which is
 * inside `outDir`, wherever links point. Nothing is made anywhere else.
 *
 * @throws ShoalError `not_writable` where that is impossible or would leave `outDir`
 */
export function makeFolders(disk: Disk, outDir: string, name: SafeFileName): void {
  let folder = outDir;
  try {
    makeFolder(disk, folder);
    for (const component of name.split("/").slice(0, -1)) {
      const above = AnchoredDisk.open(disk, outDir, folder, "inside");
      folder = join(folder, component);
      try {
        makeFolder(above, folder);
      } finally {
        above.close();
      }
    }
  } catch (cause) {
    throw diskError(`cannot use ${folder} as a folder`, cause);
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

/** The longest beginning of `text` that fits `bytesMax`, whole characters only. */
function truncated(text: string, bytesMax: number): string {
  let bytes = 0;
  let result = "";
  for (const character of text) {
    bytes += utf8.encode(character).length;
    if (bytes > bytesMax) break;
    result += character;
  }
  return result;
}
