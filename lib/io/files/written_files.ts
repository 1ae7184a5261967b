/**
 * The files that a run has written, or found to be there already: what it never overwrites, by whatever name.
 * Some file systems give one file to names that differ in case, in their Unicode form, or in the dots at their end.
 */
import { basename } from "@std/path/basename";
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import type { Disk, FileLook } from "./disk.ts";

export class WrittenFiles {
  readonly #disk: Disk;
  /** Paths, by what they have in common with others that may lead to the same file. */
  readonly #byFolded = new Map<string, Set<string>>();
  readonly #byFile = new Map<string, string>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** The run has a file at this path, which is there now. */
  add(path: string): void {
    const folded = foldedPath(path);
    const paths = this.#byFolded.get(folded);
    if (paths === undefined) this.#byFolded.set(folded, new Set([path]));
    else paths.add(path);
    const look = this.#lookAt(path);
    if (look !== undefined) this.#byFile.set(fileOf(look), path);
  }

  /** Whether what is at `path` now is a file of this run, under this name or another. */
  holds(path: string): boolean {
    const look = this.#lookAt(path);
    if (look === undefined) return false;
    const paths = this.#byFolded.get(foldedPath(path)) ?? new Set();
    if (paths.has(path)) return true;
    const same = this.#byFile.get(fileOf(look));
    const alike = same === undefined ? [...paths] : [same, ...paths];
    return alike.some((other) => this.#isSameFile(path, look, other));
  }

  #isSameFile(path: string, look: FileLook, other: string): boolean {
    const otherLook = this.#lookAt(other);
    if (otherLook === undefined) return false;
    if (fileOf(otherLook) === fileOf(look)) return true;
    // Some file systems make inode numbers up, a number per name: there it counts how the folder spells it.
    return foldedPath(other) === foldedPath(path) && this.#spelled(other) === this.#spelled(path);
  }

  /** The path as its folders list it. */
  #spelled(path: string): string {
    const [above, name] = [dirname(path), basename(path)];
    if (above === path || name === "." || name === "..") return path;
    return join(this.#spelled(above), this.#listedName(above, name));
  }

  #listedName(folder: string, name: string): string {
    const names = this.#namesIn(folder);
    if (names.includes(name)) return name;
    return names.find((each) => folded(each) === folded(name)) ?? name;
  }

  #namesIn(folder: string): readonly string[] {
    try {
      return this.#disk.namesIn(folder);
    } catch {
      return [];
    }
  }

  #lookAt(path: string): FileLook | undefined {
    try {
      return this.#disk.lookAt(path);
    } catch {
      return undefined;
    }
  }
}

/** The same for all paths that any file system might take for one. */
export function foldedPath(path: string): string {
  return path.split("/").map(folded).join("/");
}

function folded(name: string): string {
  const cased = name.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFKC");
  return cased.replace(/[. ]+$/, "");
}

function fileOf({ device, inode }: FileLook): string {
  return `${device}:${inode}`;
}
