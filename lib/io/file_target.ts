/**
 * A file in the making: a part file beside its target, locked by whoever writes it, published under
 * the target's name when it is whole.
 *
 * A crash between any two steps leaves the old state, or a part that the next run goes on with:
 *
 * | after | on disk |
 * |---|---|
 * | part created | an empty part: begun again |
 * | chunks written, journal behind | chunks that the journal does not know: fetched again |
 * | part fsynced | the same, whole |
 * | part linked to the target | target and part are one file: found present, the part is left over |
 * | part removed | the target |
 */
import { join } from "@std/path";
import { statfsSync } from "node:fs";
import type { Bytes, SafeFileName } from "../ids.ts";
import { ShoalError } from "../errors.ts";
import { diskError } from "./disk_error.ts";
import { numberedNames, type TargetNames, targetNames } from "./target_names.ts";

export interface PublishOptions {
  /** Kept on the file. */
  readonly mtimeMs: number;
  /** Whether a file that has the name may be replaced. */
  readonly force: boolean;
}

export class FileTarget {
  readonly names: TargetNames;
  readonly #file: Deno.FsFile;
  #isOpen = true;

  private constructor(names: TargetNames, file: Deno.FsFile) {
    this.names = names;
    this.#file = file;
  }

  /**
   * Opens or creates the part file, and locks it.
   *
   * @param tag eight hex digits that tell contents apart
   * @throws ShoalError `busy_target` when somebody else writes it, `not_writable`, `disk_full`, `disk`
   */
  static open(outDir: string, name: SafeFileName, tag: string): FileTarget {
    const names = targetNames(outDir, name, tag);
    try {
      return new FileTarget(names, openLocked(names.partPath));
    } catch (cause) {
      throw diskError(`cannot write ${names.partPath}`, cause);
    }
  }

  get partPath(): string {
    return this.names.partPath;
  }

  /** @throws ShoalError `disk_full`, `not_writable`, `disk` */
  write(bytes: Uint8Array, position: number): void {
    try {
      this.#file.seekSync(position, Deno.SeekMode.Start);
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    } catch (cause) {
      throw diskError(`cannot write ${this.partPath}`, cause);
    }
  }

  /** Fills `target` from `position`; returns how many bytes there were. */
  read(target: Bytes, position: number): number {
    try {
      this.#file.seekSync(position, Deno.SeekMode.Start);
      let at = 0;
      while (at < target.length) {
        const count = this.#file.readSync(target.subarray(at));
        if (count === null || count === 0) break;
        at += count;
      }
      return at;
    } catch (cause) {
      throw diskError(`cannot read ${this.partPath}`, cause);
    }
  }

  /** Empties the part file: what is in it is of no use. */
  clear(): void {
    this.#file.truncateSync(0);
  }

  /** @throws ShoalError `disk_full` when `neededBytes` more cannot fit; says nothing where nobody can tell */
  requireSpace(neededBytes: number): void {
    if (Deno.permissions.querySync({ name: "sys", kind: "statfs" }).state !== "granted") return;
    const { bavail, bsize } = statfsSync(this.names.folder);
    if (bavail * bsize >= neededBytes) return;
    const mib = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
    throw new ShoalError(
      "disk_full",
      `${this.names.folder} has ${mib(bavail * bsize)} free and the file needs ${mib(neededBytes)}`,
    );
  }

  /**
   * Makes the part file the target: mtime set, on disk for good, under a name that was free (or was
   * to be replaced). The folder still has to be synced ({@linkcode syncFolder}). Returns the path.
   */
  publish({ mtimeMs, force }: PublishOptions): string {
    try {
      this.#file.utimeSync(new Date(mtimeMs), new Date(mtimeMs));
      this.#file.syncSync();
      const path = force ? this.#replace() : this.#linkToFreeName();
      this.close();
      return path;
    } catch (cause) {
      throw diskError(`cannot finish ${this.partPath}`, cause);
    }
  }

  /** Removes the part file. */
  discard(): void {
    if (!this.#isOpen) return;
    try {
      Deno.removeSync(this.partPath);
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) {
        throw diskError(`cannot remove ${this.partPath}`, cause);
      }
    } finally {
      this.close();
    }
  }

  /** Gives up the lock; the part file stays. */
  close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }

  #replace(): string {
    const path = join(this.names.folder, this.names.base);
    Deno.renameSync(this.partPath, path);
    return path;
  }

  #linkToFreeName(): string {
    for (const name of numberedNames(this.names.base)) {
      const path = join(this.names.folder, name);
      if (exists(path)) continue;
      try {
        Deno.linkSync(this.partPath, path);
      } catch (cause) {
        if (cause instanceof Deno.errors.AlreadyExists) continue;
        // A file system without links: a rename, which nobody should race with.
        Deno.renameSync(this.partPath, path);
        return path;
      }
      Deno.removeSync(this.partPath);
      return path;
    }
    throw new ShoalError("disk", `too many files named like ${this.names.base}`);
  }
}

/** Makes renames in `folder` survive a power cut, where the platform can. */
export function syncFolder(folder: string): void {
  try {
    using handle = Deno.openSync(folder, { read: true });
    handle.syncSync();
  } catch {
    // Windows and some network file systems cannot; the rename itself has been done.
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw cause;
  }
}

/** Never through a link, never what another process writes, never a file that lost its name meanwhile. */
function openLocked(path: string): Deno.FsFile {
  for (;;) {
    const file = createOrOpen(path);
    try {
      if (!file.tryLockSync(true)) {
        throw new ShoalError("busy_target", `another get is writing ${path}`);
      }
      const opened = file.statSync();
      const named = exists(path) ? Deno.lstatSync(path) : undefined;
      if (named?.ino === opened.ino && named?.dev === opened.dev) return file;
    } catch (cause) {
      file.close();
      throw cause;
    }
    file.close();
  }
}

function createOrOpen(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { createNew: true, read: true, write: true });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
  }
  if (!Deno.lstatSync(path).isFile) {
    throw new ShoalError("not_writable", `${path} is in the way and is not a file`);
  }
  return Deno.openSync(path, { read: true, write: true });
}
