/**
 * What a sender or a packer has open, by content: located through the main thread on first use, compared
 * with the index while they are read, the least recently used closed first.
 */
import type { Bytes } from "../../ids.ts";
import { FILE_CHECK_INTERVAL_MS } from "./limits.ts";
import { type ContentRef, keyOf, type ServedFile } from "../../protocol/base/served_file.ts";
import type { ByteRange } from "../../wire/frames.ts";
import type { Disk } from "./disk.ts";
import { type ContentReader, openContent } from "./content_reader.ts";

export type ContentState =
  | OpenContent
  /** Not what was indexed any more. */
  | typeof CHANGED
  /** Nobody has said where it lies. */
  | typeof UNKNOWN;

const CHANGED = { kind: "changed" } as const;
const UNKNOWN = { kind: "unknown" } as const;

/** A content that was open when it was found, and may have been closed since. */
class OpenContent {
  readonly kind = "open";
  readonly #reader: ContentReader;
  #checkedMs: number;
  #isClosed = false;

  constructor(nowMs: number, reader: ContentReader) {
    this.#reader = reader;
    this.#checkedMs = nowMs;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** As {@linkcode ContentReader.readAt}; 0 once it is closed. */
  readAt(target: Bytes, at: number, lengthBytes: number, position: number): number {
    return this.#isClosed ? 0 : this.#reader.readAt(target, at, lengthBytes, position);
  }

  /** Whether all of these are there so far. */
  holds(ranges: readonly ByteRange[]): boolean {
    for (const { offset, lengthBytes } of ranges) {
      if (!this.#reader.holds(offset, lengthBytes)) return false;
    }
    return true;
  }

  /** Whether it is what was indexed, as far as was seen lately. */
  isUnchanged(nowMs: number): boolean {
    if (nowMs - this.#checkedMs < FILE_CHECK_INTERVAL_MS) return true;
    this.#checkedMs = nowMs;
    return this.#reader.isUnchanged();
  }

  close(): void {
    if (!this.#isClosed) this.#reader.close();
    this.#isClosed = true;
  }
}

export class OpenContents {
  readonly #disk: Disk;
  readonly #openMax: number;
  /** The least recently used first. */
  readonly #open = new Map<string, OpenContent>();

  /** @param openMax so many are open at once */
  constructor(disk: Disk, openMax: number) {
    this.#disk = disk;
    this.#openMax = openMax;
  }

  /** What has this content, checked against its signature every so often. */
  find(nowMs: number, ref: ContentRef): ContentState {
    const key = keyOf(ref);
    const content = this.#open.get(key);
    if (content === undefined) return UNKNOWN;
    this.#open.delete(key);
    if (!content.isUnchanged(nowMs)) {
      content.close();
      return CHANGED;
    }
    this.#open.set(key, content);
    return content;
  }

  /** Opens what the main thread has located. Says whether it is what was indexed. */
  open(nowMs: number, ref: ContentRef, file: ServedFile): boolean {
    this.close(ref);
    const opened = openContent(this.#disk, file.place, file);
    if (!opened.ok) return false;
    this.#open.set(keyOf(ref), new OpenContent(nowMs, opened.reader));
    if (this.#open.size > this.#openMax) this.#closeOldest();
    return true;
  }

  close(ref: ContentRef): void {
    const key = keyOf(ref);
    this.#open.get(key)?.close();
    this.#open.delete(key);
  }

  closeAll(): void {
    for (const content of this.#open.values()) content.close();
    this.#open.clear();
  }

  #closeOldest(): void {
    for (const [key, content] of this.#open) {
      content.close();
      this.#open.delete(key);
      return;
    }
  }
}
