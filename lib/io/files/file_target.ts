/**
 * A file in the making: a part file beside its target, locked by its writer, published under
 * the target's name when it is whole.
 *
 * A crash between any two steps leaves the old state, or a part that the next run resumes:
 *
 * | the last step before the crash | what is on disk | the next run |
 * |---|---|---|
 * | part created and locked | an empty part; the lock died with the process | begins again |
 * | chunks written, journal behind | chunks that no journal marks | fetches those again |
 * | journal written | marked chunks | proves the marks, resumes |
 * | mtime set, part synced | the same, whole | proves the marks, publishes |
 * | part linked to a free name | target and part are one file | finds the target present, unlinks the part |
 * | (or: part renamed over the target) | the target | finds it present |
 * | part unlinked | the target, and a journal of no part | finds it present, removes the journal |
 * | folder synced, journal removed | the target | finds it present |
 *
 * Used by the assembler and, on the main thread, for files whose size is not known beforehand.
 */
import { join } from "@std/path/join";
import type { Bytes, ModificationTime } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { sizeText } from "../../sizes.ts";
import type { OnTaken } from "../../protocol/download/target_messages.ts";
import { takeFreeName } from "./free_name.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { diskError, isTaken, nameError } from "./disk_error.ts";
import { writeSparse } from "./sparse_write.ts";
import type { TargetNames } from "./target_names.ts";

/** Where a finished file goes. */
type TargetPlace = Pick<TargetNames, "folder" | "base">;

export class FileTarget {
  readonly names: TargetNames;
  /** Whether the part file was made just now, so that there is nothing to resume. */
  readonly isFresh: boolean;
  readonly #disk: Disk;
  readonly #file: DiskFile;
  readonly #isSparse: boolean;
  #isOpen = true;

  private constructor(
    disk: Disk,
    names: TargetNames,
    { file, isFresh }: LockedFile,
    isSparse: boolean,
  ) {
    this.#disk = disk;
    this.names = names;
    this.#file = file;
    this.isFresh = isFresh;
    this.#isSparse = isSparse;
  }

  /**
   * Opens or creates the part file, and locks it.
   *
   * @param options whether blocks of zeros are left out as holes; they are written by default
   * @throws ShoalError `busy_target` when somebody else writes it, `unnameable`, `not_writable`, `disk_full`, `disk`
   */
  static open(
    disk: Disk,
    names: TargetNames,
    { sparse = false }: { readonly sparse?: boolean } = {},
  ): FileTarget {
    try {
      return new FileTarget(disk, names, openLocked(disk, names.partPath), sparse);
    } catch (cause) {
      throw nameError(disk, names.folder, names.base, cause) ??
        diskError(
          isTaken(cause) ? `cannot write ${names.partPath}` : `cannot write to ${names.folder}`,
          cause,
        );
    }
  }

  get partPath(): string {
    return this.names.partPath;
  }

  /** How long the part file is now. */
  get lengthBytes(): number {
    return this.#file.look().sizeBytes;
  }

  /** @throws ShoalError `disk_full`, `not_writable`, `disk` */
  write(bytes: Uint8Array, position: number): void {
    try {
      if (this.#isSparse) writeSparse(this.#file, bytes, position);
      else this.#file.writeAt(bytes, position);
    } catch (cause) {
      throw diskError(`cannot write ${this.partPath}`, cause);
    }
  }

  /** Fills `target` from `position`; returns how many bytes there were. */
  read(target: Bytes, position: number): number {
    try {
      return this.#file.readAt(target, position);
    } catch (cause) {
      throw diskError(`cannot read ${this.partPath}`, cause);
    }
  }

  /** Empties the part file: what is in it is of no use. */
  clear(): void {
    this.truncate(0);
  }

  /** What lies beyond `lengthBytes` is of no use. */
  truncate(lengthBytes: number): void {
    try {
      this.#file.truncate(lengthBytes);
    } catch (cause) {
      throw diskError(`cannot write ${this.partPath}`, cause);
    }
  }

  /** @throws ShoalError `disk_full` when `neededBytes` more cannot fit; says nothing where that is unknown */
  requireSpace(neededBytes: number): void {
    const freeBytes = this.#disk.freeBytes(this.names.folder);
    if (freeBytes === undefined || freeBytes >= neededBytes) return;
    const [free, needed] = [sizeText(freeBytes), sizeText(neededBytes)];
    const message = `${this.names.folder} has ${free} free and the file needs ${needed} more`;
    throw new ShoalError("disk_full", message);
  }

  /**
   * Sets the time that the published file shall have and brings everything to the disk for good, off
   * this thread. Nothing may be read or written meanwhile; {@linkcode close} and
   * {@linkcode discard} may be called.
   */
  async seal(time: ModificationTime): Promise<void> {
    try {
      this.#file.setModified(time);
    } catch {
      // A time that this disk cannot hold came with a file that it can.
    }
    try {
      await this.#file.sync();
    } catch (cause) {
      throw diskError(`cannot finish ${this.partPath}`, cause);
    }
  }

  /**
   * Gives the sealed part file its final name and lets go of it. Where names are numbered, that is the first
   * free one of `NAME.ext`, `NAME (2).ext` …; nothing is overwritten unless it is to be replaced. The folder still has to
   * be synced (`folder_syncs.ts`). Returns the path.
   *
   * @param place another folder of the same disk, and a name in it
   */
  publish(onTaken: OnTaken, place: TargetPlace = this.names): string {
    try {
      const path = onTaken === "replace"
        ? this.#replace(place)
        : takeFreeName(this.#disk, this.partPath, place, onTaken);
      this.close();
      return path;
    } catch (cause) {
      throw this.#nameError(place, cause) ?? diskError(`cannot finish ${this.partPath}`, cause);
    }
  }

  /** Removes the part file. */
  discard(): void {
    if (!this.#isOpen) return;
    try {
      if (this.#disk.lookAt(this.partPath) !== undefined) this.#disk.remove(this.partPath);
    } catch (cause) {
      throw diskError(`cannot remove ${this.partPath}`, cause);
    } finally {
      this.close();
    }
  }

  /** Gives up the lock; the part file stays. */
  close(): void {
    if (this.#isOpen) this.#file.close();
    this.#isOpen = false;
  }

  /** If the part file itself is gone, the name is not why. */
  #nameError({ folder, base }: TargetPlace, cause: unknown): ShoalError | undefined {
    const isThere = this.#disk.lookAt(this.partPath) !== undefined;
    return isThere ? nameError(this.#disk, folder, base, cause) : undefined;
  }

  #replace({ folder, base }: TargetPlace): string {
    const path = join(folder, base);
    this.#disk.rename(this.partPath, path);
    return path;
  }
}

interface LockedFile {
  readonly file: DiskFile;
  readonly isFresh: boolean;
}

/** Never through a link, never what somebody else writes, never a file that has another name as well. */
function openLocked(disk: Disk, path: string): LockedFile {
  for (;;) {
    const locked = createOrOpen(disk, path);
    const { file } = locked;
    try {
      if (!file.tryLock()) {
        throw new ShoalError("busy_target", `${path} is already being written`);
      }
      const opened = file.look();
      const named = disk.lookAt(path);
      const isStillNamed = named?.inode === opened.inode && named?.device === opened.device;
      if (isStillNamed && opened.linkCount === 1) return locked;
      // Published, but its run was cut off before it could unlink the part: writing would hit the file.
      if (isStillNamed) disk.remove(path);
    } catch (cause) {
      file.close();
      throw cause;
    }
    file.close();
  }
}

function createOrOpen(disk: Disk, path: string): LockedFile {
  const created = disk.create(path);
  if (created !== undefined) return { file: created, isFresh: true };
  if (disk.lookAt(path)?.kind !== "file") {
    throw new ShoalError("not_writable", `${path} is in the way and is not a file`);
  }
  return { file: disk.open(path), isFresh: false };
}
