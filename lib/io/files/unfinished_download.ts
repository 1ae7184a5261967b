/** Which files in a served folder are downloads of our own that are not finished: these are not offered. */
import { join } from "@std/path/join";
import { isPartName } from "../../names.ts";
import { isJournalOf, JOURNAL_HEAD_BYTES } from "../../protocol/download/journal.ts";
import type { Disk } from "./disk.ts";
import { PART_QUIET_MS } from "./limits.ts";

export const JOURNAL_SUFFIX = ".journal";

/**
 * `no`: not named like one. `ours`: the journal says so, or it was written so lately that it may be in the
 * middle of it. `unsure`: nothing but its name.
 */
type Unfinished = "no" | "ours" | "unsure";

/**
 * @param name in the folder `dir`
 * @param nowMs in milliseconds since 1970
 */
export function unfinishedDownload(
  disk: Disk,
  dir: string,
  name: string,
  nowMs: number,
): Unfinished {
  if (!isPartName(name)) return "no";
  const part = name.endsWith(JOURNAL_SUFFIX) ? name.slice(0, -JOURNAL_SUFFIX.length) : name;
  if (hasJournalOfOurs(disk, dir, part)) return "ours";
  // Files of one chunk, and what comes from classic servers, have none.
  const mtimeMs = disk.identityAt(join(dir, name))?.signature.mtimeMs;
  return mtimeMs !== undefined && nowMs - mtimeMs < PART_QUIET_MS ? "ours" : "unsure";
}

/** Whether a file of the folder `dir` that is named like a part is certainly one: it has a journal of the content in its name. */
export function hasJournalOfOurs(disk: Disk, dir: string, part: string): boolean {
  const tag = part.slice(-".01234567.part".length + 1, -".part".length);
  return isJournalOf(headOf(disk, join(dir, part + JOURNAL_SUFFIX)), tag);
}

function headOf(disk: Disk, path: string): Uint8Array {
  const opened = disk.openRegular(path, "refuse");
  if (!opened.ok) return new Uint8Array(0);
  const head = new Uint8Array(JOURNAL_HEAD_BYTES);
  try {
    return head.subarray(0, opened.file.readAt(head, 0, head.length, 0));
  } finally {
    opened.file.close();
  }
}
