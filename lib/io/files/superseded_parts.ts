/**
 * What earlier runs have left of other contents of a name that is finished now: its server's file has changed, and nobody will
 * go on with them. Only what a journal proves to be a download of ours is removed, and nothing that anybody writes.
 */
import { basename } from "@std/path/basename";
import { join } from "@std/path/join";
import { isPartName } from "../../names.ts";
import type { Disk } from "./disk.ts";
import { FileTarget } from "./file_target.ts";
import { removeJournal } from "./journal_file.ts";
import type { TargetNames } from "./target_names.ts";
import { hasJournalOfOurs, JOURNAL_SUFFIX } from "./unfinished_download.ts";

/** `.12345678.part` */
const TAG_CHARACTERS = ".01234567.part".length;

export class SupersededParts {
  /** Journals that there were when the first file of a folder was finished: a folder is read once per run. */
  readonly #journalsIn = new Map<string, readonly string[]>();

  /** Removes those beside `names`, on a disk that has its folder open. Never throws: the wanted file is there. */
  remove(disk: Disk, names: TargetNames): void {
    const ownJournal = basename(names.journalPath);
    const stem = basename(names.partPath).slice(0, -TAG_CHARACTERS);
    for (const journal of this.#journals(disk, names.folder)) {
      const part = journal.slice(0, -JOURNAL_SUFFIX.length);
      if (journal === ownJournal || part.slice(0, -TAG_CHARACTERS) !== stem) continue;
      if (hasJournalOfOurs(disk, names.folder, part)) removeOne(disk, names, part);
    }
  }

  #journals(disk: Disk, folder: string): readonly string[] {
    let journals = this.#journalsIn.get(folder);
    if (journals === undefined) {
      journals = namesIn(disk, folder).filter((name) =>
        isPartName(name) && name.endsWith(JOURNAL_SUFFIX)
      );
      this.#journalsIn.set(folder, journals);
    }
    return journals;
  }
}

function namesIn(disk: Disk, folder: string): readonly string[] {
  try {
    return disk.namesIn(folder);
  } catch {
    return [];
  }
}

function removeOne(disk: Disk, names: TargetNames, part: string): void {
  const partPath = join(names.folder, part);
  const journalPath = partPath + JOURNAL_SUFFIX;
  try {
    if (disk.lookAt(partPath) !== undefined) {
      FileTarget.open(disk, { ...names, partPath, journalPath }).discard();
    }
    removeJournal(disk, journalPath);
  } catch {
    // Somebody writes it, or it is no file: it stays.
  }
}
