/**
 * The open files of a sender, by content: located through the main thread on first use, compared
 * with the index while they are read, the least recently used closed first.
 */
import type { Bytes } from "../../ids.ts";
import { FILE_CHECK_INTERVAL_MS, OPEN_FILES_MAX } from "./limits.ts";
import { type ContentRef, keyOf, type ServedFile } from "../../protocol/serve/served_file.ts";
import type { Disk } from "./disk.ts";
import { type FileSource, openFileSource } from "./file_source.ts";

export type FileState =
  | { readonly kind: "open" }
  /** Not what was indexed any more. */
  | { readonly kind: "changed" }
  /** Nobody has said where it is. */
  | { readonly kind: "unknown" };

interface OpenFile {
  readonly source: FileSource;
  checkedMs: number;
}

export class ServedFiles {
  readonly #disk: Disk;
  /** The least recently used first. */
  readonly #open = new Map<string, OpenFile>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** The file of this content, checked against its signature every so often. */
  find(nowMs: number, ref: ContentRef): FileState {
    const key = keyOf(ref);
    const file = this.#open.get(key);
    if (file === undefined) return { kind: "unknown" };
    this.#open.delete(key);
    if (nowMs - file.checkedMs >= FILE_CHECK_INTERVAL_MS) {
      if (!file.source.isUnchanged()) {
        file.source.close();
        return { kind: "changed" };
      }
      file.checkedMs = nowMs;
    }
    this.#open.set(key, file);
    return { kind: "open" };
  }

  /** Fills `length` bytes of `target` from the file of this content; 0 if it is not open. */
  readAt(ref: ContentRef, target: Bytes, at: number, length: number, position: number): number {
    return this.#open.get(keyOf(ref))?.source.readAt(target, at, length, position) ?? 0;
  }

  isOpen(ref: ContentRef): boolean {
    return this.#open.has(keyOf(ref));
  }

  /** Opens what the main thread has located. Says whether it is what was indexed. */
  open(nowMs: number, ref: ContentRef, file: ServedFile): boolean {
    this.close(ref);
    const opened = openFileSource(this.#disk, file.dir, file.name, file);
    if (!opened.ok) return false;
    this.#open.set(keyOf(ref), { source: opened.source, checkedMs: nowMs });
    if (this.#open.size > OPEN_FILES_MAX) this.#closeOldest();
    return true;
  }

  close(ref: ContentRef): void {
    const key = keyOf(ref);
    this.#open.get(key)?.source.close();
    this.#open.delete(key);
  }

  closeAll(): void {
    for (const file of this.#open.values()) file.source.close();
    this.#open.clear();
  }

  #closeOldest(): void {
    for (const [key, file] of this.#open) {
      file.source.close();
      this.#open.delete(key);
      return;
    }
  }
}
