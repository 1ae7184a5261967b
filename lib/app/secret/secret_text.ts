/** What stands in a secret file, or is typed: one secret a line, or two while one takes the place of the other. */
import { ShoalError } from "../../errors.ts";
import type { Bytes } from "../../ids.ts";
import { SECRETS_MAX } from "../../protocol/seal/limits.ts";
import {
  SECRET_BYTES,
  SECRET_WORDS,
  TYPED_SECRET_CHARACTERS_MIN,
  TYPED_SECRET_DISTINCT_MIN,
} from "./limits.ts";

/** Those of BIP 39: no two begin with the same four letters. */
async function wordList(): Promise<readonly string[]> {
  return (await import("@scure/bip39/wordlists/english.js")).wordlist;
}

/** The words that these bytes are written as; the last one says whether the others are right. */
export async function wordsOf(bytes: Bytes): Promise<string> {
  const { entropyToMnemonic } = await import("@scure/bip39");
  return entropyToMnemonic(bytes, [...await wordList()]);
}

/** Four words for four numbers. */
export async function fingerprintText(numbers: readonly number[]): Promise<string> {
  const words = await wordList();
  return numbers.map((number) => words[number]).join(" ");
}

/**
 * The secrets in `bytes`, as they were written.
 *
 * @throws ShoalError `usage` for what is none, which says nothing of what is in it
 */
export function secretLines(bytes: Uint8Array): readonly string[] {
  const lines = textOf(bytes).split(/\r\n|\r|\n/).map((line) => line.trim())
    .filter((line) => line !== "");
  if (lines.length === 0) throw refusal("is empty");
  if (lines.length > SECRETS_MAX) throw refusal(`has more than ${SECRETS_MAX} lines`);
  return lines;
}

/** What a line comes to: the bytes that were made for it, or what a person has typed. */
type SecretLine =
  | { readonly kind: "made"; readonly bytes: Bytes }
  | { readonly kind: "typed"; readonly text: string; readonly isWeak: boolean };

/** @throws ShoalError `usage` for words that were made, and are not what they were */
export async function readLine(line: string): Promise<SecretLine> {
  const words = line.toLowerCase().split(/[\s-]+/);
  if (words.length === SECRET_WORDS) {
    const known = new Set(await wordList());
    const unknown = words.findIndex((word) => !known.has(word));
    const { mnemonicToEntropy } = await import("@scure/bip39");
    if (unknown === -1) {
      try {
        const entropy = mnemonicToEntropy(words.join(" "), [...known]);
        return { kind: "made", bytes: entropy.slice(0, SECRET_BYTES) };
      } catch {
        throw refusal("has a wrong word, or words in a wrong order", COMPARE);
      }
    }
    // One slip of the pen among words that were made is not a secret that somebody thought up.
    if (words.filter((word) => !known.has(word)).length <= 2) {
      throw refusal(`has a word that is none of the list's: number ${unknown + 1}`, COMPARE);
    }
  }
  if (words.length === SECRET_WORDS - 1 || words.length === SECRET_WORDS + 1) {
    const known = new Set(await wordList());
    if (words.every((word) => known.has(word))) {
      throw refusal(
        `has ${words.length} words, and those that are made have ${SECRET_WORDS}`,
        COMPARE,
      );
    }
  }
  const text = line.normalize("NFKC");
  const isWeak = text.length < TYPED_SECRET_CHARACTERS_MIN ||
    new Set(text).size < TYPED_SECRET_DISTINCT_MIN;
  return { kind: "typed", text, isWeak };
}

function textOf(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // deno-lint-ignore no-control-regex
    if (!/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text)) return text;
  } catch {
    // Not UTF-8.
  }
  throw refusal("is no text");
}

/** Of two lines that are one secret, however they are written. */
export function sameSecretTwice(): ShoalError {
  return refusal(
    "is there twice",
    "Two lines are two secrets: remove one, or put the new one first.",
  );
}

const COMPARE = "Compare them with the file on the machine where the secret was made.";

function refusal(why: string, hint?: string): ShoalError {
  return new ShoalError("usage", `the secret ${why}`, {
    hint: hint ??
      "`secret new` makes one, and says where it is; one line of text, or two, is a secret.",
  });
}
