/**
 * What a sender has open, by content: located through the main thread on first use, compared
 * with the index while they are read, the least recently used closed first.
 */
import type { Bytes } from "../../ids.ts";
import { FILE_CHECK_INTERVAL_MS, OPEN_FILES_MAX } from "./limits.ts";
import { type ContentRef, keyOf, type ServedFile } from "../../protocol/base/served_file.ts";
import type { Disk } from "./disk.ts";
import { type ContentReader, openContent } from "./content_reader.ts";

export type ContentState =
  | { readonly kind: "open" }
  /** Not what was indexed any more. */
  | { readonly kind: "changed" }
  /** Nobody has said where it lies. */
  | { readonly kind: "unknown" };

interface OpenContent {
  readonly reader: ContentReader;
  checkedMs: number;
}

export class OpenContents {
  readonly #disk: Disk;
  /** The least recently used first. */
  readonly #open = new Map<string, OpenContent>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** What has this content, checked against its signature every so often. */
  find(nowMs: number, ref: ContentRef): ContentState {
    const key = keyOf(ref);
    const content = this.#open.get(key);
    if (content === undefined) return { kind: "unknown" };
    this.#open.delete(key);
    if (nowMs - content.checkedMs >= FILE_CHECK_INTERVAL_MS) {
      if (!content.reader.isUnchanged()) {
        content.reader.close();
        return { kind: "changed" };
      }
      content.checkedMs = nowMs;
    }
    this.#open.set(key, content);
    return { kind: "open" };
  }

  /** Fills `length` bytes of `target` of this content; 0 if it is not open. */
  readAt(ref: ContentRef, target: Bytes, at: number, length: number, position: number): number {
    return this.#open.get(keyOf(ref))?.reader.readAt(target, at, length, position) ?? 0;
  }

  isOpen(ref: ContentRef): boolean {
    return this.#open.has(keyOf(ref));
  }

  /** Opens what the main thread has located. Says whether it is what was indexed. */
  open(nowMs: number, ref: ContentRef, file: ServedFile): boolean {
    this.close(ref);
    const opened = openContent(this.#disk, file.place, file);
    if (!opened.ok) return false;
    this.#open.set(keyOf(ref), { reader: opened.reader, checkedMs: nowMs });
    if (this.#open.size > OPEN_FILES_MAX) this.#closeOldest();
    return true;
  }

  close(ref: ContentRef): void {
    const key = keyOf(ref);
    this.#open.get(key)?.reader.close();
    this.#open.delete(key);
  }

  closeAll(): void {
    for (const { reader } of this.#open.values()) reader.close();
    this.#open.clear();
  }

  #closeOldest(): void {
    for (const [key, { reader }] of this.#open) {
      reader.close();
      this.#open.delete(key);
      return;
    }
  }
}
