/**
 * Regular files opened for reading, and nothing else: never a folder, a device or a FIFO, on which a
 * reader could hang. Reads are positioned and synchronous, because 60 KB from the page cache cost
 * less than one turn of the event loop.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  type Stats,
  statSync,
} from "node:fs";
import {
  type Bytes,
  type FileSignature,
  isSameTime,
  type ModificationTime,
  timeOf,
} from "../../ids.ts";
import { MTIME_MS_MAX } from "../../limits.ts";
import { type FileTimes, fileTimesAt, fileTimesOf } from "./file_times.ts";
import { hasLastingInodes } from "./file_systems.ts";

export type OpenProblem = "missing" | "folder" | "special" | "unreadable";

export type OpenedFile =
  | { readonly ok: true; readonly file: RegularFile }
  | { readonly ok: false; readonly problem: OpenProblem; readonly message: string };

/** A file by what it is, not by what it is called. */
export interface FileIdentity {
  readonly device: number;
  readonly signature: FileSignature;
}

// Absent on Windows, where a link cannot be told apart at open and FIFOs are not in folders.
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;

/**
 * Opens `path` for reading.
 *
 * @param links `follow` for a path that a user typed, `refuse` when the last component must not be one
 */
export function openRegularFile(path: string, links: "follow" | "refuse"): OpenedFile {
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
  try {
    return identityOf(statSync(path), path, fileTimesAt(path, "follow"));
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
    message: thrown instanceof Error ? thrown.message : String(thrown),
  };
}

/** The signature of the file at `path`, of which `look` is a look without following links. */
export function signatureAt(path: string, look: Deno.FileInfo): FileSignature {
  return signatureOf(look, path, fileTimesAt(path, "refuse"));
}

/** What Deno's and Node's looks at a file have in common. */
interface FileLook {
  readonly size: number;
  readonly mtime: Date | null;
  /** Only Node's looks have it: their Dates are rounded up, which before 1970 is another millisecond. */
  readonly mtimeMs?: number;
  readonly ctime: Date | null;
  readonly dev: number;
  readonly ino: number | null;
  readonly mode: number | null;
}

const OWNER_MAY_RUN = 0o100;

/** @param times more exact than the look's own, where they could be had */
function signatureOf(
  look: FileLook,
  path: string,
  times: FileTimes | undefined,
): FileSignature {
  return {
    sizeBytes: look.size,
    ...modifiedOf(look, times),
    ctimeMs: times?.ctimeMs ?? millisecondsOf(look.ctime),
    inode: hasLastingInodes(look.dev, path) ? look.ino ?? 0 : 0,
    ...(((look.mode ?? 0) & OWNER_MAY_RUN) !== 0 && { isExecutable: true }),
  };
}

/** When what is at `path`, of which `look` is a look without following links, was modified. */
export function modifiedAt(path: string, look: Deno.FileInfo): ModificationTime {
  return modifiedOf(look, fileTimesAt(path, "refuse"));
}

/** What no Date holds is taken for 1970. */
function modifiedOf(
  look: Pick<FileLook, "mtime" | "mtimeMs">,
  times: FileTimes | undefined,
): ModificationTime {
  const found = times ?? { mtimeMs: Math.floor(look.mtimeMs ?? millisecondsOf(look.mtime)) };
  return Math.abs(found.mtimeMs) < MTIME_MS_MAX ? timeOf(found) : { mtimeMs: 0 };
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

/** An open regular file. Close it. */
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

class DescriptorFile implements RegularFile {
  /** The operating system's. */
  readonly #descriptor: number;
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
      const times = fileTimesOf(this.#descriptor);
      return identityOf(fstatSync(this.#descriptor), this.#openedAs, times);
    } catch {
      return undefined;
    }
  }

  readAt(target: Bytes, targetOffset: number, lengthBytes: number, position: number): number {
    let done = 0;
    try {
      while (done < lengthBytes) {
        const bytes = readSync(
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
    closeSync(this.#descriptor);
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
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

function identityOf(stats: Stats, path: string, times: FileTimes | undefined): FileIdentity {
  return { device: stats.dev, signature: signatureOf(stats, path, times) };
}

function problemOf(stats: Stats, path: string): (OpenedFile & { readonly ok: false }) | undefined {
  if (stats.isFile()) return undefined;
  return stats.isDirectory()
    ? { ok: false, problem: "folder", message: `${path} is a folder` }
    : { ok: false, problem: "special", message: `${path} is not a regular file` };
}
