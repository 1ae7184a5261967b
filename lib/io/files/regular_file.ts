/**
 * Regular files opened for reading, and nothing else: never a folder, a device or a FIFO, on which a
 * reader could hang. Reads are positioned and synchronous, because 60 KB from the page cache cost
 * less than one turn of the event loop.
 */
import type { Stats } from "node:fs";
import {
  type Bytes,
  type FileSignature,
  isSameTime,
  type ModificationTime,
  timeOf,
} from "../../ids.ts";
import { MTIME_MS_MAX } from "../../limits.ts";
import { hasLastingInodes } from "./file_systems.ts";
import * as libc from "./libc_files.ts";
import { nodeFs } from "./node_fs.ts";
import { systemErrorText } from "../../system_error.ts";

export type OpenProblem = "missing" | "folder" | "special" | "unreadable";

export type OpenedFile =
  | { readonly ok: true; readonly file: RegularFile }
  | { readonly ok: false; readonly problem: OpenProblem; readonly message: string };

/** A file by what it is, not by what it is called. */
export interface FileIdentity {
  readonly device: number;
  readonly signature: FileSignature;
}

/**
 * Opens `path` for reading.
 *
 * @param links `follow` for a path that a user typed, `refuse` when the last component must not be one
 */
export function openRegularFile(path: string, links: "follow" | "refuse"): OpenedFile {
  return openByLibc(path, links) ?? openByNode(path, links);
}

/** `undefined` where that is not to be had, or there is something to be said about the file. */
function openByLibc(path: string, links: "follow" | "refuse"): OpenedFile | undefined {
  const before = libc.statusAt(path, links);
  if (before === undefined || !isFileMode(before.mode)) return undefined;
  const descriptor = libc.openToRead(path, links);
  if (descriptor === undefined) return undefined;
  const after = libc.statusOf(descriptor);
  if (after !== undefined && isFileMode(after.mode)) {
    return { ok: true, file: new LibcFile(descriptor, path) };
  }
  libc.close(descriptor);
  return undefined;
}

function openByNode(path: string, links: "follow" | "refuse"): OpenedFile {
  try {
    // What is not there is told without Node.
    if (links === "follow") Deno.statSync(path);
    else Deno.lstatSync(path);
  } catch (thrown) {
    return { ok: false, ...failureOf(thrown) };
  }
  const { closeSync, constants, fstatSync, lstatSync, openSync, statSync } = nodeFs();
  // Absent on Windows, where a link cannot be told apart at open and FIFOs are not in folders.
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  let descriptor: number | undefined;
  try {
    // Looked at before it is opened: to open a device or a FIFO has effects of its own.
    const before = problemOf(links === "follow" ? statSync(path) : lstatSync(path), path);
    if (before !== undefined) return before;
    const flags = O_RDONLY | O_NONBLOCK | (links === "follow" ? 0 : O_NOFOLLOW);
    descriptor = openSync(path, flags);
    const after = problemOf(fstatSync(descriptor), path);
    if (after === undefined) return { ok: true, file: new DescriptorFile(descriptor, path) };
    closeSync(descriptor);
    return after;
  } catch (thrown) {
    if (descriptor !== undefined) closeSync(descriptor);
    return { ok: false, ...failureOf(thrown) };
  }
}

/** What is at `path` now, links followed; `undefined` when nothing can be seen there. */
export function identityAt(path: string): FileIdentity | undefined {
  const status = libc.statusAt(path, "follow");
  if (status !== undefined) return identityOf(status, path);
  try {
    // The same.
    Deno.statSync(path);
    return identityOf(lookOf(nodeFs().statSync(path), libc.fileTimesAt(path, "follow")), path);
  } catch {
    return undefined;
  }
}

/** What a failed look at the file system means. */
export function failureOf(
  thrown: unknown,
): { readonly problem: "missing" | "unreadable"; readonly message: string } {
  const code = (thrown as { code?: unknown }).code;
  return {
    problem: code === "ENOENT" || code === "ENOTDIR" ? "missing" : "unreadable",
    message: systemErrorText(thrown),
  };
}

/** What any way of looking at a file tells. */
type FileLook = Omit<libc.FileStatus, "linkCount">;

/** The signature of the file at `path`, of which `info` is a look without following links. */
export function signatureAt(path: string, info: Deno.FileInfo): FileSignature {
  return signatureOf(lookOf(info, libc.fileTimesAt(path, "refuse")), path);
}

/** What Deno's and Node's looks at a file have in common. */
interface FileInfo {
  readonly size: number;
  readonly mtime: Date | null;
  /** Only Node's looks have it: their Dates are rounded up, which before 1970 is another millisecond. */
  readonly mtimeMs?: number;
  readonly ctime: Date | null;
  readonly dev: number;
  readonly ino: number | null;
  readonly mode: number | null;
}

/** @param times more exact than the info's own, where they could be had */
function lookOf(info: FileInfo, times: libc.FileTimes | undefined): FileLook {
  const { size, dev, ino, mode, ctime } = info;
  return {
    ...{ sizeBytes: size, device: dev, inode: ino ?? 0, mode: mode ?? 0 },
    ...(times ?? { ...modifiedIn(info), ctimeMs: millisecondsOf(ctime) }),
  };
}

const OWNER_MAY_RUN = 0o100;
const KIND_OF_MODE = 0o170000;
const FILE_MODE = 0o100000;

function isFileMode(mode: number): boolean {
  return (mode & KIND_OF_MODE) === FILE_MODE;
}

/** The signature of the file at `path`, which looks like this. */
export function signatureOf(look: FileLook, path: string): FileSignature {
  const { sizeBytes, device, inode, mode, ctimeMs } = look;
  return {
    sizeBytes,
    ...knownTime(look),
    ctimeMs,
    inode: hasLastingInodes(device, path) ? inode : 0,
    ...((mode & OWNER_MAY_RUN) !== 0 && { isExecutable: true }),
  };
}

/** When what is at `path`, of which `info` is a look without following links, was modified. */
export function modifiedAt(path: string, info: Deno.FileInfo): ModificationTime {
  return knownTime(libc.fileTimesAt(path, "refuse") ?? modifiedIn(info));
}

function modifiedIn({ mtime, mtimeMs }: Pick<FileInfo, "mtime" | "mtimeMs">): ModificationTime {
  return { mtimeMs: Math.floor(mtimeMs ?? millisecondsOf(mtime)) };
}

/** What no Date holds is taken for 1970. */
export function knownTime(time: ModificationTime): ModificationTime {
  return Math.abs(time.mtimeMs) < MTIME_MS_MAX ? timeOf(time) : { mtimeMs: 0 };
}

/** Since 1970. NaN is what comes after a Date's last one. */
export function millisecondsOf(date: Date | null): number {
  return date?.getTime() || 0;
}

export function sameSignature(a: FileSignature, b: FileSignature): boolean {
  return a.sizeBytes === b.sizeBytes && isSameTime(a, b) && a.ctimeMs === b.ctimeMs &&
    a.inode === b.inode;
}

/** Whether what was found is what is known, or if that is a beginning, begins with it as far as a look can tell. */
export function stillIs(found: FileSignature, known: FileSignature): boolean {
  if (!known.isPrefix) return sameSignature(found, known);
  return found.inode === known.inode && found.sizeBytes >= known.sizeBytes;
}

/** Whether both are known and the same file, whatever is in it. */
export function isSameFile(a: FileIdentity | undefined, b: FileIdentity | undefined): boolean {
  return a !== undefined && b !== undefined && a.device === b.device &&
    a.signature.inode === b.signature.inode;
}

/** Whether both are known and the same. */
export function sameIdentity(a: FileIdentity | undefined, b: FileIdentity | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.device === b.device && sameSignature(a.signature, b.signature);
}

/** An open regular file. Close it, once or more; nothing can be read of it after that. */
export interface RegularFile {
  /** What the file is now; `undefined` when the disk does not say. */
  identity(): FileIdentity | undefined;
  /** Where the open file is now, links followed; `undefined` where that is unknown. */
  path(): string | undefined;
  /**
   * Fills `lengthBytes` of `target` from `targetOffset` with what is at `position`. Fewer bytes come
   * back when the file ends before that, or when the disk fails.
   */
  readAt(target: Bytes, targetOffset: number, lengthBytes: number, position: number): number;
  close(): void;
}

/** No file has it: what is asked of it fails. */
const CLOSED = -1;

class DescriptorFile implements RegularFile {
  /** The operating system's; once it is closed that number may be another file's. */
  #descriptor: number;
  readonly #openedAs: string;

  constructor(descriptor: number, openedAs: string) {
    this.#descriptor = descriptor;
    this.#openedAs = openedAs;
  }

  path(): string | undefined {
    return pathOfDescriptor(this.#descriptor);
  }

  identity(): FileIdentity | undefined {
    try {
      const look = lookOf(nodeFs().fstatSync(this.#descriptor), libc.fileTimesOf(this.#descriptor));
      return identityOf(look, this.#openedAs);
    } catch {
      return undefined;
    }
  }

  readAt(target: Bytes, targetOffset: number, lengthBytes: number, position: number): number {
    let done = 0;
    try {
      while (done < lengthBytes) {
        const bytes = nodeFs().readSync(
          this.#descriptor,
          target,
          targetOffset + done,
          lengthBytes - done,
          position + done,
        );
        if (bytes === 0) break;
        done += bytes;
      }
    } catch {
      // A bad sector reads like an early end: what counts is that the bytes are not there.
    }
    return done;
  }

  close(): void {
    if (this.#descriptor !== CLOSED) nodeFs().closeSync(this.#descriptor);
    this.#descriptor = CLOSED;
  }
}

/** The same by the C library's calls. */
class LibcFile implements RegularFile {
  #descriptor: number;
  readonly #openedAs: string;

  constructor(descriptor: number, openedAs: string) {
    this.#descriptor = descriptor;
    this.#openedAs = openedAs;
  }

  path(): string | undefined {
    return pathOfDescriptor(this.#descriptor);
  }

  identity(): FileIdentity | undefined {
    const status = libc.statusOf(this.#descriptor);
    return status === undefined ? undefined : identityOf(status, this.#openedAs);
  }

  readAt(target: Bytes, targetOffset: number, lengthBytes: number, position: number): number {
    let done = 0;
    while (done < lengthBytes) {
      const from = targetOffset + done;
      const rest = target.subarray(from, targetOffset + lengthBytes);
      const bytes = libc.readAt(this.#descriptor, rest, position + done);
      if (bytes === 0) break;
      done += bytes;
    }
    return done;
  }

  close(): void {
    if (this.#descriptor !== CLOSED) libc.close(this.#descriptor);
    this.#descriptor = CLOSED;
  }
}

/** What Linux says a descriptor is; `undefined` where it cannot be asked without a prompt. */
function pathOfDescriptor(descriptor: number): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const link = `/proc/self/fd/${descriptor}`;
  if (Deno.permissions.querySync({ name: "read", path: link }).state !== "granted") {
    return undefined;
  }
  try {
    return Deno.readLinkSync(link);
  } catch {
    return undefined;
  }
}

function identityOf(look: FileLook, path: string): FileIdentity {
  return { device: look.device, signature: signatureOf(look, path) };
}

function problemOf(stats: Stats, path: string): (OpenedFile & { readonly ok: false }) | undefined {
  if (stats.isFile()) return undefined;
  return stats.isDirectory()
    ? { ok: false, problem: "folder", message: `${path} is a folder` }
    : { ok: false, problem: "special", message: `${path} is not a regular file` };
}
