/** The folders that files are being written into, each open once, however many files it gets at a time. */
import { basename } from "@std/path/basename";
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import type { SafeFileName } from "../../ids.ts";
import { AnchoredDisk } from "./anchored_disk.ts";
import type { Disk } from "./disk.ts";
import { makeFolders, type NameRules, type TargetNames, targetNames } from "./target_names.ts";

/** Where a file goes, for as long as it is being written. Close it. */
export interface OpenTarget {
  readonly names: TargetNames;
  /** For everything that is done under these names. */
  readonly disk: AnchoredDisk;
  /** Nothing is done with the names any more. */
  close(): void;
}

interface SharedFolder {
  /** What it is called. */
  readonly folder: string;
  readonly disk: AnchoredDisk;
  users: number;
}

export class TargetFolders {
  readonly #disk: Disk;
  readonly #rules: NameRules;
  /** By what they would be called if names were as they are. */
  readonly #open = new Map<string, SharedFolder>();

  /** @param rules names are as they are by default */
  constructor(disk: Disk, rules: NameRules = { portableNames: false }) {
    this.#disk = disk;
    this.#rules = rules;
  }

  /**
   * Makes the folders that `name` needs below `outDir`, and opens the last one.
   *
   * @param tag eight hex digits of the content
   * @throws ShoalError `not_writable` where that is impossible or would leave `outDir`, `unnameable`, `disk`
   */
  open(outDir: string, name: SafeFileName, tag: string): OpenTarget {
    const path = join(outDir, name);
    const wanted = dirname(path);
    const shared = this.#inPlace(wanted) ?? this.#opened(outDir, name, wanted);
    shared.users += 1;
    let isOpen = true;
    const close = (): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#leave(wanted, shared);
    };
    try {
      const { disk, folder } = shared;
      return { names: targetNames(disk, folder, basename(path), tag, this.#rules), disk, close };
    } catch (error) {
      close();
      throw error;
    }
  }

  /** Unless somebody has moved or removed it. */
  #inPlace(wanted: string): SharedFolder | undefined {
    const shared = this.#open.get(wanted);
    return shared?.disk.isInPlace ? shared : undefined;
  }

  #opened(outDir: string, name: SafeFileName, wanted: string): SharedFolder {
    const folder = this.#isThere(wanted)
      ? wanted
      : makeFolders(this.#disk, outDir, name, this.#rules);
    const disk = AnchoredDisk.open(this.#disk, outDir, folder, "inside");
    const shared = { folder, disk, users: 0 };
    this.#open.set(wanted, shared);
    return shared;
  }

  /** Whether nothing has to be made. Where it leads is seen when it is open. */
  #isThere(wanted: string): boolean {
    return !this.#rules.portableNames && this.#disk.examine(wanted)?.kind === "folder";
  }

  #leave(wanted: string, shared: SharedFolder): void {
    shared.users -= 1;
    if (shared.users > 0) return;
    shared.disk.close();
    if (this.#open.get(wanted) === shared) this.#open.delete(wanted);
  }
}
