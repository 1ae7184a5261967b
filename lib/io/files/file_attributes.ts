/** When a file that is there was modified, and whether it may be run, made what a manifest says of it. */
import type { TreeFile } from "../../wire/manifest.ts";
import type { Disk } from "./disk.ts";
import type { FileIdentity } from "./regular_file.ts";

type Attributes = Pick<TreeFile, "mtimeMs" | "isExecutable">;

/**
 * Returns how the file looks afterwards. What a disk cannot hold, or does not let be changed, stays as it is.
 *
 * @param disk anchored in the folder of `path`
 */
export function keepAttributes(
  disk: Disk,
  path: string,
  found: FileIdentity,
  wanted: Attributes,
): FileIdentity | undefined {
  const { mtimeMs, isExecutable = false } = found.signature;
  const isModeWanted = isExecutable !== wanted.isExecutable;
  if (Math.floor(mtimeMs) === wanted.mtimeMs && !isModeWanted) return found;
  try {
    if (isModeWanted) disk.setExecutable(path, wanted.isExecutable);
    const file = disk.open(path);
    try {
      file.setModified(wanted.mtimeMs);
    } finally {
      file.close();
    }
  } catch {
    // It is not worth a word: the content is right.
  }
  return disk.identityAt(path);
}
