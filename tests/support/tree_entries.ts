/** Entries of manifests that exist in name only. */
import { hashHex, type SafeFileName, toHex } from "../../lib/ids.ts";
import { BLOCK_BYTES } from "../../lib/limits.ts";
import { sha256 } from "../../lib/protocol/base/sha256.ts";
import type { TreeEntry, TreeFile, TreeFolder, TreeLink } from "../../lib/wire/manifest.ts";

const TIME = { mtimeMs: 1_700_000_000_000, mtimeRestNs: 0 };

/** A file whose hashes stand for `seed`. */
export function smallFile(name: string, seed: number, sizeBytes = 1_000): TreeFile {
  const hash = (salt: number) =>
    hashHex(toHex(sha256(new Uint8Array([seed, seed >> 8, seed >> 16, salt]))));
  const digest = hash(0);
  const root = sizeBytes <= BLOCK_BYTES ? digest : hash(1);
  const safe = name as SafeFileName;
  return {
    kind: "file",
    name: safe,
    isExecutable: false,
    sizeBytes,
    sha256: digest,
    root,
    ...TIME,
  };
}

export function folderIn(name: string): TreeFolder {
  return { kind: "folder", name: name as SafeFileName, ...TIME };
}

export function linkIn(name: string, target: string): TreeLink {
  return { kind: "link", name: name as SafeFileName, target, ...TIME };
}

export function gapIn(name: string): Extract<TreeEntry, { kind: "gap" }> {
  return { kind: "gap", name: name as SafeFileName };
}
