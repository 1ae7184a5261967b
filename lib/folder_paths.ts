/** Paths of files below one folder, as `join` makes them: safe names have nothing in them that would have to be taken apart. */
import { SEPARATOR } from "@std/path/constants";
import { join } from "@std/path/join";

export class FolderPaths {
  readonly #folder: string;
  /** What all of them begin with. */
  readonly #start: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#start = join(folder, "x").slice(0, -1);
  }

  /** @param name what `parseFileName` accepts */
  of(name: string): string {
    return SEPARATOR === "/" ? this.#start + name : join(this.#folder, name);
  }
}
