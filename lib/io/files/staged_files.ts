/**
 * Small files on their way to their names, many at a time. They are written into a folder of their own below the target
 * folder, which nobody else uses; once one sync has brought all of them to the disk they are given their names. So no
 * file is under its name before it is whole, whatever happens, and a thousand files cost one sync.
 *
 * A crash leaves the folder of staged files behind; it is named like an unfinished download, so that no server
 * offers it, and the next run into the same target removes it.
 */
import { SEPARATOR } from "@std/path/constants";
import { join } from "@std/path/join";
import { FolderPaths } from "../../folder_paths.ts";
import { ShoalError } from "../../errors.ts";
import { sizeText } from "../../sizes.ts";
import { type FileSignature, type ModificationTime, type SafeFileName, toHex } from "../../ids.ts";
import type { FileRules } from "../../messages/assembler_worker.ts";
import { sha256 } from "../../protocol/base/sha256.ts";
import type { TreeTarget } from "../../protocol/folder/tree_columns.ts";
import { stagingName } from "../../names.ts";
import { AnchoredDisk } from "./anchored_disk.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { diskError, nameError } from "./disk_error.ts";
import { takeFreeName } from "./free_name.ts";
import { type OpenTarget, TargetFolders } from "./target_folders.ts";
import { nameIn } from "./target_names.ts";
import type { WrittenFiles } from "./written_files.ts";

const utf8 = new TextEncoder();

/** Read and write for all, and run: what the process's mask takes away is taken away. */
const EXECUTABLE_MODE = 0o777;

export interface StagedFile {
  readonly target: TreeTarget;
  /** What it is called among the staged. */
  readonly staged: string;
}

interface StagingRules extends FileRules {
  /** The files of this run: none of them is replaced. */
  readonly written: WrittenFiles;
}

interface PlacedFile {
  readonly path: string;
  readonly signature: FileSignature | undefined;
}

export class StagedFiles {
  readonly #disk: Disk;
  readonly #outDir: string;
  readonly #tag: string;
  readonly #folders: TargetFolders;
  readonly #path: string;
  readonly #staged: FolderPaths;
  readonly #stage: AnchoredDisk;
  readonly #lock: DiskFile;
  readonly #rules: StagingRules;
  /** Of the file before: its folder stays open for the next one, which mostly goes there as well. */
  #place: OpenTarget | undefined;
  /** The folder of that, as its name has it. */
  #above = "";
  #count = 0;

  private constructor(
    disk: Disk,
    outDir: string,
    tag: string,
    rules: StagingRules,
    path: string,
    { stage, lock }: { readonly stage: AnchoredDisk; readonly lock: DiskFile },
  ) {
    this.#disk = disk;
    this.#outDir = outDir;
    this.#tag = tag;
    this.#folders = new TargetFolders(disk, rules);
    this.#rules = rules;
    this.#path = path;
    this.#staged = new FolderPaths(path);
    this.#stage = stage;
    this.#lock = lock;
  }

  /**
   * Makes the folder for staged files, in the place of what an earlier run has left there.
   *
   * @throws ShoalError `busy_target` where another run stages its files there, `not_writable`, `disk_full`, `disk`
   */
  static open(disk: Disk, outDir: string, tag: string, rules: StagingRules): StagedFiles {
    const path = join(outDir, stagingName(tag));
    try {
      disk.makeFolder(outDir);
      disk.makeFolder(path);
      const stage = AnchoredDisk.open(disk, outDir, path, "refuse");
      try {
        return new StagedFiles(disk, outDir, tag, rules, path, {
          stage,
          lock: locked(stage, path),
        });
      } catch (cause) {
        stage.close();
        throw cause;
      }
    } catch (cause) {
      throw diskError(`cannot write to ${outDir}`, cause);
    }
  }

  /** @throws ShoalError `disk_full` when so much cannot fit; says nothing where that is unknown */
  requireSpace(neededBytes: number): void {
    const freeBytes = this.#stage.freeBytes(this.#path);
    if (freeBytes === undefined || freeBytes >= neededBytes) return;
    throw new ShoalError(
      "disk_full",
      `${this.#outDir} has ${sizeText(freeBytes)} free and the files need ${
        sizeText(neededBytes)
      } more`,
    );
  }

  /** @throws ShoalError `disk_full`, `disk` */
  write(bytes: Uint8Array, target: TreeTarget): StagedFile {
    const staged = String(this.#count++);
    try {
      const path = this.#staged.of(staged);
      const mode = target.isExecutable ? EXECUTABLE_MODE : undefined;
      if (this.#stage.createWhole(path, bytes, target, mode)) return { target, staged };
      throw new ShoalError("busy_target", `${path} is in the way`);
    } catch (cause) {
      throw diskError(`cannot write ${target.name}`, cause);
    }
  }

  /** Gives up a file that has no name yet. Never throws. */
  discard({ staged }: StagedFile): void {
    try {
      this.#stage.remove(this.#staged.of(staged));
    } catch {
      // It is removed with the folder.
    }
  }

  /** Brings all that was written to the disk for good. */
  async sync(files: Iterable<StagedFile>): Promise<void> {
    if (await this.#stage.syncFileSystem(this.#path)) return;
    try {
      for (const { staged } of files) {
        const file = this.#stage.open(this.#staged.of(staged));
        try {
          await file.sync();
        } finally {
          file.close();
        }
      }
    } catch (cause) {
      throw diskError(`cannot finish the files in ${this.#outDir}`, cause);
    }
  }

  /** Makes the names survive a power cut, where the platform can do that for all of them. */
  async syncNames(): Promise<void> {
    await this.#stage.syncFileSystem(this.#path);
  }

  /**
   * Gives a file its name, or one beside it where something else has that. Files of one folder follow one another: whoever
   * lets others work in between leaves the folder before.
   *
   * @throws ShoalError `unnameable`, `not_writable`, `disk_full`, `disk`
   */
  publish({ target, staged }: StagedFile): PlacedFile {
    const { disk, folder, base } = this.#placed(target.name);
    try {
      const path = this.#stage.use((stage) => {
        const from = `${stage}${SEPARATOR}${staged}`;
        const own = folder + SEPARATOR + base;
        // Where a disk takes two names for one, the second file must not replace the first.
        return target.isReplaced && !this.#rules.written.holds(own)
          ? replace(disk, from, own)
          : takeFreeName(disk, from, { folder, base });
      });
      if (target.isReplaced) this.#rules.written.add(path);
      return { path, signature: disk.identityAt(path)?.signature };
    } catch (cause) {
      throw nameError(disk, folder, base, cause) ?? diskError(`cannot write ${target.name}`, cause);
    }
  }

  /** @throws ShoalError as {@linkcode StagedFiles.publish} does */
  makeFolder(name: SafeFileName): string {
    // The folder above is opened with all that leads to it; this one is made by what goes into it.
    return this.#placed(`${name}/x` as SafeFileName).folder;
  }

  /** Last, since whatever is done in a folder changes its time. */
  setFolderModified(name: SafeFileName, time: ModificationTime): void {
    try {
      const { disk, folder } = this.#placed(`${name}/x` as SafeFileName);
      disk.setFolderModified(folder, time);
    } catch {
      // A time that this disk cannot hold.
    }
  }

  /**
   * A link, unless something has its name: then that stays.
   *
   * @throws ShoalError `busy_target`, and as {@linkcode StagedFiles.publish} does
   */
  makeLink(name: SafeFileName, linkTarget: string): string {
    const { disk, folder, base } = this.#placed(name);
    const path = join(folder, base);
    try {
      if (disk.makeLink(linkTarget, path) || isSameLink(disk, path, linkTarget)) return path;
      throw new ShoalError("busy_target", `${path} already exists and is something else`);
    } catch (cause) {
      throw nameError(disk, folder, base, cause) ?? diskError(`cannot make ${path}`, cause);
    }
  }

  /** Somebody else may work now, and move folders: the next file looks where its folder is. */
  leaveFolder(): void {
    this.#place?.close();
    this.#place = undefined;
  }

  #placed(name: SafeFileName): {
    readonly disk: AnchoredDisk;
    readonly folder: string;
    readonly base: string;
  } {
    const end = name.lastIndexOf("/");
    const above = name.slice(0, Math.max(0, end));
    if (this.#place === undefined || above !== this.#above) {
      const place = this.#folders.open(this.#outDir, name, this.#tag);
      this.leaveFolder();
      this.#place = place;
      this.#above = above;
    }
    const { disk, names: { folder } } = this.#place;
    return { disk, folder, base: nameIn(disk, folder, name.slice(end + 1), this.#rules) };
  }

  /** Removes what is staged and has no name yet. Never throws. */
  close(): void {
    this.leaveFolder();
    try {
      // The lock goes while it is held: who gets hold of it after that sees that it is no more.
      removeAll(this.#stage, this.#path);
      this.#lock.close();
    } catch {
      // The next run removes it.
    }
    this.#stage.close();
    try {
      this.#disk.remove(this.#path);
    } catch {
      // The same.
    }
  }
}

/**
 * Whether files for a folder are being staged, or were by a run that did not end.
 *
 * @param root the folder below `outDir`, if it is not that itself
 */
export function isStaging(disk: Disk, outDir: string, root: SafeFileName | undefined): boolean {
  return disk.lookAt(join(outDir, stagingName(stagingTag(root)))) !== undefined;
}

/** Of where files go, so that two runs into one folder meet, whatever they make of what is in it. */
export function stagingTag(root: SafeFileName | undefined): string {
  return toHex(sha256(utf8.encode(root ?? "."))).slice(0, 8);
}

/** Whoever holds the lock stages files here; what is here without it was left behind. */
function locked(stage: AnchoredDisk, path: string): DiskFile {
  const lockPath = join(path, "lock");
  const lock = stage.create(lockPath) ?? stage.open(lockPath);
  if (!lock.tryLock() || stage.lookAt(lockPath)?.inode !== lock.look().inode) {
    lock.close();
    throw new ShoalError("busy_target", "another get writes to that folder at the moment");
  }
  removeAll(stage, path, "lock");
  return lock;
}

function removeAll(stage: AnchoredDisk, path: string, but?: string): void {
  for (const name of stage.namesIn(path)) if (name !== but) stage.remove(join(path, name));
}

function replace(disk: AnchoredDisk, from: string, path: string): string {
  disk.rename(from, path);
  return path;
}

function isSameLink(disk: AnchoredDisk, path: string, target: string): boolean {
  return disk.lookAt(path)?.kind === "link" && disk.readLink(path) === target;
}
