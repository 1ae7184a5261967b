/** A transfer's files on disk: the part file and its journal. The assembler decides when they are written. */
import { join } from "@std/path/join";
import type { Bytes, Content, ModificationTime } from "../../ids.ts";
import type { FileRules } from "../../messages/assembler_worker.ts";
import type { Bitmap } from "../../protocol/base/bitmap.ts";
import type { JournalState } from "../../protocol/download/journal.ts";
import type { OnTaken } from "../../protocol/download/target_messages.ts";
import { FileTarget } from "./file_target.ts";
import { JournalFile, removeJournal } from "./journal_file.ts";
import { type PresentSearch, presentSearch, removeLeftovers } from "./present_file.ts";
import type { SupersededParts } from "./superseded_parts.ts";
import type { OpenTarget } from "./target_folders.ts";
import type { TargetNames } from "./target_names.ts";
import { foldedPath } from "./written_files.ts";

/** Errors of the disk are ShoalErrors throughout. */
export class TransferFiles {
  readonly names: TargetNames;
  readonly #place: OpenTarget;
  readonly #rules: Pick<FileRules, "sparse">;
  #target: FileTarget | undefined;
  #journal: JournalFile | undefined;

  /** The same for all part files that any file system might take for this one. */
  readonly partKey: string;
  #content: Content | undefined;

  /**
   * @param place closed with {@linkcode TransferFiles.release}
   * @param rules how the part is written
   */
  constructor(place: OpenTarget, rules: Pick<FileRules, "sparse">) {
    this.#place = place;
    this.names = place.names;
    this.#rules = rules;
    this.partKey = foldedPath(this.names.partPath);
  }

  /**
   * Opens and locks the part file. Returns what its journal says; `undefined` when there is none of
   * this content.
   *
   * @throws ShoalError as {@linkcode FileTarget.open} does
   */
  open(content: Content): JournalState | undefined {
    this.#content = content;
    this.#target = FileTarget.open(this.#place.disk, this.names, this.#rules);
    // A journal without its part file is not believed.
    if (this.#target.isFresh) return undefined;
    const resumed = JournalFile.resume(this.#place.disk, this.names.journalPath, content);
    this.#journal = resumed?.journal;
    return resumed?.state;
  }

  /** @throws ShoalError `disk_full` when `neededBytes` more cannot fit */
  begin(clears: boolean, neededBytes: number): void {
    if (clears) {
      removeJournal(this.#place.disk, this.names.journalPath);
      this.#part.clear();
    }
    this.#part.requireSpace(neededBytes);
  }

  createJournal(content: Content, state: JournalState): void {
    this.#journal = JournalFile.create(this.#place.disk, this.names.journalPath, content, state);
  }

  saveJournal(written: Bitmap): void {
    this.#journal?.save(written);
  }

  write(bytes: Uint8Array, position: number): void {
    this.#part.write(bytes, position);
  }

  /** Fills `target`; returns how many bytes there were. */
  read(target: Bytes, position: number): number {
    return this.#part.read(target, position);
  }

  /** Syncs the file to disk, off this thread. */
  async seal(time: ModificationTime): Promise<void> {
    await this.#part.seal(time);
  }

  /** Where the file would go, if something is there. */
  get takenPath(): string | undefined {
    const path = join(this.names.folder, this.names.base);
    return this.#place.disk.lookAt(path) === undefined ? undefined : path;
  }

  get isOpen(): boolean {
    return this.#target !== undefined;
  }

  /** Gives the sealed file its name; returns its path. */
  publish(onTaken: OnTaken): string {
    return this.#part.publish(onTaken);
  }

  /**
   * Gives it a name beside what has its own, unless it is under such a name already. Returns its path; until then
   * other work has its turn after each `yield`.
   */
  *publishBeside(): PresentSearch {
    const wanted = { ...this.#content!, force: false };
    const present = yield* presentSearch(this.#place.disk, this.names, wanted);
    if (present === undefined) return this.publish("number");
    this.#part.discard();
    return present;
  }

  /** The file is published and the folder synced: the journal has done its work. */
  removeJournal(): void {
    this.#journal?.remove();
    this.#journal = undefined;
  }

  /** Closes part and journal, and keeps them with these chunks marked, or removes them. */
  close(keeps: boolean, written: Bitmap | undefined): void {
    try {
      if (!keeps) {
        this.removeJournal();
        this.#target?.discard();
      } else if (written !== undefined) this.saveJournal(written);
    } finally {
      this.#journal?.close();
      this.#journal = undefined;
      this.#target?.close();
    }
  }

  /** Removes what an earlier run has left of a file that is there already. */
  removeLeftovers(): void {
    removeLeftovers(this.#place.disk, this.names);
  }

  /** Removes what earlier runs have left of other contents of this name. */
  removeSuperseded(parts: SupersededParts): void {
    parts.remove(this.#place.disk, this.names);
  }

  /** Nothing is done with these files any more. */
  release(): void {
    this.#place.close();
  }

  get #part(): FileTarget {
    return this.#target!;
  }
}
