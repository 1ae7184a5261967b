/** What a sender registers at masters: an empty file, whose name says its number and nothing else of the code. */
import { type Content, hashHex, type SafeFileName, toHex } from "../../ids.ts";
import { Catalogue } from "../../protocol/serve/catalogue.ts";
import { HASH_BYTES } from "../../limits.ts";
import { sha256 } from "../../protocol/base/sha256.ts";

export function codeName(number: number): SafeFileName {
  return `shoal-code-${number}` as SafeFileName;
}

export function codeCatalogue(number: number): Catalogue {
  const catalogue = new Catalogue();
  const name = codeName(number);
  catalogue.put(name, { sizeBytes: 0, mtimeMs: 0, ctimeMs: 0, inode: 0 }, "pending");
  catalogue.ready(name, EMPTY);
  return catalogue;
}

const EMPTY: Pick<Content, "sha256" | "root"> = {
  sha256: hashHex(toHex(sha256(new Uint8Array(0)))),
  root: hashHex("0".repeat(2 * HASH_BYTES)),
};
