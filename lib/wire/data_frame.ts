/**
 * DATA: a byte range of a file, self-describing. Read and written in place, many to a buffer, because
 * this is the path that every byte takes.
 *
 * | bytes | field |
 * |---|---|
 * | 0–11 | common header; flag bit 0: the CRC-32 field is in use |
 * | 12–19 | flow nonce |
 * | 20–23 | number of the WANT that is answered |
 * | 24–31 | offset in the file |
 * | 32–… | payload |
 */
import type { Bytes } from "../ids.ts";
import {
  DATA_TYPE,
  declaredLength,
  frameCrc,
  HEADER,
  MAGIC,
  startsFrame,
  VERSION,
} from "./frames.ts";

export const DATA_HEADER_BYTES = 32;
const FLAG_CRC = 1;
const AT = { nonceHigh: 12, nonceLow: 16, number: 20, offsetHigh: 24, offsetLow: 28 } as const;
const TWO_32 = 0x1_0000_0000;

/** Payload bytes of a segment of `segmentBytes`. */
export function payloadBytesOf(segmentBytes: number): number {
  return segmentBytes - DATA_HEADER_BYTES;
}

/** Whether a DATA frame starts at `at`; the header is there in full. */
export function isData(bytes: Uint8Array, at: number): boolean {
  return bytes[at + HEADER.type] === DATA_TYPE && startsFrame(bytes, at) &&
    bytes.length - at >= DATA_HEADER_BYTES;
}

/** Fields of the DATA frame at a position, read without making an object. */
export class DataReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Where the current frame starts. */
  at = 0;
  /** How long its slot is. */
  slotBytes = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Whether the slot holds a whole DATA frame, and a good CRC where one is given. */
  isWhole(): boolean {
    if (this.slotBytes <= DATA_HEADER_BYTES) return false;
    if (!isData(this.#bytes, this.at)) return false;
    if (declaredLength(this.#bytes, this.at) !== this.slotBytes) return false;
    if (!this.hasCrc) return true;
    const frame = this.#bytes.subarray(this.at, this.at + this.slotBytes);
    return this.#view.getUint32(this.at + HEADER.crc) === frameCrc(frame);
  }

  get hasCrc(): boolean {
    return (this.#view.getUint16(this.at + HEADER.flags) & FLAG_CRC) !== 0;
  }

  get nonceHigh(): number {
    return this.#view.getUint32(this.at + AT.nonceHigh);
  }

  get nonceLow(): number {
    return this.#view.getUint32(this.at + AT.nonceLow);
  }

  /** Number of the WANT that this segment answers. */
  get number(): number {
    return this.#view.getUint32(this.at + AT.number);
  }

  get offset(): number {
    return this.#view.getUint32(this.at + AT.offsetHigh) * TWO_32 +
      this.#view.getUint32(this.at + AT.offsetLow);
  }

  get payloadStart(): number {
    return this.at + DATA_HEADER_BYTES;
  }

  get payloadLength(): number {
    return this.slotBytes - DATA_HEADER_BYTES;
  }
}

/** What all segments of an answer have in common. */
export interface DataHeader {
  readonly nonce: bigint;
  readonly number: number;
  readonly withCrc: boolean;
}

/** Writes headers in front of payloads that already stand in one buffer. */
export class DataWriter {
  readonly #bytes: Bytes;
  readonly #view: DataView;
  #nonceHigh = 0;
  #nonceLow = 0;
  #number = 0;
  #withCrc = false;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** What the headers say from now on. */
  set header({ nonce, number, withCrc }: DataHeader) {
    this.#nonceHigh = Number(nonce >> 32n);
    this.#nonceLow = Number(nonce & 0xffff_ffffn);
    this.#number = number;
    this.#withCrc = withCrc;
  }

  /** Writes the header at `at`; its payload, from `offset` of the file, follows it. */
  write(at: number, payloadBytes: number, offset: number): void {
    const view = this.#view;
    const frameBytes = DATA_HEADER_BYTES + payloadBytes;
    view.setUint16(at + HEADER.magic, MAGIC);
    view.setUint8(at + HEADER.version, VERSION);
    view.setUint8(at + HEADER.type, DATA_TYPE);
    view.setUint16(at + HEADER.length, frameBytes);
    view.setUint16(at + HEADER.flags, this.#withCrc ? FLAG_CRC : 0);
    view.setUint32(at + HEADER.crc, 0);
    view.setUint32(at + AT.nonceHigh, this.#nonceHigh);
    view.setUint32(at + AT.nonceLow, this.#nonceLow);
    view.setUint32(at + AT.number, this.#number);
    view.setUint32(at + AT.offsetHigh, Math.floor(offset / TWO_32));
    view.setUint32(at + AT.offsetLow, offset % TWO_32);
    if (this.#withCrc) {
      view.setUint32(at + HEADER.crc, frameCrc(this.#bytes.subarray(at, at + frameBytes)));
    }
  }
}
