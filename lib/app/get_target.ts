/** Where what a get fetches goes: a folder, in which files keep their names, one file of a given name, or a reader. */
import { basename } from "@std/path/basename";
import { dirname } from "@std/path/dirname";
import type { SafeFileName } from "../ids.ts";
import { ShoalError } from "../errors.ts";
import type { Disk } from "../io/files/disk.ts";
import { unmarked } from "../marked_name.ts";
import { namePattern } from "../name_pattern.ts";
import { displayName, parseFileName } from "../names.ts";
import type { OnTaken } from "../protocol/download/target_messages.ts";
import type { ByteSink, GetOptions } from "./options.ts";

export interface GetTarget {
  readonly outDir: string;
  /** What the one file is called there; `undefined` where each keeps its name. */
  readonly savedAs: SafeFileName | undefined;
  readonly onTaken: OnTaken;
  /** Who takes the bytes, where they go to no disk. */
  readonly sink: ByteSink | undefined;
}

type Wanted = Pick<
  GetOptions,
  "names" | "sha256" | "outDir" | "file" | "sink" | "force" | "mirror"
>;

/** What a sink is called where a file has a path. */
const SINK_NAME = "-" as SafeFileName;

/** @throws ShoalError `usage` where the options name no place, or two, or none that a file can have */
export function getTargetOf({ outDir, file, sink, force, mirror }: Wanted): GetTarget {
  if ([outDir, file, sink].filter((each) => each !== undefined).length !== 1) {
    throw new ShoalError("usage", "a get needs one place to write to: a folder, a file or a sink");
  }
  if (sink !== undefined) return { outDir: "", savedAs: SINK_NAME, onTaken: "refuse", sink };
  if (outDir !== undefined) {
    return { outDir, savedAs: undefined, onTaken: force || mirror ? "replace" : "number", sink };
  }
  const path = file!;
  const parsed = parseFileName(basename(path));
  if (!parsed.ok || /[/\\]$/.test(path)) {
    throw new ShoalError("usage", `${displayName(path)} cannot be the name of a file`, {
      hint: "Name a file, or a folder with --out.",
    });
  }
  const onTaken = force ? "replace" : "refuse";
  return { outDir: dirname(path), savedAs: parsed.name, onTaken, sink };
}

/**
 * Says before anything is sent what cannot become one file, of a given name or of none.
 *
 * @throws ShoalError `usage`, `not_writable`
 */
export function requireOneFile(disk: Disk, options: Wanted): void {
  const { names, sha256, file, sink } = options;
  if (file === undefined && sink === undefined) return;
  if (names.length !== 1 || (sha256 === undefined && namePattern(names[0]!) !== undefined)) {
    throw new ShoalError("usage", "several files cannot become one", {
      hint: "Name one file, or a folder that they go into with --out.",
    });
  }
  const { outDir } = getTargetOf(options);
  if (file === undefined) return;
  if (isFolder(disk, file)) {
    throw new ShoalError("usage", `${displayName(file)} is a folder`, {
      hint: "Name a file in it, or the folder with --out.",
    });
  }
  if (isSpecial(disk, file)) {
    throw new ShoalError("usage", `${displayName(file)} is not a regular file`, {
      hint: "Name another one, or - to write to standard output.",
    });
  }
  if (isFolder(disk, outDir)) return;
  throw new ShoalError("not_writable", `${displayName(outDir)} does not exist`, {
    hint: "Create it first, or choose another folder.",
  });
}

/** A device or a FIFO, or a link to one, which must not be replaced by a file. */
function isSpecial(disk: Disk, path: string): boolean {
  const opened = disk.openRegular(path, "follow");
  if (opened.ok) opened.file.close();
  return !opened.ok && opened.problem === "special";
}

function isFolder(disk: Disk, path: string): boolean {
  try {
    return disk.isFolder(path);
  } catch {
    return false;
  }
}

/**
 * Says before anything is sent what is no mirror, and what has no dry run: all but folders, none of which is in another.
 *
 * @throws ShoalError `usage`
 */
export function requireFolderNames(
  { names, sha256, outDir, masters, mirror, dryRun }:
    & Wanted
    & Pick<GetOptions, "dryRun" | "masters">,
): void {
  if (!mirror && !dryRun) return;
  const what = mirror ? "only folders can be mirrored" : "only folders have a dry run";
  const others = names.filter((name) => namePattern(name)?.isFolder !== true);
  if (sha256 !== undefined || outDir === undefined || others.length > 0) {
    throw new ShoalError("usage", what, {
      hint: "Name folders with a slash at the end, and where they go with --out.",
    });
  }
  // What files they know of it may not be all.
  if (masters !== undefined && masters.length > 0) {
    const why =
      "a master need not know all that a folder has, so no mirror can be made by its word";
    throw new ShoalError("usage", why, {
      hint: "Leave --master out, and name the servers that have the folder with --server HOST.",
    });
  }
  if (!mirror) return;
  const folders = names.map(unmarked);
  const inner = folders.find((name) =>
    folders.some((other) => other !== name && name.startsWith(other))
  );
  if (inner === undefined) return;
  throw new ShoalError("usage", `${displayName(inner)} is in another folder that is mirrored`, {
    hint: "Name only the outer one.",
  });
}
