/**
 * Files through the C library, where FFI is allowed: calls cost a fraction of what Deno's own do, which check permissions
 * and make objects. They know when a file was modified (`mtime`) and when anything about it changed (`ctime`) as exactly
 * as the file system keeps it; Deno gives the one in milliseconds and the other in seconds, and sets milliseconds. Nobody can
 * put a `ctime` back, so it tells that a file was written in place by a tool that restores the `mtime`.
 *
 * What fails here fails without a reason: whoever wants to know it, or is not allowed this, asks Deno.
 */
import type { Bytes, ModificationTime } from "../../ids.ts";
import { anchor, relativePath } from "./anchored_path.ts";
import { openLibc } from "../system/libc.ts";
import { isGrantedWhole } from "../system/permissions.ts";
import { PATH_BYTES_MAX } from "./limits.ts";

const SYMBOLS = {
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  pread: { parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  pwrite: { parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  futimens: { parameters: ["i32", "buffer"], result: "i32" },
  statfs: { parameters: ["buffer", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

export interface FileTimes extends ModificationTime {
  /** In milliseconds since 1970, with what fraction the file system keeps. */
  readonly ctimeMs: number;
}

/** What there is to know of a file. */
export interface FileStatus extends FileTimes {
  /** Kind and permissions, as in `st_mode`. */
  readonly mode: number;
  readonly sizeBytes: number;
  readonly device: number;
  readonly inode: number;
  readonly linkCount: number;
}

/** Whether a path whose last component is a link stands for that or for what it leads to. */
export type Links = "follow" | "refuse";

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const STATX_WANTED = 0x7ff;
// Of `struct statx`, whose layout is the same on every processor, and all that Deno runs on are little-endian.
const STATX_BYTES = 256;
const AT = {
  ...{ linkCount: 16, mode: 28, inode: 32, size: 40, changed: 96, modified: 112 },
  ...{ deviceMajor: 136, deviceMinor: 140 },
} as const;

const NANOSECONDS_AT = 8;
const TIMESPEC_BYTES = 16;
const NS_IN_MILLISECOND = 1_000_000;
// Linux's, of which two differ by processor.
const [O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NONBLOCK] = [0, 1, 0x40, 0x80, 0x800];
const O_CLOEXEC = 0x80000;
const [O_DIRECTORY, O_NOFOLLOW] = Deno.build.arch === "aarch64"
  ? [0x4000, 0x8000]
  : [0x10000, 0x20000];
// Of `struct statfs`, which is longer than what is read of it.
const STATFS_BYTES = 256;
const STATFS_AT = { type: 0, blockBytes: 8, available: 32 } as const;

/** Of the last call that has one. */
const answer: Bytes = new Uint8Array(Math.max(STATX_BYTES, STATFS_BYTES));
const view = new DataView(answer.buffer);
const timespecs: Bytes = new Uint8Array(2 * TIMESPEC_BYTES);
const timespecsView = new DataView(timespecs.buffer);
const noPath: Bytes = new Uint8Array(1);
const pathBytes: Bytes = new Uint8Array(PATH_BYTES_MAX);
const encoder = new TextEncoder();

/** Not looked for yet, or not to be had. */
let library: Symbols | undefined | "unknown" = "unknown";
/** Whether files are read and written past Deno, which then must not be needed to say what may be. */
let areFree = false;

/** The times alone, for which nothing else is passed by; `undefined` where they can't be asked. */
export function fileTimesAt(path: string, links: Links): FileTimes | undefined {
  return isStatusAt(path, links) ? timesRead() : undefined;
}

/** {@linkcode fileTimesAt} of an open file. */
export function fileTimesOf(descriptor: number): FileTimes | undefined {
  return isStatusOf(descriptor) ? timesRead() : undefined;
}

/**
 * Says when the file or folder at `path` was modified and read. Returns `false`, and changes nothing, where it can't be
 * done or where that is another file by now.
 *
 * @param inode its number
 */
export function setModifiedAt(
  path: string,
  links: Links,
  inode: number,
  time: ModificationTime,
): boolean {
  const symbols = loaded();
  const bytes = encoded(path);
  if (symbols === undefined || bytes === undefined) return false;
  const flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | (links === "follow" ? 0 : O_NOFOLLOW);
  const descriptor = symbols.openat(anchor, bytes, flags, 0);
  if (descriptor < 0) return false;
  try {
    if (!isStatusOf(descriptor) || unsigned64(AT.inode) !== inode) return false;
    writeTimespecs(time);
    return symbols.futimens(descriptor, timespecs) === 0;
  } finally {
    symbols.close(descriptor);
  }
}

/** `undefined` where nothing can be seen there, or asked. */
export function statusAt(path: string, links: Links): FileStatus | undefined {
  return isStatusAt(path, links) && areFree ? statusRead() : undefined;
}

/** {@linkcode statusAt} of an open file. */
export function statusOf(descriptor: number): FileStatus | undefined {
  return isStatusOf(descriptor) && areFree ? statusRead() : undefined;
}

/** Opens a folder, links followed; returns the descriptor. */
export function openFolderToRead(path: string): number | undefined {
  return opened(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
}

/** What the file system is that `path` lies on, and how much room there is for the user; `undefined` where it can't be asked. */
export function fileSystemAt(
  path: string,
): { readonly type: number; readonly freeBytes: number } | undefined {
  // It takes no descriptor.
  const bytes = encodedWhole(path);
  if (bytes === undefined || free()?.statfs(bytes, answer) !== 0) return undefined;
  return {
    // Signed on some processors.
    type: view.getUint32(STATFS_AT.type, true),
    freeBytes: unsigned64(STATFS_AT.blockBytes) * unsigned64(STATFS_AT.available),
  };
}

/** Opens a file for reading, without waiting for a writer if it is a pipe; returns the descriptor. */
export function openToRead(path: string, links: Links): number | undefined {
  const flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | (links === "follow" ? 0 : O_NOFOLLOW);
  return opened(path, flags, 0);
}

/** Creates a file of which nothing has the name yet, for writing; returns the descriptor. */
export function createToWrite(path: string, mode: number): number | undefined {
  return opened(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
}

/** Bytes that were read, at least 0. */
export function readAt(descriptor: number, target: Bytes, position: number): number {
  const [count, at] = [BigInt(target.length), BigInt(position)];
  return Math.max(0, free()?.pread(descriptor, target, count, at) ?? 0);
}

/** Bytes that were written, at least 0. */
export function writeAt(descriptor: number, bytes: Uint8Array, position: number): number {
  const [count, at] = [BigInt(bytes.length), BigInt(position)];
  return Math.max(0, free()?.pwrite(descriptor, bytes as Bytes, count, at) ?? 0);
}

/** Whether an open file has that time of modification, and of reading, now. */
export function setModified(descriptor: number, time: ModificationTime): boolean {
  writeTimespecs(time);
  return free()?.futimens(descriptor, timespecs) === 0;
}

export function close(descriptor: number): void {
  free()?.close(descriptor);
}

function opened(path: string, flags: number, mode: number): number | undefined {
  const bytes = encoded(path);
  const descriptor = bytes === undefined ? -1 : free()?.openat(anchor, bytes, flags, mode) ?? -1;
  return descriptor < 0 ? undefined : descriptor;
}

function isStatusAt(path: string, links: Links): boolean {
  const bytes = encoded(path);
  if (bytes === undefined) return false;
  const flags = links === "follow" ? 0 : AT_SYMLINK_NOFOLLOW;
  return loaded()?.statx(anchor, bytes, flags, STATX_WANTED, answer) === 0;
}

function isStatusOf(descriptor: number): boolean {
  return loaded()?.statx(descriptor, noPath, AT_EMPTY_PATH, STATX_WANTED, answer) === 0;
}

function statusRead(): FileStatus {
  return {
    mode: view.getUint16(AT.mode, true),
    sizeBytes: unsigned64(AT.size),
    device: deviceRead(),
    inode: unsigned64(AT.inode),
    linkCount: view.getUint32(AT.linkCount, true),
    ...timesRead(),
  };
}

/** Nanoseconds count forward, before 1970 as well. */
function timesRead(): FileTimes {
  const nanoseconds = view.getUint32(AT.modified + NANOSECONDS_AT, true);
  const restNs = nanoseconds % NS_IN_MILLISECOND;
  return {
    mtimeMs: signed64(AT.modified) * 1_000 + (nanoseconds - restNs) / NS_IN_MILLISECOND,
    ...(restNs > 0 && { mtimeRestNs: restNs }),
    ctimeMs: signed64(AT.changed) * 1_000 +
      view.getUint32(AT.changed + NANOSECONDS_AT, true) / NS_IN_MILLISECOND,
  };
}

/** The same time twice: when it was read, and when it was modified. */
function writeTimespecs({ mtimeMs, mtimeRestNs = 0 }: ModificationTime): void {
  const seconds = Math.floor(mtimeMs / 1_000);
  const nanoseconds = (mtimeMs - 1_000 * seconds) * NS_IN_MILLISECOND + mtimeRestNs;
  for (const at of [0, TIMESPEC_BYTES]) {
    setSigned64(timespecsView, at, seconds);
    setSigned64(timespecsView, at + NANOSECONDS_AT, Math.floor(nanoseconds));
  }
}

function signed64(at: number): number {
  return view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

function unsigned64(at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

function setSigned64(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / 2 ** 32);
  view.setUint32(at, value - high * 2 ** 32, true);
  view.setInt32(at + 4, high, true);
}

/** The number that `st_dev` has: twelve bits of the major number around twenty of the minor one. */
function deviceRead(): number {
  const [major, minor] = [
    view.getUint32(AT.deviceMajor, true),
    view.getUint32(AT.deviceMinor, true),
  ];
  const high = (major - major % 2 ** 12) + Math.floor(minor / 2 ** 20);
  return high * 2 ** 32 + (major % 2 ** 12) * 2 ** 8 +
    (minor % 2 ** 20 - minor % 2 ** 8) * 2 ** 12 +
    minor % 2 ** 8;
}

/** As the C library takes it, from {@linkcode anchor} on; `undefined` where it can't. Good until the next path. */
function encoded(path: string): Bytes | undefined {
  return encodedWhole(relativePath(path));
}

function encodedWhole(path: string): Bytes | undefined {
  const { read, written } = encoder.encodeInto(path, pathBytes);
  if (read < path.length || written >= PATH_BYTES_MAX || path.includes("\0")) return undefined;
  pathBytes[written] = 0;
  return pathBytes;
}

/** Where everything may be read and written anyway. */
function free(): Symbols | undefined {
  const symbols = loaded();
  return areFree ? symbols : undefined;
}

function loaded(): Symbols | undefined {
  if (library === "unknown") library = load();
  return library;
}

function load(): Symbols | undefined {
  areFree = isGrantedWhole({ name: "read" }) && isGrantedWhole({ name: "write" });
  return openLibc(SYMBOLS);
}
