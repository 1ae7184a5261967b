/** Where what a get fetches goes: a folder, in which files keep their names, or one file of a given name. */
import { basename, dirname } from "@std/path";
import type { SafeFileName } from "../ids.ts";
import { ShoalError } from "../errors.ts";
import type { Disk } from "../io/files/disk.ts";
import { namePattern } from "../name_pattern.ts";
import { displayName, parseFileName } from "../names.ts";
import type { OnTaken } from "../protocol/download/target_messages.ts";
import type { GetOptions } from "./options.ts";

export interface GetTarget {
  readonly outDir: string;
  /** What the one file is called there; `undefined` where each keeps its name. */
  readonly savedAs: SafeFileName | undefined;
  readonly onTaken: OnTaken;
}

type Wanted = Pick<GetOptions, "names" | "sha256" | "outDir" | "file" | "force">;

/** @throws ShoalError `usage` where the options name no place, or two, or none that a file can have */
export function targetOf({ outDir, file, force }: Wanted): GetTarget {
  if (file === undefined) {
    if (outDir === undefined) {
      throw new ShoalError("usage", "a get needs a folder or a file to write to");
    }
    return { outDir, savedAs: undefined, onTaken: force ? "replace" : "number" };
  }
  const parsed = parseFileName(basename(file));
  if (!parsed.ok || /[/\\]$/.test(file)) {
    throw new ShoalError("usage", `${displayName(file)} cannot be the name of a file`, {
      hint: "Name a file, or a folder with --out.",
    });
  }
  return { outDir: dirname(file), savedAs: parsed.name, onTaken: force ? "replace" : "refuse" };
}

/**
 * Says before anything is sent what cannot become of one file of a given name.
 *
 * @throws ShoalError `usage`, `not_writable`
 */
export function requireOneFile(disk: Disk, options: Wanted): void {
  const { names, sha256, file } = options;
  if (file === undefined) return;
  if (names.length !== 1 || (sha256 === undefined && namePattern(names[0]!) !== undefined)) {
    throw new ShoalError("usage", "several files cannot become one", {
      hint: "Name one file, or a folder that they go into with --out.",
    });
  }
  const { outDir } = targetOf(options);
  if (isFolder(disk, file)) {
    throw new ShoalError("usage", `${displayName(file)} is a folder`, {
      hint: "Name a file in it, or the folder with --out.",
    });
  }
  if (isFolder(disk, outDir)) return;
  throw new ShoalError("not_writable", `${displayName(outDir)} is not a folder that is there`, {
    hint: "Make it first, or name a file elsewhere.",
  });
}

function isFolder(disk: Disk, path: string): boolean {
  try {
    return disk.isFolder(path);
  } catch {
    return false;
  }
}
