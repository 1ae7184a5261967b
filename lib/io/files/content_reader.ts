/**
 * The only way to read what is offered, whatever it lies in. Who reads knows no kind of place: another kind has its
 * line in `ContentPlace` and here, and nothing else changes.
 */
import type { Bytes, FileSignature } from "../../ids.ts";
import type { ContentPlace } from "../../protocol/base/served_file.ts";
import type { Disk } from "./disk.ts";
import { openFileReader } from "./file_reader.ts";
import { readBundle } from "./bundle_reader.ts";
import { MemoryReader } from "./memory_reader.ts";
import { openPartReader } from "./part_reader.ts";

/** Something offered, open for reading. Close it. */
export interface ContentReader {
  /**
   * Fills `lengthBytes` of `target` from `targetOffset` with what is at `position`. A shorter count
   * means that the bytes are not there: a file shrank, or the disk failed. Never throws.
   */
  readAt(target: Bytes, targetOffset: number, lengthBytes: number, position: number): number;
  /** Whether all of these bytes are there so far: of what is only partly there, more may be at any time, and never less. */
  holds(position: number, lengthBytes: number): boolean;
  /** Whether it is still what was indexed, and still found in its place. What was read before it said no is worth nothing. */
  isUnchanged(): boolean;
  close(): void;
}

export interface OpenFailure {
  readonly ok: false;
  /** `changed`: something else is there now; a link that leaves the folder is that too. */
  readonly reason: "missing" | "changed" | "unreadable";
  readonly message: string;
}

export type OpenedContent = { readonly ok: true; readonly reader: ContentReader } | OpenFailure;

/** Opens what lies in `place` if it is what `signature` says. Never throws. */
export function openContent(
  disk: Disk,
  place: ContentPlace,
  signature: FileSignature,
): OpenedContent {
  switch (place.kind) {
    case "file":
      return openFileReader(disk, place.dir, place.name, signature);
    case "bundle":
      return readBundle(disk, place.files, (file) => openContent(disk, file.place, file));
    case "memory":
      return { ok: true, reader: new MemoryReader(place.bytes) };
    case "part":
      return openPartReader(disk, place, signature.sizeBytes);
    default:
      return place satisfies never;
  }
}
