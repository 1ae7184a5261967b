/**
 * A disk in memory as exFAT, NTFS or a folder for Windows sees names: without regard to case and Unicode form, and
 * with characters that it refuses.
 */
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import type { Disk, DiskFile, FileLook } from "../../lib/io/files/disk.ts";
import { MemoryDisk } from "../sim/memory_disk.ts";

export interface FoldingDiskOptions {
  /** Whether each spelling of a name gets an inode number of its own, as FUSE without inodes does. */
  readonly makesInodesUp?: boolean;
  /** What it cannot hold, by how it says so. */
  readonly refuses?: readonly (readonly [RegExp, code: string])[];
  /** Whether it has no hard links. */
  readonly lacksLinks?: boolean;
}

export function foldingDisk(options: FoldingDiskOptions = {}): Disk {
  const disk = new MemoryDisk({ writeMs: 0 }, { onWrite() {}, onNamed() {} });
  const inodes = new Map<string, number>();

  /** The path as it is spelled on the disk, where it is there. */
  function spelled(path: string): string {
    if (path === "/" || path === "") return "/";
    const above = spelled(dirname(path));
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (disk.lookAt(above)?.kind !== "folder") return join(above, name);
    const isSame = (each: string): boolean => fold(each) === fold(name);
    return join(above, disk.namesIn(above).find(isSame) ?? name);
  }

  function refuse(path: string, isNew: boolean): void {
    for (const name of path.split("/")) {
      for (const [pattern, code] of options.refuses ?? []) {
        if (!pattern.test(name)) continue;
        if (!isNew && code !== "ENAMETOOLONG") continue;
        throw Object.assign(new Error(`${code}: ${path}`), { code });
      }
    }
  }

  function named(path: string, isNew = false): string {
    refuse(path, isNew);
    return spelled(path);
  }

  function seen(path: string, look: FileLook | undefined): FileLook | undefined {
    if (look === undefined || !options.makesInodesUp) return look;
    const inode = inodes.get(path) ?? inodes.size + 1;
    inodes.set(path, inode);
    return { ...look, inode };
  }

  /** A handle knows its file by the name that it was opened by. */
  function handle(path: string, file: DiskFile): DiskFile {
    return { ...file, look: () => seen(path, file.look())! };
  }

  return {
    lookAt: (path) => seen(path, disk.lookAt(named(path))),
    create(path) {
      const file = disk.create(named(path, true));
      return file && handle(path, file);
    },
    createWhole: (path, bytes, time) => disk.createWhole(named(path, true), bytes, time),
    open: (path) => handle(path, disk.open(named(path))),
    read: (path) => disk.read(named(path)),
    remove: (path) => disk.remove(named(path)),
    rename: (from, to) => disk.rename(named(from), named(to, true)),
    // As on file systems that cannot do it.
    renameIfFree: () => false,
    link(from, to) {
      if (options.lacksLinks) throw Object.assign(new Error("EPERM"), { code: "EPERM" });
      return disk.link(named(from), named(to, true));
    },
    examine(path) {
      const found = disk.examine(named(path));
      return found && { ...found, ...seen(path, found) };
    },
    makePrivateFolder: (path) => disk.makePrivateFolder(named(path, true)),
    entriesIn: (folder) => disk.entriesIn(named(folder)),
    watch: (folder, onHint) => disk.watch(named(folder), onHint),
    makeLink: () => disk.makeLink(),
    setExecutable: () => disk.setExecutable(),
    setFolderModified: () => disk.setFolderModified(),
    syncFileSystem: () => disk.syncFileSystem(),
    makeFolder: (path) => disk.makeFolder(named(path, true)),
    openFolder: (path) => ({ ...disk.openFolder(named(path)), path }),
    namesIn: (folder) => disk.namesIn(named(folder)),
    isFolder: (path) => disk.isFolder(named(path)),
    readLink: (path) => disk.readLink(named(path)),
    realPath: (path) => disk.realPath(named(path)),
    syncFolder: () => disk.syncFolder(),
    freeBytes: () => disk.freeBytes(),
    openRegular: (path) => disk.openRegular(named(path)),
    identityAt: (path) => disk.identityAt(named(path)),
  };
}

function fold(name: string): string {
  return name.normalize("NFC").toLowerCase();
}
