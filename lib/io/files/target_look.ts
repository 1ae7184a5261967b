/** Looks for what is there already under the names that files are to have. It makes nothing, and looks at nothing outside. */
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import { FolderPaths } from "../../folder_paths.ts";
import type { SafeFileName } from "../../ids.ts";
import { AnchoredDisk } from "./anchored_disk.ts";
import type { Disk } from "./disk.ts";
import { nameIn, type NameRules } from "./target_names.ts";

/** Where a file is, if it is there. */
interface LookedAt {
  readonly path: string;
  /** For all that is done with the path, until the next file is looked for. */
  readonly disk: AnchoredDisk;
}

interface OpenFolder {
  readonly folder: string;
  readonly paths: FolderPaths;
  readonly disk: AnchoredDisk;
}

export class TargetLook implements Disposable {
  readonly #disk: Disk;
  readonly #outDir: string;
  readonly #rules: NameRules;
  /** The folder of the file before: names of one folder follow one another. */
  #above: string | undefined;
  #opened: OpenFolder | undefined;

  constructor(disk: Disk, outDir: string, rules: NameRules) {
    this.#disk = disk;
    this.#outDir = outDir;
    this.#rules = rules;
  }

  /** `undefined` where the folder of the file is not there, or not inside, or the file system cannot hold the name. */
  at(name: SafeFileName): LookedAt | undefined {
    const end = name.lastIndexOf("/");
    const above = end === -1 ? "." : name.slice(0, end);
    if (above !== this.#above) {
      this[Symbol.dispose]();
      this.#above = above;
      this.#opened = this.#open(above);
    }
    if (this.#opened === undefined) return undefined;
    const { folder, paths, disk } = this.#opened;
    const base = this.#nameIn(folder, name.slice(end + 1));
    return base === undefined ? undefined : { path: paths.of(base), disk };
  }

  [Symbol.dispose](): void {
    this.#opened?.disk.close();
    this.#opened = undefined;
  }

  #open(above: string): OpenFolder | undefined {
    // As every path below it begins.
    let folder = dirname(join(this.#outDir, "x"));
    try {
      for (const component of above === "." ? [] : above.split("/")) {
        const base = this.#nameIn(folder, component);
        if (base === undefined) return undefined;
        folder = join(folder, base);
      }
      if (!this.#disk.isFolder(folder)) return undefined;
      const disk = AnchoredDisk.open(this.#disk, this.#outDir, folder, "inside");
      return { folder, paths: new FolderPaths(folder), disk };
    } catch {
      return undefined;
    }
  }

  #nameIn(folder: string, component: string): string | undefined {
    if (!this.#rules.portableNames) return component;
    try {
      return nameIn(this.#disk, folder, component, this.#rules);
    } catch {
      return undefined;
    }
  }
}
