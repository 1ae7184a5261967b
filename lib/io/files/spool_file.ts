/**
 * A file for what comes in and is to be read again, in a folder of its owner's alone. It is locked while its process
 * lives, so that the next one can tell what was left behind by a crash, and removes it.
 */
import { join } from "@std/path/join";
import { ShoalError } from "../../errors.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { diskError } from "./disk_error.ts";

const SUFFIX = ".spool";
const OWNER_ONLY = 0o600;

export class SpoolFile {
  /** Absolute, without links. */
  readonly folder: string;
  readonly name: string;
  readonly #disk: Disk;
  readonly #file: DiskFile;
  #lengthBytes = 0;
  #isOpen = true;

  /**
   * Removes what others have left behind in `folder`, which exists, and creates an empty file there.
   *
   * @param tag tells it from all others
   * @throws ShoalError `disk_full`, `not_writable`, `disk`
   */
  constructor(disk: Disk, folder: string, tag: string) {
    this.#disk = disk;
    this.name = tag + SUFFIX;
    try {
      this.folder = disk.realPath(folder);
      removeAbandoned(disk, this.folder);
      const file = disk.create(this.#path, OWNER_ONLY);
      if (file === undefined) throw new ShoalError("disk", `${this.#path} is there already`);
      this.#file = file;
      file.tryLock();
    } catch (cause) {
      throw diskError(`cannot write to ${folder}`, cause);
    }
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** @throws ShoalError `disk_full`, `disk` */
  append(bytes: Uint8Array): void {
    try {
      this.#file.writeAt(bytes, this.#lengthBytes);
    } catch (cause) {
      throw diskError(`cannot write ${this.#path}`, cause);
    }
    this.#lengthBytes += bytes.length;
  }

  /** Removes it; does nothing the second time. */
  remove(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      this.#disk.remove(this.#path);
    } catch {
      // Somebody tidied up: it is gone.
    }
    this.#file.close();
  }

  get #path(): string {
    return join(this.folder, this.name);
  }
}

/** What no process has locked. */
function removeAbandoned(disk: Disk, folder: string): void {
  for (const name of disk.namesIn(folder)) {
    if (!name.endsWith(SUFFIX)) continue;
    const path = join(folder, name);
    try {
      const file = disk.open(path);
      try {
        if (file.tryLock()) disk.remove(path);
      } finally {
        file.close();
      }
    } catch {
      // Removed meanwhile, or none of ours.
    }
  }
}
