/**
 * Names as stores keep them. JavaScript compares UTF-16 code units, they the bytes of UTF-8, and the
 * two disagree in one place: what takes two code units (U+10000 and up) comes before U+E000–U+FFFF in
 * the first and after it in the second. So those of the upper range get the last code point of all in
 * front of them; as it may itself occur in a name, it gets a mark too. What starts with a prefix
 * still does afterwards, and nearly every name stays as it is.
 */
import type { SafeFileName } from "../../ids.ts";

const LAST = "\u{10ffff}";
/** Below the upper range. */
const MARK = "0";
const MOVED = /[\ue000-\uffff]|\u{10ffff}/gu;
const MOVED_BACK = /\u{10ffff}([0\ue000-\uffff])/gu;

/** Text whose UTF-8 bytes sort as `name` does in JavaScript; well-formed names only. */
export function toSorted(name: string): string {
  return name.replace(MOVED, (found) => found === LAST ? LAST + MARK : LAST + found);
}

/** Of {@linkcode toSorted}, the inverse. */
export function fromSorted(text: string): SafeFileName {
  return text.replace(MOVED_BACK, (_, found) => found === MARK ? LAST : found) as SafeFileName;
}

/** Comes after all sorted text that starts with `prefix`, itself sorted. */
export function endOfPrefix(prefix: string): string {
  return `${prefix}${LAST}${LAST}`;
}
