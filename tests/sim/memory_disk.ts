/**
 * A disk in memory that stands in for the platform's files while a world runs, so that part files,
 * journals and publishing are the real code. It can be full, fail one write, or be cut off in the
 * middle of an operation, as by a crash of the process: what was done until then stays.
 */
import type { Bytes } from "../../lib/ids.ts";
import type { DiskSpec } from "./scenario.ts";

interface Node {
  bytes: Bytes;
  length: number;
  links: number;
  isLocked: boolean;
  readonly inode: number;
}

export interface DiskWatch {
  /** These bytes were written, there. */
  readonly onWrite: (path: string, bytes: Uint8Array, position: number) => void;
  /** The file of this path has this name as well, or instead. */
  readonly onNamed: (from: string, to: string, bytes: Uint8Array) => void;
}

export class DiskCut extends Error {}

export class MemoryDisk {
  readonly #spec: DiskSpec;
  readonly #watch: DiskWatch;
  readonly #nodes = new Map<string, Node>();
  #nextInode = 1;
  #writes = 0;
  #ops = 0;
  /** Number of the operation that is the last of this process. */
  cutAtOp = Infinity;
  isCut = false;
  /** Errors that it has given: a transfer may end with one of them. */
  failures = 0;

  constructor(spec: DiskSpec, watch: DiskWatch) {
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
    this.isCut = false;
    this.cutAtOp = Infinity;
    this.#ops = 0;
  }

  /** A byte in the middle of a file goes bad. */
  rot(path: string, at: number): void {
    const node = this.#nodes.get(path);
    if (node !== undefined && at < node.length) node.bytes[at]! ^= 1;
  }

  /** Puts this disk in the place of the platform's; returns how to undo that. */
  install(): () => void {
    const { openSync, lstatSync, removeSync, linkSync, renameSync, mkdirSync, realPathSync } = Deno;
    const { readFileSync } = Deno;
    const before = { openSync, lstatSync, removeSync, linkSync, renameSync, mkdirSync };
    Object.assign(Deno, {
      openSync: (path: string, options: Deno.OpenOptions = {}) => this.#open(path, options),
      lstatSync: (path: string) => this.#op(() => infoOf(this.#node(path))),
      removeSync: (path: string) => this.#op(() => this.#remove(path)),
      linkSync: (from: string, to: string) => this.#op(() => this.#link(from, to)),
      renameSync: (from: string, to: string) => this.#op(() => this.#rename(from, to)),
      mkdirSync: () => {},
      realPathSync: (path: string) => path,
      readFileSync: (path: string) => {
        const node = this.#node(path);
        return node.bytes.slice(0, node.length);
      },
    });
    return () => Object.assign(Deno, { ...before, realPathSync, readFileSync });
  }

  #op<T>(work: () => T): T {
    if (this.isCut) throw new DiskCut("the process is gone");
    this.#ops += 1;
    if (this.#ops < this.cutAtOp) return work();
    this.isCut = true;
    throw new DiskCut("the process is gone");
  }

  #node(path: string): Node {
    const node = this.#nodes.get(path);
    if (node === undefined) throw new Deno.errors.NotFound(path);
    return node;
  }

  #open(path: string, options: Deno.OpenOptions): Deno.FsFile {
    return this.#op(() => {
      if (options.createNew) {
        if (this.#nodes.has(path)) throw new Deno.errors.AlreadyExists(path);
        const inode = this.#nextInode++;
        const bytes = new Uint8Array(0);
        this.#nodes.set(path, { bytes, length: 0, links: 1, isLocked: false, inode });
      }
      return this.#handle(path, this.#node(path));
    });
  }

  #remove(path: string): void {
    this.#node(path).links -= 1;
    this.#nodes.delete(path);
  }

  #link(from: string, to: string): void {
    if (this.#nodes.has(to)) throw new Deno.errors.AlreadyExists(to);
    const node = this.#node(from);
    node.links += 1;
    this.#nodes.set(to, node);
    this.#watch.onNamed(from, to, node.bytes.subarray(0, node.length));
  }

  #rename(from: string, to: string): void {
    const node = this.#node(from);
    this.#nodes.delete(from);
    this.#nodes.set(to, node);
    this.#watch.onNamed(from, to, node.bytes.subarray(0, node.length));
  }

  /** The part of a file's handle that our code uses. */
  #handle(path: string, node: Node): Deno.FsFile {
    let position = 0;
    let isLocking = false;
    const handle = {
      seekSync: (offset: number) => position = offset,
      writeSync: (bytes: Uint8Array) => {
        const count = this.#op(() => this.#write(path, node, bytes, position));
        position += count;
        return count;
      },
      readSync: (target: Uint8Array) => {
        const bytes = node.bytes.subarray(
          position,
          Math.min(node.length, position + target.length),
        );
        target.set(bytes);
        position += bytes.length;
        return bytes.length === 0 ? null : bytes.length;
      },
      truncateSync: (length = 0) => this.#op(() => resize(node, length)),
      statSync: () => infoOf(node),
      tryLockSync: () => {
        if (node.isLocked) return false;
        node.isLocked = isLocking = true;
        return true;
      },
      utimeSync: () => {},
      close: () => {
        if (isLocking) node.isLocked = false;
      },
    };
    return handle as unknown as Deno.FsFile;
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
    throw Object.assign(new Error(message), { code });
  }
}

function resize(node: Node, length: number): void {
  if (length > node.bytes.length) {
    const bytes = new Uint8Array(Math.max(length, 2 * node.bytes.length));
    bytes.set(node.bytes.subarray(0, node.length));
    node.bytes = bytes;
  } else if (length < node.length) node.bytes.fill(0, length, node.length);
  node.length = length;
}

function infoOf(node: Node): Deno.FileInfo {
  const info = {
    isFile: true,
    isDirectory: false,
    isSymlink: false,
    size: node.length,
    ino: node.inode,
    dev: 1,
    nlink: node.links,
  };
  return info as unknown as Deno.FileInfo;
}
