/**
 * Zip archives (PKWARE's APPNOTE 6.3.10) whose files are stored, one behind another, so that all but their checksums is known before
 * the first byte is read: how long the archive will be, and where in it everything lies. Names are UTF-8, sizes and counts as large as they come
 * (zip64), times in UTC by Info-ZIP's extra field beside the ones of DOS, and what its owner may run keeps that.
 */
import type { Bytes } from "../ids.ts";

export interface ZippedFile {
  /** With forward slashes. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly isExecutable: boolean;
}

const LOCAL_FILE = 0x04034b50;
const DATA_DESCRIPTOR = 0x08074b50;
const CENTRAL_FILE = 0x02014b50;
const ZIP64_END = 0x06064b50;
const ZIP64_LOCATOR = 0x07064b50;
const END = 0x06054b50;
const ZIP64_EXTRA = 0x0001;
const TIME_EXTRA = 0x5455;
const HAS_MODIFICATION_TIME = 1;

const LOCAL_FILE_BYTES = 30;
const CENTRAL_FILE_BYTES = 46;
const ZIP64_END_BYTES = 56;
const ZIP64_LOCATOR_BYTES = 20;
const END_BYTES = 22;
const TIME_EXTRA_BYTES = 9;
const DESCRIPTOR_BYTES = 16;
const ZIP64_DESCRIPTOR_BYTES = 24;

/** Checksums follow the bytes; names are UTF-8. */
const FLAGS = 0x0008 | 0x0800;
const STORED = 0;
const VERSION = 20;
const ZIP64_VERSION = 45;
const MADE_ON_UNIX = 3;
const FILE_MODE = 0o100644;
const PROGRAM_MODE = 0o100755;
/** These stand for "see the zip64 field", and so are no sizes and counts themselves. */
const U32 = 0xffff_ffff;
const U16 = 0xffff;

const utf8 = new TextEncoder();

/** What goes before a file's bytes. */
export function zipFileHead(file: ZippedFile): Bytes {
  const name = utf8.encode(file.name);
  const isLarge = isLargeFile(file);
  const extra = isLarge ? 4 + 16 : 0;
  const time = timeExtraBytes(file);
  const writer = new Writer(LOCAL_FILE_BYTES + name.length + extra + time);
  writer.u32(LOCAL_FILE).u16(isLarge ? ZIP64_VERSION : VERSION).u16(FLAGS).u16(STORED);
  writer.u32(dosTime(file.modifiedMs)).u32(0);
  // What is not known yet is zero, or told to be in the descriptor as a large one.
  writer.u32(isLarge ? U32 : 0).u32(isLarge ? U32 : 0);
  writer.u16(name.length).u16(extra + time).bytes(name);
  if (isLarge) writer.u16(ZIP64_EXTRA).u16(16).u64(0).u64(0);
  if (time > 0) writeTime(writer, file);
  return writer.done;
}

/** What goes behind them. */
export function zipFileTail(file: ZippedFile, crc: number): Bytes {
  const isLarge = isLargeFile(file);
  const writer = new Writer(isLarge ? ZIP64_DESCRIPTOR_BYTES : DESCRIPTOR_BYTES);
  writer.u32(DATA_DESCRIPTOR).u32(crc);
  if (isLarge) writer.u64(file.sizeBytes).u64(file.sizeBytes);
  else writer.u32(file.sizeBytes).u32(file.sizeBytes);
  return writer.done;
}

/** All that a file takes in the archive but its entry in the directory. */
export function zippedBytes(file: ZippedFile): number {
  const isLarge = isLargeFile(file);
  const head = LOCAL_FILE_BYTES + utf8Length(file.name) + (isLarge ? 20 : 0) + timeExtraBytes(file);
  return head + file.sizeBytes + (isLarge ? ZIP64_DESCRIPTOR_BYTES : DESCRIPTOR_BYTES);
}

/** A file's entry in the directory. */
export function zipEntry(file: ZippedFile, crc: number, offset: number): Bytes {
  const name = utf8.encode(file.name);
  const large = largeFields(file, offset);
  const extra = large.length === 0 ? 0 : 4 + 8 * large.length;
  const time = timeExtraBytes(file);
  const writer = new Writer(CENTRAL_FILE_BYTES + name.length + extra + time);
  const version = extra > 0 ? ZIP64_VERSION : VERSION;
  writer.u32(CENTRAL_FILE).u16(MADE_ON_UNIX << 8 | version).u16(version).u16(FLAGS).u16(STORED);
  writer.u32(dosTime(file.modifiedMs)).u32(crc);
  writer.u32(Math.min(file.sizeBytes, U32)).u32(Math.min(file.sizeBytes, U32));
  writer.u16(name.length).u16(extra + time).u16(0).u16(0).u16(0);
  writer.u32((file.isExecutable ? PROGRAM_MODE : FILE_MODE) * 0x1_0000);
  writer.u32(Math.min(offset, U32)).bytes(name);
  if (extra > 0) {
    writer.u16(ZIP64_EXTRA).u16(8 * large.length);
    for (const value of large) writer.u64(value);
  }
  if (time > 0) writeTime(writer, file);
  return writer.done;
}

/** How long such an entry is. */
export function zipEntryBytes(file: ZippedFile, offset: number): number {
  const large = largeFields(file, offset).length;
  const extra = large === 0 ? 0 : 4 + 8 * large;
  return CENTRAL_FILE_BYTES + utf8Length(file.name) + extra + timeExtraBytes(file);
}

/** Where the directory of an archive lies. */
export interface ZipDirectory {
  readonly fileCount: number;
  readonly offset: number;
  readonly lengthBytes: number;
}

/** What an archive ends with. */
export function zipEnd({ fileCount, offset, lengthBytes }: ZipDirectory): Bytes {
  const isLarge = isLargeDirectory({ fileCount, offset, lengthBytes });
  const writer = new Writer(zipEndBytes({ fileCount, offset, lengthBytes }));
  if (isLarge) {
    writer.u32(ZIP64_END).u64(ZIP64_END_BYTES - 12);
    writer.u16(MADE_ON_UNIX << 8 | ZIP64_VERSION).u16(ZIP64_VERSION).u32(0).u32(0);
    writer.u64(fileCount).u64(fileCount).u64(lengthBytes).u64(offset);
    writer.u32(ZIP64_LOCATOR).u32(0).u64(offset + lengthBytes).u32(1);
  }
  writer.u32(END).u16(0).u16(0).u16(Math.min(fileCount, U16)).u16(Math.min(fileCount, U16));
  writer.u32(Math.min(lengthBytes, U32)).u32(Math.min(offset, U32)).u16(0);
  return writer.done;
}

export function zipEndBytes(directory: ZipDirectory): number {
  return (isLargeDirectory(directory) ? ZIP64_END_BYTES + ZIP64_LOCATOR_BYTES : 0) + END_BYTES;
}

function isLargeFile({ sizeBytes }: ZippedFile): boolean {
  return sizeBytes >= U32;
}

/** What of an entry is too large for its fields, in the order of the field that has it instead. */
function largeFields(file: ZippedFile, offset: number): readonly number[] {
  const sizes = isLargeFile(file) ? [file.sizeBytes, file.sizeBytes] : [];
  return offset >= U32 ? [...sizes, offset] : sizes;
}

function isLargeDirectory({ fileCount, offset, lengthBytes }: ZipDirectory): boolean {
  return fileCount >= U16 || offset >= U32 || lengthBytes >= U32;
}

function utf8Length(text: string): number {
  let length = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    // Two halves of a pair take four bytes together.
    if (unit >= 0x800 && !(unit >= 0xd800 && unit < 0xe000)) length += 2;
    else if (unit >= 0x80) length += 1;
  }
  return length;
}

// — Times —————————————————————————————————————————————————————————————————————————————————————————

/** Seconds since 1970 in 32 bits; none for a time that these do not hold. */
function timeExtraBytes({ modifiedMs }: ZippedFile): number {
  const seconds = Math.floor(modifiedMs / 1000);
  return seconds === seconds >> 0 ? TIME_EXTRA_BYTES : 0;
}

function writeTime(writer: Writer, { modifiedMs }: ZippedFile): void {
  writer.u16(TIME_EXTRA).u16(TIME_EXTRA_BYTES - 4).u8(HAS_MODIFICATION_TIME);
  writer.u32(Math.floor(modifiedMs / 1000) >>> 0);
}

/** Date and time as DOS has them, in UTC: two seconds at a time from 1980 to 2107. */
function dosTime(ms: number): number {
  const at = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO("UTC");
  if (at.year < 1980) return (1 << 5 | 1) * 0x1_0000;
  if (at.year > 2107) return (127 << 9 | 12 << 5 | 31) * 0x1_0000;
  const date = at.year - 1980 << 9 | at.month << 5 | at.day;
  return date * 0x1_0000 + (at.hour << 11 | at.minute << 5 | at.second >> 1);
}

/** Writes numbers, the least significant byte first. */
class Writer {
  readonly done: Bytes;
  readonly #view: DataView;
  #at = 0;

  constructor(lengthBytes: number) {
    this.done = new Uint8Array(lengthBytes);
    this.#view = new DataView(this.done.buffer);
  }

  u8(value: number): this {
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
    return this;
  }

  u16(value: number): this {
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
    return this;
  }

  u64(value: number): this {
    this.#view.setBigUint64(this.#at, BigInt(value), true);
    this.#at += 8;
    return this;
  }

  bytes(bytes: Uint8Array): this {
    this.done.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }
}
