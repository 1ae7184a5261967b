/**
 * Reads files that are offered as one bundle. All of it is read when it is opened, each file in one go, and each is
 * what was indexed after that, so that it was before: what a reader gives later is what the files were then.
 */
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import type { Bytes } from "../../ids.ts";
import type { ServedFile } from "../../protocol/base/served_file.ts";
import type { OpenedContent } from "./content_reader.ts";
import type { Disk } from "./disk.ts";
import { MemoryReader } from "./memory_reader.ts";
import { AnchoredDisk } from "./anchored_disk.ts";
import { type RegularFile, stillIs } from "./regular_file.ts";

/**
 * Never throws. One file that is not what it was spoils the bundle.
 *
 * @param open the long way to a file, for links and for what lies elsewhere
 */
export function readBundle(
  disk: Disk,
  files: readonly ServedFile[],
  open: (file: ServedFile) => OpenedContent,
): OpenedContent {
  const bytes = new Uint8Array(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  using folders = new OpenFolders(disk);
  let at = 0;
  for (const file of files) {
    const target = bytes.subarray(at, at + file.sizeBytes);
    const problem = folders.readPlain(file, target) ? undefined : readAny(open(file), file, target);
    if (problem !== undefined) return problem;
    at += file.sizeBytes;
  }
  return { ok: true, reader: new MemoryReader(bytes) };
}

/** Files of one folder come one after another: it is opened, and looked at, once for all of them. */
class OpenFolders implements Disposable {
  readonly #disk: Disk;
  #path = "";
  #opened: AnchoredDisk | undefined;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Whether `target` was filled from a file that is no link, is as it was indexed and stayed that. */
  readPlain(file: ServedFile, target: Bytes): boolean {
    if (file.place.kind !== "file") return false;
    const { dir, name } = file.place;
    const path = join(dir, name);
    const opened = this.#folder(dir, dirname(path))?.openRegular(path, "refuse");
    if (opened?.ok !== true) return false;
    try {
      return opened.file.readAt(target, 0, target.length, 0) === target.length &&
        isAsIndexed(opened.file, file);
    } finally {
      opened.file.close();
    }
  }

  [Symbol.dispose](): void {
    this.#opened?.close();
  }

  #folder(dir: string, path: string): AnchoredDisk | undefined {
    if (path === this.#path) return this.#opened;
    this.#opened?.close();
    this.#path = path;
    try {
      this.#opened = AnchoredDisk.open(this.#disk, dir, path, "inside");
    } catch {
      this.#opened = undefined;
    }
    return this.#opened;
  }
}

function readAny(
  opened: OpenedContent,
  file: ServedFile,
  target: Bytes,
): Extract<OpenedContent, { ok: false }> | undefined {
  if (!opened.ok) return opened;
  const { reader } = opened;
  try {
    const isWhole = reader.readAt(target, 0, target.length, 0) === target.length;
    if (isWhole && reader.isUnchanged()) return undefined;
    return { ok: false, reason: "changed", message: `${file.name} is not what was indexed` };
  } finally {
    reader.close();
  }
}

function isAsIndexed(open: RegularFile, file: ServedFile): boolean {
  const identity = open.identity();
  return identity !== undefined && stillIs(identity.signature, file);
}
