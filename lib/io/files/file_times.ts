/**
 * When a file was modified (`mtime`) and when anything about it changed (`ctime`), as exactly as the file system keeps
 * it. Deno gives the one in milliseconds and the other in seconds, and sets milliseconds; where FFI is allowed,
 * `statx(2)` and `futimens(2)` know nanoseconds. Nobody can put a `ctime` back, so it tells that a file was written in place
 * by a tool that restores the `mtime`.
 */
import { constants } from "node:fs";
import type { Bytes, ModificationTime } from "../../ids.ts";
import { isTuningOff } from "../system/tuning.ts";

const SYMBOLS = {
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  futimens: { parameters: ["i32", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

export interface FileTimes extends ModificationTime {
  /** In milliseconds since 1970, with what fraction the file system keeps. */
  readonly ctimeMs: number;
}

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const STATX_MTIME = 0x40;
const STATX_CTIME = 0x80;
const STATX_INO = 0x100;
const WANTED = STATX_MTIME | STATX_CTIME | STATX_INO;
// Of `struct statx`, whose layout is the same on every processor.
const STATX_BYTES = 256;
const MASK_AT = 0;
const INODE_AT = 32;
const CTIME_AT = 96;
const MTIME_AT = 112;
/** Seconds, and behind them nanoseconds. */
const NANOSECONDS_AT = 8;
const TIMESPEC_BYTES = 16;
const NS_IN_MILLISECOND = 1_000_000;
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;

const answer: Bytes = new Uint8Array(STATX_BYTES);
const answerView = new DataView(answer.buffer);
const timespecs: Bytes = new Uint8Array(2 * TIMESPEC_BYTES);
const timespecsView = new DataView(timespecs.buffer);
const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const noPath: Bytes = new Uint8Array(1);
const encoder = new TextEncoder();

/** Not looked for yet, or not to be had. */
let libc: Libc | undefined | "unknown" = "unknown";

/**
 * The times of what is at `path`; `undefined` where they can't be asked.
 *
 * @param links whether a path whose last component is a link stands for that or for what it leads to
 */
export function fileTimesAt(path: string, links: "follow" | "refuse"): FileTimes | undefined {
  const flags = links === "follow" ? 0 : AT_SYMLINK_NOFOLLOW;
  return ask(AT_FDCWD, encoder.encode(`${path}\0`), flags);
}

/** {@linkcode fileTimesAt} of an open file. */
export function fileTimesOf(descriptor: number): FileTimes | undefined {
  return ask(descriptor, noPath, AT_EMPTY_PATH);
}

/**
 * Says when the file or folder at `path` was modified and read. Returns `false`, and changes nothing, where it can't be
 * done or where that is another file by now.
 *
 * @param links whether a path whose last component is a link is followed
 * @param inode its number
 */
export function setModifiedAt(
  path: string,
  links: "follow" | "refuse",
  inode: number,
  time: ModificationTime,
): boolean {
  const symbols = loaded();
  if (symbols === undefined) return false;
  const flags = O_RDONLY | O_NONBLOCK | (links === "follow" ? 0 : O_NOFOLLOW);
  const descriptor = symbols.open(encoder.encode(`${path}\0`), flags);
  if (descriptor < 0) return false;
  try {
    if (!looksAt(descriptor, noPath, AT_EMPTY_PATH)) return false;
    if (Number(answerView.getBigUint64(INODE_AT, isLittleEndian)) !== inode) return false;
    writeTimespecs(time);
    return symbols.futimens(descriptor, timespecs) === 0;
  } finally {
    symbols.close(descriptor);
  }
}

/** The same time twice: when it was read, and when it was modified. */
function writeTimespecs({ mtimeMs, mtimeRestNs = 0 }: ModificationTime): void {
  const seconds = Math.floor(mtimeMs / 1_000);
  const nanoseconds = (mtimeMs - 1_000 * seconds) * NS_IN_MILLISECOND + mtimeRestNs;
  for (const at of [0, TIMESPEC_BYTES]) {
    timespecsView.setBigInt64(at, BigInt(seconds), isLittleEndian);
    timespecsView.setBigInt64(at + NANOSECONDS_AT, BigInt(nanoseconds), isLittleEndian);
  }
}

function ask(descriptor: number, path: Bytes, flags: number): FileTimes | undefined {
  if (!looksAt(descriptor, path, flags)) return undefined;
  const [seconds, nanoseconds] = timespecAt(MTIME_AT);
  const restNs = nanoseconds % NS_IN_MILLISECOND;
  const [changedSeconds, changedNanoseconds] = timespecAt(CTIME_AT);
  return {
    mtimeMs: seconds * 1_000 + (nanoseconds - restNs) / NS_IN_MILLISECOND,
    ...(restNs > 0 && { mtimeRestNs: restNs }),
    ctimeMs: changedSeconds * 1_000 + changedNanoseconds / NS_IN_MILLISECOND,
  };
}

/** Whether `answer` is about it now. */
function looksAt(descriptor: number, path: Bytes, flags: number): boolean {
  return loaded()?.statx(descriptor, path, flags, WANTED, answer) === 0 &&
    (answerView.getUint32(MASK_AT, isLittleEndian) & WANTED) === WANTED;
}

/** Nanoseconds count forward, before 1970 as well. */
function timespecAt(at: number): readonly [seconds: number, nanoseconds: number] {
  return [
    Number(answerView.getBigInt64(at, isLittleEndian)),
    answerView.getUint32(at + NANOSECONDS_AT, isLittleEndian),
  ];
}

function loaded(): Libc | undefined {
  if (libc === "unknown") libc = load();
  return libc;
}

function load(): Libc | undefined {
  if (Deno.build.os !== "linux") return undefined;
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return undefined;
  if (isTuningOff()) return undefined;
  try {
    return Deno.dlopen("libc.so.6", SYMBOLS).symbols;
  } catch {
    return undefined;
  }
}
