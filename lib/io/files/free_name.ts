/** Names that are free: nothing is ever overwritten. */
import { join } from "@std/path/join";
import { ShoalError } from "../../errors.ts";
import type { Disk } from "./disk.ts";
import { numberedNames, type TargetNames } from "./target_names.ts";

/**
 * Moves `from` to the first free one of `NAME.ext`, `NAME (2).ext` …, or to the first of these alone. Returns the path.
 *
 * @param onTaken what is done where something else has the first of them
 * @throws ShoalError `not_writable` where that is refused, `disk` where all are taken, and what the disk says
 */
export function takeFreeName(
  disk: Disk,
  from: string,
  { folder, base }: Pick<TargetNames, "folder" | "base">,
  onTaken: "number" | "refuse" = "number",
): string {
  for (const name of onTaken === "number" ? numberedNames(base) : [base]) {
    const path = join(folder, name);
    if (takeName(disk, from, path)) return path;
  }
  if (onTaken === "refuse") throw takenError(join(folder, base));
  throw new ShoalError("disk", `too many files have names like ${base}`);
}

/** Another file has the only name that is wanted. */
export function takenError(path: string): ShoalError {
  return new ShoalError("not_writable", `${path} already exists and is a different file`, {
    hint: "Add --force to replace it, or choose another name.",
  });
}

/** Moves `from` to `to`, which must be free: `false` if it is taken. */
function takeName(disk: Disk, from: string, to: string): boolean {
  if (disk.renameIfFree(from, to)) return true;
  try {
    if (!disk.link(from, to)) return false;
  } catch {
    return reserveAndRename(disk, from, to);
  }
  disk.remove(from);
  return true;
}

/** For file systems without hard links: the name is reserved, then what reserves it is replaced. */
function reserveAndRename(disk: Disk, from: string, to: string): boolean {
  const reserved = disk.create(to);
  if (reserved === undefined) return false;
  reserved.close();
  disk.rename(from, to);
  return true;
}
