/**
 * When a file last changed in any way (`ctime`): unlike its time of modification, nobody can put it back,
 * so it tells that a file was written in place by a tool that restores the other. Deno gives it in whole
 * seconds; where FFI is allowed, `statx(2)` gives what the file system has.
 */
import type { Bytes } from "../../ids.ts";

const SYMBOLS = {
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type Statx = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"]["statx"];

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;
const STATX_CTIME = 0x80;
// Of `struct statx`, whose layout is the same on every processor.
const STATX_BYTES = 256;
const MASK_AT = 0;
const CTIME_SECONDS_AT = 96;
const CTIME_NANOSECONDS_AT = 104;

const answer: Bytes = new Uint8Array(STATX_BYTES);
const answerView = new DataView(answer.buffer);
const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const noPath: Bytes = new Uint8Array(1);
const encoder = new TextEncoder();

/** Not looked for yet, or not to be had. */
let statx: Statx | undefined | "unknown" = "unknown";

/**
 * In milliseconds since 1970, with what fraction the file system keeps; `undefined` where it can't be asked.
 *
 * @param links whether a path whose last component is a link stands for that or for what it leads to
 */
export function changeTimeAt(path: string, links: "follow" | "refuse"): number | undefined {
  const flags = links === "follow" ? 0 : AT_SYMLINK_NOFOLLOW;
  return ask(AT_FDCWD, encoder.encode(`${path}\0`), flags);
}

/** {@linkcode changeTimeAt} of an open file. */
export function changeTimeOf(descriptor: number): number | undefined {
  return ask(descriptor, noPath, AT_EMPTY_PATH);
}

function ask(descriptor: number, path: Bytes, flags: number): number | undefined {
  if (statx === "unknown") statx = loadStatx();
  if (statx?.(descriptor, path, flags, STATX_CTIME, answer) !== 0) return undefined;
  if ((answerView.getUint32(MASK_AT, isLittleEndian) & STATX_CTIME) === 0) return undefined;
  const seconds = Number(answerView.getBigInt64(CTIME_SECONDS_AT, isLittleEndian));
  const nanoseconds = answerView.getUint32(CTIME_NANOSECONDS_AT, isLittleEndian);
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

function loadStatx(): Statx | undefined {
  if (Deno.build.os !== "linux") return undefined;
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return undefined;
  if (Deno.env.get("SHOAL_TUNE") === "off") return undefined;
  try {
    return Deno.dlopen("libc.so.6", SYMBOLS).symbols.statx;
  } catch {
    return undefined;
  }
}
