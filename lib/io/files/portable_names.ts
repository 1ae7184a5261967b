/**
 * Names that every file system takes. What some cannot hold stands as `%` and the two hex digits of its
 * character: `< > : " | ? * \`, a dot or a space at the end of a part, and `%` itself where two hex digits
 * follow, so that each name comes from one name only. A part that gets too long is cut, and told from others by a
 * digest: from such a one the original cannot be read.
 */
import { NAME_COMPONENT_BYTES_MAX } from "../../limits.ts";
import { toHex } from "../../ids.ts";
import { sha256 } from "../../protocol/base/sha256.ts";
import { EXTENSION_BYTES_MAX } from "./limits.ts";

const utf8 = new TextEncoder();
const UNPORTABLE = /[<>:"|?*\\]|%(?=[0-9A-Fa-f]{2})|[. ]$/g;
/** Of what is cut off: enough that nobody meets two that are alike. */
const CUT_DIGEST_DIGITS = 16;

/** `component` of a name, as every file system takes it, in at most `bytesMax` bytes of UTF-8. */
export function portableComponent(
  component: string,
  bytesMax: number = NAME_COMPONENT_BYTES_MAX,
): string {
  const portable = component.replace(UNPORTABLE, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
  if (utf8.encode(portable).length <= bytesMax) return portable;
  const { stem, extension } = splitExtension(portable);
  const end = `~${digestOf(component)}${extension}`;
  return truncated(stem, bytesMax - utf8.encode(end).length) + end;
}

/** The beginning of `text`, with a digest of all of it, in `bytesMax` bytes. */
export function cutName(text: string, bytesMax: number): string {
  const end = `~${digestOf(text)}`;
  return truncated(text, bytesMax - end.length) + end;
}

/** A dot-file has no extension, and neither has what only has a dot somewhere. */
export function splitExtension(
  base: string,
): { readonly stem: string; readonly extension: string } {
  const dot = base.lastIndexOf(".");
  const isShort = dot > 0 && utf8.encode(base.slice(dot)).length <= EXTENSION_BYTES_MAX;
  return isShort
    ? { stem: base.slice(0, dot), extension: base.slice(dot) }
    : { stem: base, extension: "" };
}

/** The longest beginning of `text` that fits `bytesMax`, whole characters only. */
export function truncated(text: string, bytesMax: number): string {
  let bytes = 0;
  let result = "";
  for (const character of text) {
    bytes += utf8.encode(character).length;
    if (bytes > bytesMax) break;
    result += character;
  }
  return result;
}

function digestOf(text: string): string {
  return toHex(sha256(utf8.encode(text))).slice(0, CUT_DIGEST_DIGITS);
}
