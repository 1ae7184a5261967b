/**
 * The journal of a part file, on disk. What stands in it, and why nothing here waits for the disk:
 * `lib/protocol/download/journal.ts`.
 */
import type { Bytes, Content } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { Bitmap } from "../../protocol/base/bitmap.ts";
import {
  bitmapOffset,
  decodeJournal,
  encodeJournal,
  journalBytes,
  type JournalState,
} from "../../protocol/download/journal.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { diskError } from "./disk_error.ts";

export function removeJournal(disk: Disk, path: string): void {
  try {
    disk.remove(path);
  } catch {
    // There was none, or it stays behind: without its part file it means nothing.
  }
}

/** A journal that is kept up to date. Errors of the disk are ShoalErrors. */
export class JournalFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #file: DiskFile;
  readonly #bitmapAt: number;
  readonly #saved: Bytes;

  private constructor(
    disk: Disk,
    path: string,
    file: DiskFile,
    content: Content,
    written: Bitmap,
  ) {
    this.#disk = disk;
    this.#path = path;
    this.#file = file;
    this.#bitmapAt = bitmapOffset(content);
    this.#saved = written.bytes.slice();
  }

  /** Writes a journal afresh; whatever had its name is gone. */
  static create(disk: Disk, path: string, content: Content, state: JournalState): JournalFile {
    removeJournal(disk, path);
    const journal = new JournalFile(disk, path, createFile(disk, path), content, state.written);
    try {
      journal.#write(encodeJournal(content, state), 0);
      return journal;
    } catch (cause) {
      journal.remove();
      throw cause;
    }
  }

  /** Goes on with the journal at `path`; `undefined` if there is none of this content. */
  static resume(
    disk: Disk,
    path: string,
    content: Content,
  ): { readonly journal: JournalFile; readonly state: JournalState } | undefined {
    let file: DiskFile | undefined;
    try {
      if (disk.lookAt(path)?.kind !== "file") return undefined;
      file = disk.open(path);
      const state = stateIn(file, content);
      if (state !== undefined) {
        return { journal: new JournalFile(disk, path, file, content, state.written), state };
      }
    } catch {
      // It cannot be read: there is none.
    }
    file?.close();
    return undefined;
  }

  /** Writes what has changed of the bitmap. */
  save(written: Bitmap): void {
    const { bytes } = written;
    const first = bytes.findIndex((byte, i) => byte !== this.#saved[i]);
    if (first < 0) return;
    const last = bytes.findLastIndex((byte, i) => byte !== this.#saved[i]);
    const changed = bytes.subarray(first, last + 1);
    this.#write(changed, this.#bitmapAt + first);
    this.#saved.set(changed, first);
  }

  close(): void {
    this.#file.close();
  }

  remove(): void {
    this.close();
    removeJournal(this.#disk, this.#path);
  }

  #write(bytes: Uint8Array, position: number): void {
    try {
      this.#file.writeAt(bytes, position);
    } catch (cause) {
      throw diskError(`cannot write ${this.#path}`, cause);
    }
  }
}

/** `undefined` for what is not all there, or has another name as well, under which it is somebody else's. */
function stateIn(file: DiskFile, content: Content): JournalState | undefined {
  const { sizeBytes, linkCount } = file.look();
  if (sizeBytes !== journalBytes(content) || linkCount !== 1) return undefined;
  const bytes = new Uint8Array(sizeBytes);
  return file.readAt(bytes, 0) === sizeBytes ? decodeJournal(bytes, content) : undefined;
}

function createFile(disk: Disk, path: string): DiskFile {
  try {
    const file = disk.create(path);
    if (file !== undefined) return file;
  } catch (cause) {
    throw diskError(`cannot write ${path}`, cause);
  }
  throw new ShoalError("not_writable", `cannot write ${path}: something else has that name`);
}
