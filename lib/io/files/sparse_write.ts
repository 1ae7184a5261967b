/**
 * Writing that leaves holes: whole blocks of zeros are not written where the disk reads as zeros anyway, so
 * that a sparse file stays one. It reads back the same, with or without.
 */
import type { Bytes } from "../../ids.ts";
import type { DiskFile } from "./disk.ts";
import { HOLE_BLOCK_BYTES } from "./limits.ts";

const ZEROS: Bytes = new Uint8Array(16 * HOLE_BLOCK_BYTES);
const scratch: Bytes = new Uint8Array(ZEROS.length);
const WORD_BYTES = 4;
const WORDS_PER_BLOCK = HOLE_BLOCK_BYTES / WORD_BYTES;

/** The same as `file.writeAt(bytes, position)` for everybody who reads the file. */
export function writeSparse(file: DiskFile, bytes: Uint8Array, position: number): void {
  const first = (HOLE_BLOCK_BYTES - position % HOLE_BLOCK_BYTES) % HOLE_BLOCK_BYTES;
  const blocks = Math.floor((bytes.length - first) / HOLE_BLOCK_BYTES);
  // What lies askew in memory would have to be looked at byte by byte: it is rare, and written as it is.
  if (blocks < 1 || (bytes.byteOffset + first) % WORD_BYTES !== 0) {
    return file.writeAt(bytes, position);
  }
  const words = new Uint32Array(
    bytes.buffer,
    bytes.byteOffset + first,
    blocks * WORDS_PER_BLOCK,
  );
  let written = 0;
  for (let block = 0; block < blocks; block++) {
    if (!isZero(words, block)) continue;
    const from = first + block * HOLE_BLOCK_BYTES;
    while (block + 1 < blocks && isZero(words, block + 1)) block += 1;
    const to = first + (block + 1) * HOLE_BLOCK_BYTES;
    if (from > written) file.writeAt(bytes.subarray(written, from), position + written);
    leaveHole(file, position + from, position + to);
    written = to;
  }
  if (written < bytes.length) file.writeAt(bytes.subarray(written), position + written);
}

/** Of what is no zeros this takes one look at a block. */
function isZero(words: Uint32Array, block: number): boolean {
  const end = (block + 1) * WORDS_PER_BLOCK;
  for (let at = block * WORDS_PER_BLOCK; at < end; at++) if (words[at] !== 0) return false;
  return true;
}

/** Beyond the end there is nothing yet; before it, an earlier run may have left something else. */
function leaveHole(file: DiskFile, from: number, to: number): void {
  const { sizeBytes } = file.look();
  const end = Math.min(to, sizeBytes);
  for (let at = from; at < end;) {
    const length = Math.min(scratch.length, end - at);
    if (!readsAsZeros(file, at, length)) file.writeAt(ZEROS.subarray(0, length), at);
    at += length;
  }
  if (to > sizeBytes) file.truncate(to);
}

function readsAsZeros(file: DiskFile, position: number, length: number): boolean {
  const read = scratch.subarray(0, length);
  if (file.readAt(read, position) < length) return false;
  return read.every((byte) => byte === 0);
}
