/**
 * The units in which the files of a folder travel (docs/PROTOCOL.md, "Folders"). A unit is what a chunk is in a
 * large file: leased, asked for, proved and written as one. It is a file of middle size, or a
 * bundle: small files one behind another, in the order of the manifest.
 *
 * Where a bundle ends is decided by the files in it, not by how many came before, so that folders
 * that are nearly the same are nearly the same bundles.
 */
import { type Bytes, fromHex, type HashHex, hashHex, toHex } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import type { TreeFile } from "../../wire/manifest.ts";
import { bundleRoot } from "../merkle/unit_root.ts";
import {
  BUNDLE_BYTES_MAX,
  BUNDLE_BYTES_MIN,
  BUNDLE_END_ODDS,
  BUNDLE_FILES_MAX,
  BUNDLED_FILE_BYTES_MAX,
  UNIT_BYTES_MAX,
} from "./limits.ts";

/** Files that travel together. */
export interface TreeUnit {
  /** What it is asked for by, and proved with: the file's own root, or that of the bundle. */
  readonly root: HashHex;
  readonly sizeBytes: number;
  /** In their order; a single one is no bundle. */
  readonly files: readonly TreeFile[];
}

/**
 * The units of a folder's files; empty files and those over {@linkcode UNIT_BYTES_MAX} are in none.
 *
 * @param files in the order of the manifest
 */
export function unitsOf(files: Iterable<TreeFile>): TreeUnit[] {
  const units: TreeUnit[] = [];
  let bundle: TreeFile[] = [];
  let bytes = 0;
  const end = (): void => {
    if (bundle.length > 0) units.push(unitOf(bundle));
    bundle = [];
    bytes = 0;
  };
  for (const file of files) {
    const { sizeBytes } = file;
    if (sizeBytes === 0 || sizeBytes > UNIT_BYTES_MAX) continue;
    if (sizeBytes >= BUNDLED_FILE_BYTES_MAX) {
      units.push(unitOf([file]));
      continue;
    }
    if (bytes + sizeBytes > BUNDLE_BYTES_MAX) end();
    bundle.push(file);
    bytes += sizeBytes;
    const isLong = bytes >= BUNDLE_BYTES_MIN || bundle.length >= BUNDLE_FILES_MAX / 2;
    if (bundle.length === BUNDLE_FILES_MAX || (isLong && endsBundle(file))) end();
  }
  end();
  return units;
}

/** The unit of these files, which is a bundle if they are several. */
export function unitOf(files: readonly TreeFile[]): TreeUnit {
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  const root = files.length === 1 ? files[0]!.root : hashHex(toHex(bundleRoot(
    files.map((file) => file.sizeBytes),
    joined(files.map((file) => fromHex(file.root)!)),
  )));
  return { root, sizeBytes, files };
}

function endsBundle({ sha256: hex }: TreeFile): boolean {
  return Number.parseInt(hex.slice(0, 4), 16) % BUNDLE_END_ODDS === 0;
}

function joined(parts: readonly Bytes[]): Bytes {
  const bytes = new Uint8Array(parts.length * HASH_BYTES);
  parts.forEach((part, i) => bytes.set(part, i * HASH_BYTES));
  return bytes;
}
