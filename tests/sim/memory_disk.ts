/**
 * A disk in memory, so that part files, journals and publishing are the real code in a simulated
 * world. It can be full, fail one write, or be cut off in the middle of an operation, as by a crash of
 * the process: what was done until then stays. It knows no links from one path to another.
 */
import { basename } from "@std/path/basename";
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import type { Bytes, ModificationTime } from "../../lib/ids.ts";
import type {
  Disk,
  DiskFile,
  FileExamined,
  FileLook,
  FolderEntry,
  FolderHandle,
} from "../../lib/io/files/disk.ts";
import type { FileIdentity, OpenedFile, RegularFile } from "../../lib/io/files/regular_file.ts";
import type { DiskSpec } from "./scenario.ts";
import type { Gate } from "./virtual_clock.ts";

interface Node {
  bytes: Bytes;
  length: number;
  links: number;
  isLocked: boolean;
  modified: ModificationTime;
  /** Counts its changes, since the disk has no clock. */
  ctimeMs: number;
  readonly inode: number;
}

export interface DiskWatch {
  /** These bytes were written, there. */
  readonly onWrite: (path: string, bytes: Uint8Array, position: number) => void;
  /** The file of this path has this name as well, or instead. */
  readonly onNamed: (from: string, to: string, bytes: Uint8Array) => void;
}

/** Resolves when the disk has had so long, and the gate lets it. */
export type DiskWait = (ms: number, gate: Gate) => Promise<void>;

/** Bringing a file, or the names in a folder, to the disk for good. */
const SYNC_MS_DEFAULT = 2;

export class DiskCut extends Error {}

export class MemoryDisk implements Disk {
  readonly #spec: DiskSpec;
  readonly #watch: DiskWatch;
  readonly #wait: DiskWait;
  readonly #nodes = new Map<string, Node>();
  readonly #folders = new Set<string>(["/"]);
  readonly #watchers = new Set<{ readonly folder: string; readonly onHint: () => void }>();
  #nextInode = 1;
  #writes = 0;
  #ops = 0;
  /** How often a process was started before. */
  #run = 0;
  /** Number of the operation that is the last of this process. */
  cutAtOp = Infinity;
  isCut = false;
  /** Errors that it has given: a transfer may end with one of them. */
  failures = 0;

  /** @param wait how long syncs take; no time by default */
  constructor(spec: DiskSpec, watch: DiskWatch, wait: DiskWait = () => Promise.resolve()) {
    this.#wait = wait;
    this.#spec = spec;
    this.#watch = watch;
  }

  get paths(): string[] {
    return [...this.#nodes.keys()];
  }

  get openCount(): number {
    let count = 0;
    for (const node of this.#nodes.values()) if (node.isLocked) count += 1;
    return count;
  }

  /** What is in a file. */
  contentOf(path: string): Uint8Array | undefined {
    const node = this.#nodes.get(path);
    return node?.bytes.subarray(0, node.length);
  }

  /** The process is gone: its locks are, too. */
  restart(): void {
    for (const node of this.#nodes.values()) node.isLocked = false;
    this.#watchers.clear();
    this.isCut = false;
    this.cutAtOp = Infinity;
    this.#ops = 0;
    this.#run += 1;
  }

  /** A byte in the middle of a file goes bad. */
  rot(path: string, at: number): void {
    const node = this.#nodes.get(path);
    if (node !== undefined && at < node.length) node.bytes[at]! ^= 1;
  }

  /** Somebody removes a file. */
  unlink(path: string): void {
    if (this.#nodes.delete(path)) this.#hint(path);
  }

  /** Puts a file there, or changes the one that is there in its place. The bytes are not copied. */
  put(path: string, bytes: Bytes, mtimeMs: number): void {
    this.#put(path, bytes, mtimeMs);
    this.#hint(path);
  }

  #put(path: string, bytes: Bytes, mtimeMs: number): void {
    this.makeFolder(dirname(path));
    const inode = this.#nodes.get(path)?.inode ?? this.#nextInode++;
    const { length } = bytes;
    const node = this.#nodes.get(path);
    if (node !== undefined) {
      Object.assign(node, { bytes, length, modified: { mtimeMs }, ctimeMs: node.ctimeMs + 1 });
      return;
    }
    const age = { modified: { mtimeMs }, ctimeMs: 1 };
    this.#nodes.set(path, { bytes, length, links: 1, isLocked: false, ...age, inode });
  }

  // — Disk ——————————————————————————————————————————————————————————————————————————————————————

  lookAt(path: string): FileLook | undefined {
    return this.#op(() => {
      if (this.#folders.has(path)) return folderLook();
      const node = this.#nodes.get(path);
      return node === undefined ? undefined : lookOf(node);
    });
  }

  examine(path: string): FileExamined | undefined {
    const look = this.lookAt(path);
    if (look === undefined) return undefined;
    const node = this.#nodes.get(path);
    const modified = node?.modified ?? { mtimeMs: 0 };
    return { ...look, signature: node && identityOf(node).signature, ...modified };
  }

  /** It knows no links. */
  makeLink(): boolean {
    return this.#op(() => {
      throw Object.assign(new Error("operation not permitted"), { code: "EPERM" });
    });
  }

  setExecutable(): void {}

  setFolderModified(): void {}

  async syncFileSystem(): Promise<boolean> {
    await this.syncFolder();
    return true;
  }

  create(path: string): DiskFile | undefined {
    return this.#op(() => {
      if (this.#isTaken(path)) return undefined;
      this.#requireFolderOf(path);
      const node: Node = {
        ...{
          bytes: new Uint8Array(0),
          length: 0,
          links: 1,
          isLocked: false,
          modified: { mtimeMs: 0 },
          ctimeMs: 1,
        },
        inode: this.#nextInode++,
      };
      this.#nodes.set(path, node);
      this.#hint(path);
      return this.#handle(path, node);
    });
  }

  createWhole(path: string, bytes: Uint8Array, time: ModificationTime): boolean {
    const file = this.create(path);
    if (file === undefined) return false;
    try {
      if (bytes.length > 0) file.writeAt(bytes, 0);
      file.setModified(time);
    } finally {
      file.close();
    }
    return true;
  }

  open(path: string): DiskFile {
    return this.#op(() => this.#handle(path, this.#node(path)));
  }

  read(path: string): Bytes {
    const node = this.#node(path);
    return node.bytes.slice(0, node.length);
  }

  remove(path: string): void {
    this.#op(() => {
      this.#node(path).links -= 1;
      this.#nodes.delete(path);
    });
  }

  rename(from: string, to: string): void {
    this.#op(() => {
      const node = this.#node(from);
      if (this.#folders.has(to)) fail("EISDIR", to);
      this.#requireFolderOf(to);
      this.#nodes.delete(from);
      this.#nodes.set(to, node);
      this.#watch.onNamed(from, to, node.bytes.subarray(0, node.length));
      this.#hint(to);
    });
  }

  renameIfFree(from: string, to: string): boolean {
    try {
      if (this.#isTaken(to)) return false;
      this.rename(from, to);
      return true;
    } catch {
      return false;
    }
  }

  link(from: string, to: string): boolean {
    return this.#op(() => {
      const node = this.#node(from);
      if (this.#isTaken(to)) return false;
      this.#requireFolderOf(to);
      node.links += 1;
      this.#nodes.set(to, node);
      this.#watch.onNamed(from, to, node.bytes.subarray(0, node.length));
      this.#hint(to);
      return true;
    });
  }

  makeFolder(path: string): void {
    if (this.#folders.has(path)) return;
    if (this.#nodes.has(path)) fail("EEXIST", path);
    for (let above = dirname(path); !this.#folders.has(above); above = dirname(above)) {
      if (this.#nodes.has(above)) fail("ENOTDIR", path);
      this.#folders.add(above);
    }
    this.#folders.add(path);
  }

  makePrivateFolder(path: string): void {
    this.#op(() => {
      this.#requireFolderOf(path);
      this.makeFolder(path);
    });
  }

  openFolder(path: string): FolderHandle {
    this.realPath(path);
    return { path, realPath: () => this.realPath(path), close() {} };
  }

  namesIn(folder: string): readonly string[] {
    const paths = [...this.#nodes.keys(), ...this.#folders];
    return paths.filter((path) => path !== "/" && dirname(path) === folder).map((path) =>
      basename(path)
    );
  }

  async *entriesIn(folder: string): AsyncGenerator<FolderEntry> {
    if (!this.#folders.has(folder)) fail(this.#nodes.has(folder) ? "ENOTDIR" : "ENOENT", folder);
    for (const name of this.namesIn(folder)) {
      yield { name, isFolder: this.#folders.has(join(folder, name)), isLink: false };
    }
  }

  watch(folder: string, onHint: () => void): () => void {
    const watcher = { folder: join(folder, "/"), onHint };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  isFolder(path: string): boolean {
    if (this.#folders.has(path)) return true;
    this.#node(path);
    return false;
  }

  /** There are none. */
  readLink(path: string): never {
    fail("EINVAL", path);
  }

  realPath(path: string): string {
    if (!this.#folders.has(path)) this.#node(path);
    return path;
  }

  async syncFolder(): Promise<void> {
    await this.#sync(SYNC_MS_DEFAULT);
  }

  /** Nobody can tell, so that it fills up in the middle of writing. */
  freeBytes(): undefined {}

  openRegular(path: string): OpenedFile {
    if (this.#folders.has(path)) return { ok: false, problem: "folder", message: path };
    const node = this.#nodes.get(path);
    if (node === undefined) return { ok: false, problem: "missing", message: path };
    return { ok: true, file: this.#reader(node) };
  }

  identityAt(path: string): FileIdentity | undefined {
    const node = this.#nodes.get(path);
    return node === undefined ? undefined : identityOf(node);
  }

  // — Below —————————————————————————————————————————————————————————————————————————————————————

  #op<T>(work: () => T): T {
    if (this.isCut) throw new DiskCut("the process is gone");
    this.#ops += 1;
    if (this.#ops < this.cutAtOp) return work();
    this.isCut = true;
    throw new DiskCut("the process is gone");
  }

  #hint(path: string): void {
    for (const { folder, onHint } of this.#watchers) if (path.startsWith(folder)) onHint();
  }

  #sync(ms: number): Promise<void> {
    const run = this.#run;
    return this.#wait(ms, (work) => {
      if (run === this.#run) work();
    });
  }

  #isTaken(path: string): boolean {
    return this.#nodes.has(path) || this.#folders.has(path);
  }

  #requireFolderOf(path: string): void {
    if (!this.#folders.has(dirname(path))) fail("ENOENT", path);
  }

  #node(path: string): Node {
    return this.#nodes.get(path) ?? fail("ENOENT", path);
  }

  #handle(path: string, node: Node): DiskFile {
    let isLocking = false;
    return {
      look: () => lookOf(node),
      tryLock: () => {
        if (node.isLocked) return false;
        node.isLocked = isLocking = true;
        return true;
      },
      writeAt: (bytes, position) => {
        for (let at = 0; at < bytes.length;) {
          const rest = bytes.subarray(at);
          at += this.#op(() => this.#write(path, node, rest, position + at));
        }
      },
      readAt: (target, position) => readNode(node, target, position),
      truncate: (lengthBytes) => this.#op(() => resize(node, lengthBytes)),
      setModified: (time) => {
        node.modified = time;
        node.ctimeMs += 1;
      },
      sync: () => this.#sync(this.#spec.sealMs ?? SYNC_MS_DEFAULT),
      close: () => {
        if (isLocking) node.isLocked = false;
      },
    };
  }

  #reader(node: Node): RegularFile {
    return {
      identity: () => identityOf(node),
      path: () => undefined,
      readAt: (target, at, lengthBytes, position) =>
        readNode(node, target.subarray(at, at + lengthBytes), position),
      close: () => {},
    };
  }

  /** As many of `bytes` as fit. */
  #write(path: string, node: Node, bytes: Uint8Array, position: number): number {
    this.#writes += 1;
    if (this.#writes === this.#spec.failsAtWrite) this.#fail("EIO", "the disk fails");
    const { capacityBytes = Infinity } = this.#spec;
    const otherBytes = this.#usedBytes() - node.length;
    const end = Math.min(
      position + bytes.length,
      Math.max(capacityBytes - otherBytes, node.length),
    );
    const count = end - position;
    if (count <= 0 && bytes.length > 0) this.#fail("ENOSPC", "no space left");
    if (end > node.length) resize(node, end);
    node.bytes.set(bytes.subarray(0, count), position);
    this.#watch.onWrite(path, bytes.subarray(0, count), position);
    return count;
  }

  #usedBytes(): number {
    let sum = 0;
    for (const node of new Set(this.#nodes.values())) sum += node.length;
    return sum;
  }

  #fail(code: string, message: string): never {
    this.failures += 1;
    fail(code, message);
  }
}

function fail(code: string, message: string): never {
  throw Object.assign(new Error(`${code}: ${message}`), { code });
}

function resize(node: Node, length: number): void {
  if (length > node.bytes.length) {
    const bytes = new Uint8Array(Math.max(length, 2 * node.bytes.length));
    bytes.set(node.bytes.subarray(0, node.length));
    node.bytes = bytes;
  } else if (length < node.length) node.bytes.fill(0, length, node.length);
  node.length = length;
}

function readNode(node: Node, target: Uint8Array, position: number): number {
  const end = Math.min(node.length, position + target.length);
  const bytes = node.bytes.subarray(Math.min(position, end), end);
  target.set(bytes);
  return bytes.length;
}

function lookOf(node: Node): FileLook {
  const { length: sizeBytes, inode, links: linkCount } = node;
  return { kind: "file", sizeBytes, device: 1, inode, linkCount };
}

function folderLook(): FileLook {
  return { kind: "folder", sizeBytes: 0, device: 1, inode: 0, linkCount: 1 };
}

function identityOf({ length: sizeBytes, modified, ctimeMs, inode }: Node): FileIdentity {
  return { device: 1, signature: { sizeBytes, ...modified, ctimeMs, inode } };
}
