/** The platform's disk. */
import type { Bytes, ModificationTime } from "../../ids.ts";
import type { Disk, DiskFile, FileLook } from "./disk.ts";
import { openFolder } from "./folder_handle.ts";
import { nodeFs } from "./node_fs.ts";
import * as libc from "./libc_files.ts";
import { watchFolder } from "./folder_watch.ts";
import {
  identityAt,
  knownTime,
  modifiedAt,
  openRegularFile,
  signatureAt,
  signatureOf,
} from "./regular_file.ts";
import { renameIfFree } from "./rename_if_free.ts";
import { syncFileSystem } from "./sync_file_system.ts";

/** Bits of a mode, for owner, group and others. */
const MAY_READ = 0o444;
const MAY_RUN = 0o111;
const READ_WRITE: Deno.OpenOptions = { read: true, write: true };
/** For everybody, but for what the process's mask takes away. */
const MODE_DEFAULT = 0o666;

export const denoDisk: Disk = {
  lookAt(path) {
    const status = libc.statusAt(path, "refuse");
    if (status !== undefined) return lookOfStatus(status);
    try {
      return lookOf(Deno.lstatSync(path));
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) return undefined;
      throw cause;
    }
  },

  examine(path) {
    const status = libc.statusAt(path, "refuse");
    if (status !== undefined) {
      const look = lookOfStatus(status);
      const signature = look.kind === "file" ? signatureOf(status, path) : undefined;
      return { ...look, signature, ...knownTime(status) };
    }
    try {
      const info = Deno.lstatSync(path);
      return {
        ...lookOf(info),
        signature: info.isFile ? signatureAt(path, info) : undefined,
        ...modifiedAt(path, info),
      };
    } catch {
      return undefined;
    }
  },

  makePrivateFolder(path) {
    try {
      Deno.mkdirSync(path, { mode: 0o700 });
    } catch (cause) {
      if (!(cause instanceof Deno.errors.AlreadyExists)) throw cause;
    }
  },

  async *entriesIn(folder) {
    for await (const { name, isDirectory, isSymlink } of Deno.readDir(folder)) {
      yield { name, isFolder: isDirectory, isLink: isSymlink };
    }
  },

  create(path, mode) {
    try {
      const options = { ...READ_WRITE, createNew: true, ...(mode !== undefined && { mode }) };
      return new OpenFile(Deno.openSync(path, options), path);
    } catch (cause) {
      if (cause instanceof Deno.errors.AlreadyExists) return undefined;
      throw cause;
    }
  },

  createWhole(path, bytes, time, mode = MODE_DEFAULT) {
    const descriptor = libc.createToWrite(path, mode);
    if (descriptor === undefined) return createWholeByDeno(path, bytes, time, mode);
    try {
      for (let at = 0; at < bytes.length;) {
        const rest = at === 0 ? bytes : bytes.subarray(at);
        const count = libc.writeAt(descriptor, rest, at);
        if (count === 0) writeByDeno(`/proc/self/fd/${descriptor}`, bytes, at);
        at = count === 0 ? bytes.length : at + count;
      }
      libc.setModified(descriptor, time);
      return true;
    } finally {
      libc.close(descriptor);
    }
  },

  renameIfFree,

  link(from, to) {
    try {
      Deno.linkSync(from, to);
      return true;
    } catch (cause) {
      if (cause instanceof Deno.errors.AlreadyExists) return false;
      throw cause;
    }
  },

  async syncFolder(folder) {
    try {
      // Opening on another thread costs ten times what it takes.
      using handle = Deno.openSync(folder, { read: true });
      await handle.sync();
    } catch {
      // Windows and some network file systems cannot; the names themselves are there.
    }
  },

  freeBytes(folder) {
    // Asking for a permission must not prompt.
    const { state } = Deno.permissions.querySync({ name: "sys", kind: "statfs" });
    if (state !== "granted") return undefined;
    const known = libc.fileSystemAt(folder);
    if (known !== undefined) return known.freeBytes;
    try {
      const { bavail, bsize } = nodeFs().statfsSync(folder);
      return bavail * bsize;
    } catch {
      return undefined;
    }
  },

  open(path) {
    const file = new OpenFile(Deno.openSync(path, READ_WRITE), path);
    try {
      const { device, inode } = file.look();
      const named = lookOf(Deno.lstatSync(path));
      if (named.device === device && named.inode === inode) return file;
      throw Object.assign(new Error(`${path} is a link`), { code: "ELOOP" });
    } catch (cause) {
      file.close();
      throw cause;
    }
  },

  read: (path) => Deno.readFileSync(path),
  remove: (path) => Deno.removeSync(path),
  rename: (from, to) => Deno.renameSync(from, to),
  makeFolder: (path) => Deno.mkdirSync(path, { recursive: true }),
  makeLink(target, path) {
    try {
      Deno.symlinkSync(target, path);
      return true;
    } catch (cause) {
      if (cause instanceof Deno.errors.AlreadyExists) return false;
      throw cause;
    }
  },
  setExecutable(path, isExecutable) {
    const { mode, isFile } = Deno.lstatSync(path);
    if (mode === null || !isFile) return;
    Deno.chmodSync(path, isExecutable ? mode | ((mode & MAY_READ) >> 2) : mode & ~MAY_RUN);
  },
  setFolderModified(folder, time) {
    // An open folder's path may be a link to where it is.
    if (libc.setModifiedAt(folder, "follow", Deno.statSync(folder).ino ?? 0, time)) return;
    Deno.utimeSync(folder, time.mtimeMs / 1000, time.mtimeMs / 1000);
  },
  syncFileSystem,
  openFolder,
  namesIn: (folder) => Array.from(Deno.readDirSync(folder), ({ name }) => name),
  watch: watchFolder,
  isFolder: (path) => Deno.statSync(path).isDirectory,
  readLink: (path) => Deno.readLinkSync(path),
  realPath: (path) => Deno.realPathSync(path),
  openRegular: openRegularFile,
  identityAt,
};

class OpenFile implements DiskFile {
  readonly #file: Deno.FsFile;
  /** What it was called when it was opened. */
  readonly #path: string;

  constructor(file: Deno.FsFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  look(): FileLook {
    return lookOf(this.#file.statSync());
  }

  tryLock(): boolean {
    return this.#file.tryLockSync(true);
  }

  writeAt(bytes: Uint8Array, position: number): void {
    this.#file.seekSync(position, Deno.SeekMode.Start);
    for (let at = 0; at < bytes.length;) {
      at += this.#file.writeSync(at === 0 ? bytes : bytes.subarray(at));
    }
  }

  readAt(target: Bytes, position: number): number {
    this.#file.seekSync(position, Deno.SeekMode.Start);
    let at = 0;
    while (at < target.length) {
      const count = this.#file.readSync(at === 0 ? target : target.subarray(at));
      if (count === null || count === 0) break;
      at += count;
    }
    return at;
  }

  truncate(lengthBytes: number): void {
    this.#file.truncateSync(lengthBytes);
  }

  setModified(time: ModificationTime): void {
    // What is open here has no number that others know: its name leads to it as long as it is its name.
    const { inode } = this.look();
    if (time.mtimeRestNs && libc.setModifiedAt(this.#path, "refuse", inode, time)) return;
    this.#file.utimeSync(time.mtimeMs / 1000, time.mtimeMs / 1000);
  }

  async sync(): Promise<void> {
    await this.#file.sync();
  }

  close(): void {
    this.#file.close();
  }
}

function createWholeByDeno(
  path: string,
  bytes: Uint8Array,
  time: ModificationTime,
  mode: number,
): boolean {
  const file = denoDisk.create(path, mode);
  if (file === undefined) return false;
  try {
    if (bytes.length > 0) file.writeAt(bytes, 0);
    setModified(file, time);
  } finally {
    file.close();
  }
  return true;
}

/** A time that this disk cannot hold came with a file that it can. */
function setModified(file: DiskFile, time: ModificationTime): void {
  try {
    file.setModified(time);
  } catch {
    // It stays as it is.
  }
}

/** Either writes what the C library did not, or throws why that is impossible. */
function writeByDeno(path: string, bytes: Uint8Array, from: number): void {
  const file = new OpenFile(Deno.openSync(path, { write: true }), path);
  try {
    file.writeAt(bytes.subarray(from), from);
  } finally {
    file.close();
  }
}

/** Kinds that `st_mode` tells. */
const KIND_OF_MODE = 0o170000;
const KINDS: ReadonlyMap<number, FileLook["kind"]> = new Map([
  [0o100000, "file"],
  [0o040000, "folder"],
  [0o120000, "link"],
]);

function lookOfStatus({ mode, sizeBytes, device, inode, linkCount }: libc.FileStatus): FileLook {
  const kind = KINDS.get(mode & KIND_OF_MODE) ?? "special";
  return { kind, sizeBytes, device, inode, linkCount };
}

function lookOf(info: Deno.FileInfo): FileLook {
  return {
    kind: kindOf(info),
    sizeBytes: info.size,
    device: info.dev,
    inode: info.ino ?? 0,
    linkCount: info.nlink ?? 1,
  };
}

function kindOf(info: Deno.FileInfo): FileLook["kind"] {
  if (info.isSymlink) return "link";
  if (info.isFile) return "file";
  return info.isDirectory ? "folder" : "special";
}
