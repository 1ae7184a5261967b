/**
 * What one receive brought, read as runs: segments that follow one another in the buffer and in the
 * file and answer the same request. Nearly always a receive is one run, so whatever is decided for a
 * run, and not for each of its dozens of segments, costs next to nothing.
 */
import type { Bytes } from "../ids.ts";
import { DATA_HEADER_BYTES, DataReader, isData } from "./data_frame.ts";

/** What one receive brought: segments of `segmentBytes`, of which the last may be shorter. */
export interface Segments {
  readonly bytes: Bytes;
  /** As long as `bytes` where that is one datagram. */
  readonly segmentBytes: number;
}

export class SegmentRuns {
  #bytes: Bytes = new Uint8Array(0);
  #reader = new DataReader(this.#bytes);
  #slotBytes = 0;
  /** Views of the payloads of whole slots; kept from receive to receive, as the buffer is. */
  #payloads: Bytes[] = [];
  #nextAt = 0;

  // The run that was taken last.
  #firstAt = 0;
  #start = 0;
  #end = 0;
  #segments = 0;
  #hasOnlyCrcs = false;

  /** Begins with `bytes`, slots of `slotBytes` of which the last may be shorter. */
  read(bytes: Bytes, slotBytes: number): void {
    const isSameMemory = bytes.buffer === this.#bytes.buffer &&
      bytes.byteOffset === this.#bytes.byteOffset && slotBytes === this.#slotBytes;
    if (!isSameMemory) this.#payloads = [];
    this.#bytes = bytes;
    this.#reader = new DataReader(bytes);
    this.#slotBytes = slotBytes;
    this.#moveTo(0);
  }

  get isAtEnd(): boolean {
    return this.#nextAt >= this.#bytes.length;
  }

  /** Whether the slot at hand claims to be a segment. */
  get isData(): boolean {
    return isData(this.#bytes, this.#nextAt);
  }

  /** The segment at hand. Ask {@linkcode isOfFlow} before trusting what it says. */
  get segment(): DataReader {
    return this.#reader;
  }

  /** Whether the segment at hand is whole and carries this nonce, and a CRC if there must be one. */
  isOfFlow(nonceHigh: number, nonceLow: number, needsCrc: boolean): boolean {
    const reader = this.#reader;
    return reader.isWhole() && reader.nonceLow === nonceLow && reader.nonceHigh === nonceHigh &&
      (reader.hasCrc || !needsCrc);
  }

  /** Goes past the slot at hand; returns it. */
  takeSlot(): Uint8Array {
    const slot = this.#bytes.subarray(this.#nextAt, this.#nextAt + this.#reader.slotBytes);
    this.#moveTo(this.#nextAt + this.#slotBytes);
    return slot;
  }

  /** Takes the current segment, which belongs to the flow, and those that continue it. */
  takeRun(): void {
    const reader = this.#reader;
    const { number, nonceHigh, nonceLow, hasCrc } = reader;
    this.#firstAt = this.#nextAt;
    this.#start = reader.offset;
    this.#end = this.#start;
    this.#segments = 0;
    this.#hasOnlyCrcs = hasCrc;
    do {
      this.#end += reader.payloadLength;
      this.#segments += 1;
      this.#moveTo(this.#nextAt + this.#slotBytes);
    } while (
      !this.isAtEnd && this.isOfFlow(nonceHigh, nonceLow, hasCrc) && reader.number === number &&
      reader.hasCrc === hasCrc && reader.offset === this.#end
    );
  }

  /** Where the run starts in the file. */
  get start(): number {
    return this.#start;
  }

  /** Where the run ends in the file. */
  get end(): number {
    return this.#end;
  }

  get segments(): number {
    return this.#segments;
  }

  /** Whether every segment of the run carries a CRC, which was good. */
  get hasOnlyCrcs(): boolean {
    return this.#hasOnlyCrcs;
  }

  /** Copies the payload at `[start, end)` of the file, which lies within the run, to `target[at]`. */
  copyTo(target: Bytes, at: number, start: number, end: number): void {
    let offset = this.#start;
    for (let i = 0; offset < end; i++) {
      const payload = this.#payloadAt(this.#firstAt + i * this.#slotBytes);
      const next = offset + payload.length;
      if (offset >= start && next <= end) target.set(payload, at + offset - start);
      else if (next > start) {
        const from = Math.max(start, offset);
        const part = payload.subarray(from - offset, Math.min(end, next) - offset);
        target.set(part, at + from - start);
      }
      offset = next;
    }
  }

  #moveTo(at: number): void {
    this.#nextAt = at;
    this.#reader.at = at;
    this.#reader.slotBytes = Math.min(this.#slotBytes, this.#bytes.length - at);
  }

  #payloadAt(at: number): Bytes {
    const end = at + this.#slotBytes;
    if (end > this.#bytes.length) return this.#bytes.subarray(at + DATA_HEADER_BYTES);
    const slot = at / this.#slotBytes;
    return this.#payloads[slot] ??= this.#bytes.subarray(at + DATA_HEADER_BYTES, end);
  }
}
