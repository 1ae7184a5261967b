/** How messages say who holds which content: short hashes and places, a few of each. */
import type { HashHex } from "../../ids.ts";
import { CONTENTS_LISTED_MAX, SHORT_HASH_DIGITS } from "./limits.ts";

/** As many digits as people are shown. */
export function shortHash(sha256: HashHex): string {
  return sha256.slice(0, SHORT_HASH_DIGITS);
}

/** Each address once. */
export function placesText(addresses: readonly string[]): string {
  const different = [...new Set(addresses)];
  const more = different.length - CONTENTS_LISTED_MAX;
  const first = different.slice(0, CONTENTS_LISTED_MAX).join(", ");
  return more > 0 ? `${first} and ${more} more` : first;
}

/** What is said of each content, in one line. */
export function contentsText(texts: readonly string[]): string {
  const more = texts.length - CONTENTS_LISTED_MAX;
  const first = texts.slice(0, CONTENTS_LISTED_MAX).join("; ");
  return more > 0 ? `${first}; and ${more} more contents` : first;
}
