/**
 * Reads what is offered out of a regular file. It promises that the file lies
 * inside the served folder and is the file that was indexed: same size, same time, same inode. It
 * does not detect a write while it reads: ask whether it is unchanged after reading.
 */
import { SEPARATOR as sep } from "@std/path/constants";
import { join } from "@std/path/join";
import type { Bytes, FileSignature } from "../../ids.ts";
import type { ContentReader, OpenedContent, OpenFailure } from "./content_reader.ts";
import type { Disk } from "./disk.ts";
import { failureOf, isSameFile, type RegularFile, sameIdentity, stillIs } from "./regular_file.ts";

type ResolvedPath = { readonly ok: true; readonly path: string } | OpenFailure;

/**
 * Opens `name` below `dir` if it is what `signature` says. Never throws.
 *
 * @param dir the served folder, absolute and free of links, as {@linkcode Deno.realPath} gives it
 * @param name a name that a folder scan gave
 */
export function openFileReader(
  disk: Disk,
  dir: string,
  name: string,
  signature: FileSignature,
): OpenedContent {
  const path = join(dir, name);
  const resolved = resolveInside(disk, dir, path);
  if (!resolved.ok) return resolved;
  const opened = disk.openRegular(resolved.path, "refuse");
  if (!opened.ok) {
    const { problem, message } = opened;
    const isOtherKind = problem === "folder" || problem === "special";
    return { ok: false, reason: isOtherKind ? "changed" : problem, message };
  }
  const { file } = opened;
  const identity = file.identity();
  if (
    identity === undefined || !stillIs(identity.signature, signature) ||
    !isOpenedInside(disk, dir, path, file)
  ) {
    file.close();
    return { ok: false, reason: "changed", message: `${name} is not what was indexed` };
  }
  return { ok: true, reader: new FileReader(disk, path, file, signature) };
}

/** Where `path` leads once every link is followed, provided that this is inside `dir`. */
export function resolveInside(disk: Disk, dir: string, path: string): ResolvedPath {
  try {
    const real = disk.realPath(path);
    if (isInside(dir, real)) return { ok: true, path: real };
    return { ok: false, reason: "changed", message: `${path} leads out of the folder` };
  } catch (thrown) {
    const { problem, message } = failureOf(thrown);
    return { ok: false, reason: problem, message };
  }
}

class FileReader implements ContentReader {
  readonly #signature: FileSignature;
  readonly #disk: Disk;
  readonly #path: string;
  readonly #file: RegularFile;

  constructor(disk: Disk, path: string, file: RegularFile, signature: FileSignature) {
    this.#disk = disk;
    this.#path = path;
    this.#file = file;
    this.#signature = signature;
  }

  readAt(target: Bytes, targetOffset: number, lengthBytes: number, position: number): number {
    return this.#file.readAt(target, targetOffset, lengthBytes, position);
  }

  holds(): boolean {
    return true;
  }

  isUnchanged(): boolean {
    const open = this.#file.identity();
    if (open === undefined || !stillIs(open.signature, this.#signature)) return false;
    const isSame = this.#signature.isPrefix ? isSameFile : sameIdentity;
    return isSame(open, this.#disk.identityAt(this.#path));
  }

  close(): void {
    this.#file.close();
  }
}

/**
 * Whether the file that was opened, not just the path that was checked, is inside `dir`: a folder on
 * the way may have been swapped for a link in between.
 */
function isOpenedInside(disk: Disk, dir: string, path: string, file: RegularFile): boolean {
  const opened = file.path();
  if (opened !== undefined) return isInside(dir, opened);
  const resolved = resolveInside(disk, dir, path);
  return resolved.ok && sameIdentity(disk.identityAt(resolved.path), file.identity());
}

function isInside(dir: string, path: string): boolean {
  return path.startsWith(dir.endsWith(sep) ? dir : dir + sep);
}
