/**
 * Reads files that are offered as one bundle. All of it is read when it is opened, each file in one go, and each is
 * what was indexed after that, so that it was before: what a reader gives later is what the files were then.
 */
import { SEPARATOR } from "@std/path/constants";
import { join } from "@std/path/join";
import type { Bytes } from "../../ids.ts";
import { type BundleFiles, filesOfBundle } from "../../protocol/base/bundle_files.ts";
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
  files: BundleFiles,
  open: (file: ServedFile) => OpenedContent,
): OpenedContent {
  const bytes = new Uint8Array(files.sizeBytes);
  using folders = new OpenFolders(disk);
  let at = 0;
  for (const file of filesOfBundle(files)) {
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
  /** Where the open one is, below which folder. */
  #dir = "";
  #above = "";
  #path = "";
  #opened: AnchoredDisk | undefined;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Whether `target` was filled from a file that is no link, is as it was indexed and stayed that. */
  readPlain(file: ServedFile, target: Bytes): boolean {
    if (file.place.kind !== "file") return false;
    const { dir, name } = file.place;
    const end = name.lastIndexOf("/");
    const folder = this.#folder(dir, name.slice(0, Math.max(0, end)));
    const path = this.#path + SEPARATOR + name.slice(end + 1);
    const opened = folder?.openRegular(path, "refuse");
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

  #folder(dir: string, above: string): AnchoredDisk | undefined {
    if (this.#path !== "" && dir === this.#dir && above === this.#above) return this.#opened;
    this.#opened?.close();
    [this.#dir, this.#above, this.#path] = [dir, above, join(dir, above)];
    try {
      this.#opened = AnchoredDisk.open(this.#disk, dir, this.#path, "inside");
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
