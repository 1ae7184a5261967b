/**
 * Reads what is there so far of a file that is still being written, chunk by chunk and in any order. Its bitmap is in
 * memory that the writer shares: a chunk is read from the moment that its bit is set. Its signature changes all the time, so it is
 * told by what does not, its device and inode, and by its name.
 */
import type { Bytes } from "../../ids.ts";
import type { ContentPlace } from "../../protocol/base/served_file.ts";
import { chunkBytesFor } from "../../protocol/merkle/merkle.ts";
import type { ContentReader, OpenedContent } from "./content_reader.ts";
import type { Disk } from "./disk.ts";
import type { FileIdentity, RegularFile } from "./regular_file.ts";

type PartPlace = Extract<ContentPlace, { kind: "part" }>;

/** @param sizeBytes of the whole */
export function openPartReader(disk: Disk, place: PartPlace, sizeBytes: number): OpenedContent {
  const opened = disk.openRegular(place.path, "refuse");
  if (!opened.ok) {
    const isOther = opened.problem === "folder" || opened.problem === "special";
    return { ok: false, reason: isOther ? "changed" : opened.problem, message: opened.message };
  }
  const reader = new PartReader(disk, place, opened.file, chunkBytesFor(sizeBytes));
  if (reader.isUnchanged()) return { ok: true, reader };
  reader.close();
  return { ok: false, reason: "changed", message: `${place.path} is another file` };
}

class PartReader implements ContentReader {
  readonly #disk: Disk;
  readonly #place: PartPlace;
  readonly #file: RegularFile;
  readonly #chunkBytes: number;

  constructor(disk: Disk, place: PartPlace, file: RegularFile, chunkBytes: number) {
    this.#disk = disk;
    this.#place = place;
    this.#file = file;
    this.#chunkBytes = chunkBytes;
  }

  readAt(target: Bytes, targetOffset: number, lengthBytes: number, position: number): number {
    if (!this.holds(position, lengthBytes)) return 0;
    return this.#file.readAt(target, targetOffset, lengthBytes, position);
  }

  holds(position: number, lengthBytes: number): boolean {
    const { held } = this.#place;
    const first = Math.floor(position / this.#chunkBytes);
    for (let chunk = first; chunk * this.#chunkBytes < position + lengthBytes; chunk++) {
      if (((held[chunk >> 3] ?? 0) & (1 << (chunk & 7))) === 0) return false;
    }
    return true;
  }

  isUnchanged(): boolean {
    return this.#isOurs(this.#file.identity()) &&
      this.#isOurs(this.#disk.identityAt(this.#place.path));
  }

  close(): void {
    this.#file.close();
  }

  #isOurs(identity: FileIdentity | undefined): boolean {
    const { device, inode } = this.#place;
    return identity?.device === device && identity.signature.inode === inode;
  }
}
