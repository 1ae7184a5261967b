/** Which uploads a server accepts, before a byte of them is read. */
import type { SafeFileName } from "../../ids.ts";
import { isHiddenName, isPartName, parseFileName } from "../../names.ts";
import { sizeText } from "../../sizes.ts";
import type { SessionPolicy } from "./dialogue.ts";

/** Why a file of this size is not taken; `undefined` if it is. */
export function uploadRefusal(
  policy: Pick<SessionPolicy, "allowsUpload" | "uploadBytesMax">,
  sizeBytes: number,
): string | undefined {
  if (!policy.allowsUpload) {
    return "uploads are not allowed here: ask its owner to start it with --allow-upload";
  }
  if (sizeBytes <= policy.uploadBytesMax) return undefined;
  const texts = [sizeBytes, policy.uploadBytesMax].map(sizeText);
  // Where rounding hides the difference, bytes show it.
  const isClear = texts[0] !== texts[1];
  const [size, largest] = isClear ? texts : [`${sizeBytes} B`, `${policy.uploadBytesMax} B`];
  return `the file is too large: ${size}, where the server takes up to ${largest} (--max-upload)`;
}

/**
 * The name that an upload gets; `undefined` for one that nobody could be offered afterwards.
 *
 * @param kept `base` drops the folders that a peer put before the name, whatever it calls them
 */
export function uploadName(text: string, kept: "base" | "whole"): SafeFileName | undefined {
  const name = kept === "base"
    ? text.slice(Math.max(...["/", "\\"].map((c) => text.lastIndexOf(c))) + 1)
    : text;
  const parsed = parseFileName(name);
  return parsed.ok && !isHiddenName(name) && !isPartName(name) ? parsed.name : undefined;
}
