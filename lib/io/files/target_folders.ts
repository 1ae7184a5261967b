/** The folders that files are being written into, each open once, however many files it gets at a time. */
import type { SafeFileName } from "../../ids.ts";
import { AnchoredDisk } from "./anchored_disk.ts";
import type { Disk } from "./disk.ts";
import { makeFolders, type TargetNames, targetNames } from "./target_names.ts";

/** Where a file goes, for as long as it is being written. Close it. */
export interface OpenTarget {
  readonly names: TargetNames;
  /** For everything that is done under these names. */
  readonly disk: AnchoredDisk;
  /** Nothing is done with the names any more. */
  close(): void;
}

interface SharedFolder {
  readonly disk: AnchoredDisk;
  users: number;
}

export class TargetFolders {
  readonly #disk: Disk;
  readonly #open = new Map<string, SharedFolder>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /**
   * Makes the folders that `name` needs below `outDir`, and opens the last one.
   *
   * @param tag eight hex digits of the content
   * @throws ShoalError `not_writable` where that is impossible or would leave `outDir`, `disk`
   */
  open(outDir: string, name: SafeFileName, tag: string): OpenTarget {
    const names = targetNames(outDir, name, tag);
    const shared = this.#inPlace(names.folder) ?? this.#opened(outDir, name, names.folder);
    shared.users += 1;
    let isOpen = true;
    const close = (): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#leave(names.folder, shared);
    };
    return { names, disk: shared.disk, close };
  }

  /** Unless somebody has moved or removed it. */
  #inPlace(folder: string): SharedFolder | undefined {
    const shared = this.#open.get(folder);
    return shared?.disk.isInPlace ? shared : undefined;
  }

  #opened(outDir: string, name: SafeFileName, folder: string): SharedFolder {
    makeFolders(this.#disk, outDir, name);
    const disk = AnchoredDisk.open(this.#disk, outDir, folder, "inside");
    const shared = { disk, users: 0 };
    this.#open.set(folder, shared);
    return shared;
  }

  #leave(folder: string, shared: SharedFolder): void {
    shared.users -= 1;
    if (shared.users > 0) return;
    shared.disk.close();
    if (this.#open.get(folder) === shared) this.#open.delete(folder);
  }
}
