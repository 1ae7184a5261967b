/**
 * Turns ranges of a file into segments, dozens to a buffer, for one send that the kernel cuts apart.
 * A range is read in one go to the end of its place; the payloads are then moved forward, each to
 * its slot, which opens the room for the headers.
 */
import type { Bytes } from "../../ids.ts";
import { SEND_BYTES_MAX, SEND_SEGMENTS_MAX } from "../net/limits.ts";
import {
  DATA_HEADER_BYTES,
  type DataHeader,
  DataWriter,
  payloadBytesOf,
} from "../../wire/data_frame.ts";
import type { ByteRange } from "../../wire/frames.ts";

/** Sends bytes, and says whether to continue: at once where nothing has to be waited for. */
type Flush = (bytes: Bytes) => boolean | Promise<boolean>;

/** Reads `length` bytes at `position` to `target[at]`; returns how many there were. */
type ReadAt = (target: Bytes, at: number, length: number, position: number) => number;

export class SegmentWriter {
  readonly #buffer: Bytes = new Uint8Array(SEND_BYTES_MAX);
  readonly #headers = new DataWriter(this.#buffer);
  readonly #overheadBytes: number;
  #usedBytes = 0;
  #segments = 0;

  /** @param overheadBytes what the transport adds to each segment: one send has to hold it as well */
  constructor(overheadBytes = 0) {
    this.#overheadBytes = overheadBytes;
  }

  /**
   * Sends `ranges` as segments of `segmentBytes`; all of a send but its last are that long.
   * `flush` may keep the bytes until it settles, and says whether to continue. `false` when the file
   * did not have the bytes, or `flush` said stop.
   */
  async write(
    ranges: readonly ByteRange[],
    segmentBytes: number,
    header: DataHeader,
    readAt: ReadAt,
    flush: Flush,
  ): Promise<boolean> {
    this.#usedBytes = 0;
    this.#segments = 0;
    this.#headers.header = header;
    const payloadBytes = payloadBytesOf(segmentBytes);
    for (const { offset, lengthBytes } of ranges) {
      for (let done = 0; done < lengthBytes;) {
        const slots = this.#freeSlots(segmentBytes);
        const length = Math.min(lengthBytes - done, slots * payloadBytes);
        if (length > 0 && !this.#place(offset + done, length, payloadBytes, readAt)) return false;
        done += length;
        // A send ends where it is full, and behind a short segment.
        if (length > 0 && length % payloadBytes === 0) continue;
        const continues = this.#flush(flush);
        if (!(typeof continues === "boolean" ? continues : await continues)) return false;
      }
    }
    return this.#flush(flush);
  }

  #freeSlots(segmentBytes: number): number {
    const segmentsMax = Math.floor(SEND_BYTES_MAX / (segmentBytes + this.#overheadBytes));
    return Math.min(segmentsMax, SEND_SEGMENTS_MAX) - this.#segments;
  }

  #place(
    offset: number,
    length: number,
    payloadBytes: number,
    readAt: ReadAt,
  ): boolean {
    const slots = Math.ceil(length / payloadBytes);
    const start = this.#usedBytes;
    const readTo = start + slots * DATA_HEADER_BYTES;
    if (readAt(this.#buffer, readTo, length, offset) !== length) return false;
    for (let slot = 0; slot < slots; slot++) {
      const from = readTo + slot * payloadBytes;
      const size = Math.min(payloadBytes, length - slot * payloadBytes);
      const at = start + slot * (payloadBytes + DATA_HEADER_BYTES);
      this.#buffer.copyWithin(at + DATA_HEADER_BYTES, from, from + size);
      this.#headers.write(at, size, offset + slot * payloadBytes);
    }
    this.#usedBytes = readTo + length;
    this.#segments += slots;
    return true;
  }

  #flush(flush: Flush): boolean | Promise<boolean> {
    if (this.#usedBytes === 0) return true;
    const bytes = this.#buffer.subarray(0, this.#usedBytes);
    this.#usedBytes = 0;
    this.#segments = 0;
    return flush(bytes);
  }
}
