/**
 * Names like one that was not found: few edits away, or one contained in the other. Only the last
 * component counts, and neither case nor path; except that what lies in a folder of that name is like it. The work is bounded, because anybody can ask.
 */
import type { SafeFileName } from "../../ids.ts";
import {
  CONTAINED_LENGTH_MIN,
  SIMILAR_COMPARISONS_MAX,
  SIMILAR_DISTANCE_MAX,
  SIMILAR_DISTANCE_SHARE,
} from "./limits.ts";
import { baseName } from "../../names.ts";

export interface Nameable {
  readonly name: SafeFileName;
  /** {@linkcode letterSet} of the name. */
  readonly letters: number;
}

/**
 * Which letters the last component has, one bit for several: an edit changes at most two bits, so
 * most names are told to be far apart without being looked at.
 */
export function letterSet(name: SafeFileName): number {
  let letters = 0;
  const text = key(name);
  for (let i = 0; i < text.length; i++) letters |= 1 << (text.charCodeAt(i) & 31);
  return letters;
}

/**
 * Up to `max` of `candidates` that are like `wanted`, best first.
 *
 * @param candidates sorted by name; those next to `wanted` are looked at first, should there be too many
 */
export function similarNames(
  wanted: SafeFileName,
  candidates: readonly Nameable[],
  max: number,
): SafeFileName[] {
  const text = key(wanted);
  const letters = letterSet(wanted);
  const folder = `${wanted}/`;
  const distanceMax = Math.min(
    SIMILAR_DISTANCE_MAX,
    Math.max(1, Math.floor(text.length * SIMILAR_DISTANCE_SHARE)),
  );
  const found: { readonly name: SafeFileName; readonly distance: number }[] = [];
  let comparisonsLeft = SIMILAR_COMPARISONS_MAX;
  for (const candidate of outwards(candidates, wanted)) {
    comparisonsLeft -= 1;
    if (comparisonsLeft <= 0) break;
    if (candidate.name.startsWith(folder)) {
      found.push({ name: candidate.name, distance: 0 });
      continue;
    }
    const mayContain = (letters & candidate.letters) === letters ||
      (letters & candidate.letters) === candidate.letters;
    const mayBeNear = bitCount(letters ^ candidate.letters) <= 2 * distanceMax;
    if (!mayContain && !mayBeNear) continue;
    const other = key(candidate.name);
    comparisonsLeft -= text.length + other.length;
    let distance = mayContain ? containment(text, other) : Infinity;
    if (mayBeNear && Math.abs(text.length - other.length) <= distanceMax) {
      comparisonsLeft -= text.length * (2 * distanceMax + 1);
      distance = Math.min(distance, editDistance(text, other, distanceMax));
    }
    if (distance < Infinity) found.push({ name: candidate.name, distance });
  }
  found.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1));
  return found.slice(0, max).map(({ name }) => name);
}

/** Index of the first of `sorted` whose name is not before `name`. */
export function lowerBound(sorted: readonly Nameable[], name: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]!.name < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

function* outwards(sorted: readonly Nameable[], name: string): Generator<Nameable> {
  let after = lowerBound(sorted, name);
  let before = after - 1;
  while (before >= 0 || after < sorted.length) {
    const next = sorted[after++];
    if (next !== undefined) yield next;
    const previous = sorted[before--];
    if (previous !== undefined) yield previous;
  }
}

function key(name: SafeFileName): string {
  return baseName(name).toLowerCase();
}

/** 0 for equal texts, 1 where one begins the other, 2 where it is further inside. */
function containment(a: string, b: string): number {
  if (a === b) return 0;
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  if (short.length < CONTAINED_LENGTH_MIN) return Infinity;
  const at = long.indexOf(short);
  if (at < 0) return Infinity;
  return at === 0 ? 1 : 2;
}

/**
 * How many letters are to be added, left out, replaced or swapped with their neighbour (optimal string alignment), or
 * Infinity beyond `max`: only the cells that can stay below are filled.
 */
function editDistance(a: string, b: string, max: number): number {
  let twoAbove = new Array<number>(b.length + 1).fill(Infinity);
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  let row = new Array<number>(b.length + 1).fill(Infinity);
  for (let i = 1; i <= a.length; i++) {
    const first = Math.max(1, i - max);
    const last = Math.min(b.length, i + max);
    row[first - 1] = first === 1 ? i : Infinity;
    for (let j = first; j <= last; j++) {
      const replaced = above[j - 1]! + (a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1);
      row[j] = Math.min(replaced, above[j]! + 1, row[j - 1]! + 1);
      const isSwapped = i > 1 && j > 1 && a.charCodeAt(i - 1) === b.charCodeAt(j - 2) &&
        a.charCodeAt(i - 2) === b.charCodeAt(j - 1);
      if (isSwapped) row[j] = Math.min(row[j]!, twoAbove[j - 2]! + 1);
    }
    if (last < b.length) row[last + 1] = Infinity;
    [twoAbove, above, row] = [above, row, twoAbove];
  }
  const distance = above[b.length]!;
  return distance <= max ? distance : Infinity;
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
