/**
 * A disk as it is for those who write into one folder: that folder is open, and what is done with the names in it is done
 * in that very folder, whatever somebody puts in its place or on the way to it meanwhile. Paths are given, and
 * errors tell of them, as users know them.
 */
import { basename } from "@std/path/basename";
import { SEPARATOR } from "@std/path/constants";
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import { relative } from "@std/path/relative";
import type { Bytes, ModificationTime } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { Disk, DiskFile, FileExamined, FileLook, FolderEntry, FolderHandle } from "./disk.ts";
import { diskError } from "./disk_error.ts";
import type { FileIdentity, OpenedFile } from "./regular_file.ts";

const SLASH = 0x2f;

/** `inside`: links may lead around within the folder above. `refuse`: it is no link, nor reached through one. */
type FolderLinks = "inside" | "refuse";

export class AnchoredDisk implements Disk {
  readonly #disk: Disk;
  /** As users know it. */
  readonly #folder: string;
  /** What it has to be inside of, without links. */
  readonly #home: string;
  readonly #handle: FolderHandle;
  /** Where it was when it was opened. */
  readonly #openedAt: string;
  #isOpen = true;

  private constructor(disk: Disk, folder: string, home: string, handle: FolderHandle) {
    this.#disk = disk;
    this.#folder = folder;
    this.#home = home;
    this.#handle = handle;
    this.#openedAt = handle.realPath();
  }

  /**
   * Opens `folder`, which is `outDir` or below it. `outDir` itself is the user's, and may be a link. Close it.
   *
   * @throws ShoalError `not_writable` where the folder is not inside `outDir`, `disk`
   */
  static open(disk: Disk, outDir: string, folder: string, links: FolderLinks): AnchoredDisk {
    let handle: FolderHandle | undefined;
    try {
      const home = disk.realPath(outDir);
      handle = disk.openFolder(folder);
      const anchored = new AnchoredDisk(disk, folder, home, handle);
      const isRefused = links === "refuse" &&
        anchored.#openedAt !== join(home, relative(outDir, folder));
      if (isRefused) throw new ShoalError("not_writable", `${folder} is a link`);
      anchored.#requireInside(anchored.#openedAt);
      return anchored;
    } catch (cause) {
      handle?.close();
      throw diskError(`cannot use ${folder} as a folder`, cause);
    }
  }

  /** Whether the folder is where it was when it was opened. Where it may not be asked for, its name has to do. */
  get isInPlace(): boolean {
    try {
      return this.#handle.realPath() === this.#openedAt;
    } catch {
      return false;
    }
  }

  /** Does `work`, which only looks, in the folder that it is given. */
  use<T>(work: (openFolder: string) => T): T {
    if (!this.#isOpen) throw new Error(`${this.#folder} is not open any more`);
    const { path } = this.#handle;
    try {
      return work(path);
    } catch (cause) {
      if (cause instanceof Error && path !== this.#folder) {
        cause.message = cause.message.replaceAll(path, this.#folder);
      }
      throw cause;
    }
  }

  /**
   * Does `work`, which changes names in the folder that it is given.
   *
   * @throws ShoalError `not_writable` where a name is all that there is of the folder, and it leads out
   */
  change<T>(work: (openFolder: string) => T, undo: (result: T) => void = () => {}): T {
    if (this.#handle.path !== this.#folder) return this.use(work);
    this.#requireInside();
    const result = this.use(work);
    try {
      this.#requireInside();
    } catch (cause) {
      undo(result);
      throw cause;
    }
    return result;
  }

  close(): void {
    if (this.#isOpen) this.#handle.close();
    this.#isOpen = false;
  }

  // — Disk ——————————————————————————————————————————————————————————————————————————————————————

  lookAt(path: string): FileLook | undefined {
    return this.use((open) => this.#disk.lookAt(this.#in(open, path)));
  }

  examine(path: string): FileExamined | undefined {
    return this.use((open) => this.#disk.examine(this.#in(open, path)));
  }

  create(path: string, mode?: number): DiskFile | undefined {
    const create = (open: string): DiskFile | undefined =>
      this.#disk.create(this.#in(open, path), mode);
    return this.change(create, (file) => file?.close());
  }

  createWhole(path: string, bytes: Uint8Array, time: ModificationTime, mode?: number): boolean {
    return this.change((open) => this.#disk.createWhole(this.#in(open, path), bytes, time, mode));
  }

  open(path: string): DiskFile {
    return this.change((open) => this.#disk.open(this.#in(open, path)), (file) => file.close());
  }

  read(path: string): Bytes {
    return this.use((open) => this.#disk.read(this.#in(open, path)));
  }

  remove(path: string): void {
    this.change((open) => this.#disk.remove(this.#in(open, path)));
  }

  rename(from: string, to: string): void {
    this.change((open) => this.#disk.rename(this.#in(open, from), this.#in(open, to)));
  }

  renameIfFree(from: string, to: string): boolean {
    return this.change((open) => this.#disk.renameIfFree(this.#in(open, from), this.#in(open, to)));
  }

  link(from: string, to: string): boolean {
    return this.change((open) => this.#disk.link(this.#in(open, from), this.#in(open, to)));
  }

  makeFolder(path: string): void {
    this.change((open) => this.#disk.makeFolder(this.#in(open, path)));
  }

  makePrivateFolder(path: string): void {
    this.change((open) => this.#disk.makePrivateFolder(this.#in(open, path)));
  }

  makeLink(target: string, path: string): boolean {
    return this.change((open) => this.#disk.makeLink(target, this.#in(open, path)));
  }

  setExecutable(path: string, isExecutable: boolean): void {
    this.change((open) => this.#disk.setExecutable(this.#in(open, path), isExecutable));
  }

  setFolderModified(folder: string, time: ModificationTime): void {
    this.change((open) => this.#disk.setFolderModified(this.#in(open, folder), time));
  }

  syncFileSystem(folder: string): Promise<boolean> {
    return this.use((open) => this.#disk.syncFileSystem(this.#in(open, folder)));
  }

  openFolder(path: string): FolderHandle {
    return this.use((open) => this.#disk.openFolder(this.#in(open, path)));
  }

  namesIn(folder: string): readonly string[] {
    return this.use((open) => this.#disk.namesIn(this.#in(open, folder)));
  }

  entriesIn(folder: string): AsyncIterable<FolderEntry> {
    return this.use((open) => this.#disk.entriesIn(this.#in(open, folder)));
  }

  watch(folder: string, onHint: () => void): () => void {
    return this.use((open) => this.#disk.watch(this.#in(open, folder), onHint));
  }

  isFolder(path: string): boolean {
    return this.use((open) => this.#disk.isFolder(this.#in(open, path)));
  }

  readLink(path: string): string {
    return this.use((open) => this.#disk.readLink(this.#in(open, path)));
  }

  realPath(path: string): string {
    return this.use((open) => this.#disk.realPath(this.#in(open, path)));
  }

  syncFolder(folder: string): Promise<void> {
    return this.use((open) => this.#disk.syncFolder(this.#in(open, folder)));
  }

  freeBytes(folder: string): number | undefined {
    return this.use((open) => this.#disk.freeBytes(this.#in(open, folder)));
  }

  openRegular(path: string, links: "follow" | "refuse"): OpenedFile {
    return this.use((open) => this.#disk.openRegular(this.#in(open, path), links));
  }

  identityAt(path: string): FileIdentity | undefined {
    return this.use((open) => this.#disk.identityAt(this.#in(open, path)));
  }

  // — Below —————————————————————————————————————————————————————————————————————————————————————

  /** The folder and what is directly in it; other paths are as on any disk. */
  #in(openFolder: string, path: string): string {
    if (path === this.#folder) return openFolder;
    const end = this.#folder.length;
    // As most are, and asked for a file at a time: without taking names apart.
    const isPlain = path.charCodeAt(end) === SLASH && path.startsWith(this.#folder) &&
      path.length > end + 1 && path.indexOf("/", end + 1) === -1;
    if (isPlain && SEPARATOR === "/") return openFolder + path.slice(end);
    return dirname(path) === this.#folder ? join(openFolder, basename(path)) : path;
  }

  #requireInside(real = this.#handle.realPath()): void {
    if (real === this.#home || real.startsWith(join(this.#home, "/"))) return;
    throw new ShoalError(
      "not_writable",
      `${this.#folder} is a link that leads out of ${this.#home}`,
    );
  }
}
