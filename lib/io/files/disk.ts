/**
 * What part files, journals, publishing, presence checks and served files need of a disk. `denoDisk`
 * (`deno_disk.ts`) is the platform's; a simulation brings one of its own.
 *
 * An operation either does what it says or throws an error whose `code` is the operating system's
 * (`ENOSPC`, `EACCES` …); `diskError` (`disk_error.ts`) turns that into what a user is told. Where an
 * outcome is part of normal work, such as a name that is taken, it is returned instead.
 */
import type { Bytes, FileSignature, ModificationTime } from "../../ids.ts";
import type { FileIdentity, OpenedFile } from "./regular_file.ts";

/** What has a name, links not followed. */
export interface FileLook {
  readonly kind: "file" | "folder" | "link" | "special";
  readonly sizeBytes: number;
  readonly device: number;
  readonly inode: number;
  /** How many names the file has. */
  readonly linkCount: number;
}

/** … and what tells whether it has changed, of a regular file. */
export interface FileExamined extends FileLook, ModificationTime {
  readonly signature: FileSignature | undefined;
}

export interface FolderEntry {
  /** As it is spelled there; bytes that are not UTF-8 are U+FFFD. */
  readonly name: string;
  readonly isFolder: boolean;
  readonly isLink: boolean;
}

/** A file open for reading and writing. Close it. */
export interface DiskFile {
  look(): FileLook;
  /** Keeps every other handle from doing the same until this one is closed. `false`: too late. */
  tryLock(): boolean;
  /** Writes all of `bytes`. */
  writeAt(bytes: Uint8Array, position: number): void;
  /** Fills `target`; returns how many bytes there were before the end of the file. */
  readAt(target: Bytes, position: number): number;
  truncate(lengthBytes: number): void;
  /** As exactly as the platform and the file system can. */
  setModified(time: ModificationTime): void;
  /** Resolves when content and attributes would survive a power cut. */
  sync(): Promise<void>;
  close(): void;
}

/** An open folder. Close it. */
export interface FolderHandle {
  /**
   * What is done below this path is done in this very folder, wherever its name leads by then. Where the
   * platform cannot do that, it is the path that was opened: look where it leads before and after.
   */
  readonly path: string;
  /** Where the open folder is now, without links. */
  realPath(): string;
  close(): void;
}

export interface Disk {
  /** What has that name, links not followed; `undefined` when nothing can be seen there. */
  examine(path: string): FileExamined | undefined;
  /** `undefined` when nothing has that name. */
  lookAt(path: string): FileLook | undefined;
  /**
   * Creates an empty file; `undefined` when the name is taken, by whatever.
   *
   * @param mode who may read and write it, where the platform knows that; by default what the process's mask leaves
   */
  create(path: string, mode?: number): DiskFile | undefined;
  /**
   * Creates a file that has these bytes; `false` when the name is taken. A time that the disk cannot hold is left out.
   * Where it throws, a part of the file may be there.
   */
  createWhole(path: string, bytes: Uint8Array, time: ModificationTime, mode?: number): boolean;
  /** Opens the file that is there, links not followed. */
  open(path: string): DiskFile;
  /** All of a file. */
  read(path: string): Bytes;
  remove(path: string): void;
  /** Replaces whatever `to` names. */
  rename(from: string, to: string): void;
  /**
   * Renames in one step if nothing has the name `to`. `false` when it is taken, or cannot be taken so here: then all is
   * as it was.
   */
  renameIfFree(from: string, to: string): boolean;
  /** Gives a file a second name; `false` when that is taken. */
  link(from: string, to: string): boolean;
  /** Makes a folder and those above it; one that is there is fine. */
  makeFolder(path: string): void;
  /** Makes a folder for its owner alone; one that is there stays as it is. Those above it have to be there. */
  makePrivateFolder(path: string): void;
  /** Makes a symbolic link; `false` when the name is taken. */
  makeLink(target: string, path: string): boolean;
  /** Says who may run a file, of those who may read it: all of them or nobody. Links are not followed. */
  setExecutable(path: string, isExecutable: boolean): void;
  /** When a folder says that it was modified. */
  setFolderModified(folder: string, time: ModificationTime): void;
  /**
   * Makes all that was done on a folder's file system survive a power cut. Resolves to `false` where the platform
   * cannot do that for all at once. Never rejects.
   */
  syncFileSystem(folder: string): Promise<boolean>;
  /** Opens a folder, links followed: look where it is. */
  openFolder(path: string): FolderHandle;
  /** What is in a folder, as it is spelled there. */
  namesIn(folder: string): readonly string[];
  /** The same, one by one, for folders that may be large. */
  entriesIn(folder: string): AsyncIterable<FolderEntry>;
  /**
   * Calls `onHint` after changes below a folder, at any time and more often than needed, until the returned function
   * is called. Hints can be missing altogether: they save time, and nothing else.
   */
  watch(folder: string, onHint: () => void): () => void;
  /** Whether `path` leads to a folder, links followed. */
  isFolder(path: string): boolean;
  /** What a link says. */
  readLink(path: string): string;
  /** The path with every link followed. */
  realPath(path: string): string;
  /** Makes the names in a folder survive a power cut, where the platform can. Never rejects. */
  syncFolder(folder: string): Promise<void>;
  /** What a folder's disk has room for; `undefined` where that is unknown. */
  freeBytes(folder: string): number | undefined;
  /**
   * Opens a regular file for reading, and nothing else. Never throws.
   *
   * @param links `follow` for a path that a user typed, `refuse` when the last component must not be one
   */
  openRegular(path: string, links: "follow" | "refuse"): OpenedFile;
  /** What is at `path` now, links followed; `undefined` when nothing can be seen there. */
  identityAt(path: string): FileIdentity | undefined;
}
