/**
 * The Shoal frames: one table, from which types, encoder and decoder follow. Layouts are specified
 * in docs/PROTOCOL.md; annotated examples are in fixtures/wire.
 *
 * Every frame starts with the same 12 bytes and carries its own length, so that frames which arrive
 * joined in one buffer can be told apart. Control frames always carry a CRC-32; DATA frames, which
 * the hot path reads in place (see `data_frame.ts`), carry one on request.
 */
import type { Bytes, HashHex, SafeFileName } from "../ids.ts";
import {
  ALIAS_ADDRESSES_MAX,
  CODE_FIND_PADDING_BYTES,
  CONTROL_BYTES_MAX,
  FIND_BYTES_MIN,
  FIND_KNOWN_MAX,
  FIND_QUERIES_MAX,
  HELD_BYTES_MAX,
  LAYER_PAGE_HASHES,
  LAYER_PART_HASHES,
  LAYER_PROOF_HASHES_MAX,
  PACK_RANGES_MAX,
  RECEIVE_BUFFER_BYTES,
  SIMILAR_NAMES_MAX,
  TAKERS_NAMED_MAX,
  WANT_RANGES_MAX,
} from "./limits.ts";
import { crc32 } from "./crc32.ts";
import { Reader, Writer } from "./cursor.ts";
import {
  bytesUpTo,
  codeKey,
  codeNonce,
  type Field,
  type FieldValue,
  fileBytes,
  fileName,
  fileNameOrNone,
  hash,
  hashesOf,
  ipAddress,
  listOf,
  oneOf,
  rateBytesPerS,
  record,
  type RecordOf,
  restNsNearEnd,
  server,
  statedAtEnd,
  statedBeforePadding,
  timeMs,
  token,
  tokenMark,
  u16,
  u32,
  u64,
  u8,
  zeroPadding,
} from "./field.ts";

export const MAGIC = 0x5348;
export const VERSION = 1;
export const HEADER_BYTES = 12;
/** Where the header's fields start. */
export const HEADER = { magic: 0, version: 2, type: 3, length: 4, flags: 6, crc: 8 } as const;

/** What a FIND asks for. `any` asks who is there at all, `tree` for the manifest of a folder. */
export type Query =
  | { readonly by: "name"; readonly name: SafeFileName }
  /** Without a name, of all that is offered. */
  | { readonly by: "tree"; readonly name: SafeFileName | undefined }
  | { readonly by: "sha256"; readonly sha256: HashHex }
  | { readonly by: "any" };

const query: Field<Query> = {
  read(reader) {
    const by = reader.u8();
    if (by === 1) return { by: "name", name: fileName.read(reader) };
    if (by === 2) return { by: "sha256", sha256: hash.read(reader) };
    if (by === 4) return { by: "tree", name: fileNameOrNone.read(reader) };
    if (by !== 3) reader.fail("unknown query");
    return { by: "any" };
  },
  write(writer, value) {
    switch (value.by) {
      case "name":
        writer.u8(1);
        return fileName.write(writer, value.name);
      case "sha256":
        writer.u8(2);
        return hash.write(writer, value.sha256);
      case "any":
        return writer.u8(3);
      case "tree":
        writer.u8(4);
        return fileNameOrNone.write(writer, value.name);
    }
  },
};

const range = record({ offset: fileBytes, lengthBytes: u32 });

const taker = record({ address: ipAddress, port: u16 });

const listingEntry = record({
  state: oneOf({ ready: 1, pending: 2 }),
  sizeBytes: fileBytes,
  sha256: hash,
  mtimeMs: timeMs,
  name: fileName,
});

/** Whether a code can still be used. */
const codeState = oneOf({ free: 1, taken: 2, spent: 3 });

/** Type number and fields of each control frame, in wire order. */
const TABLE = {
  find: [0x01, {
    queryId: u64,
    token,
    round: u8,
    known: listOf(tokenMark, FIND_KNOWN_MAX),
    queries: listOf(query, FIND_QUERIES_MAX),
    takesRestNs: statedBeforePadding,
  }],
  offer: [0x02, {
    queryId: u64,
    queryIndex: u16,
    server,
    token,
    dataPort: u16,
    sizeBytes: fileBytes,
    sha256: hash,
    root: hash,
    mtimeMs: timeMs,
    tcpPort: u16,
    name: fileName,
    mtimeRestNs: restNsNearEnd,
    isGrowing: statedAtEnd,
  }],
  pending: [0x03, {
    queryId: u64,
    queryIndex: u16,
    server,
    token,
    dataPort: u16,
    sizeBytes: fileBytes,
    hashedBytes: fileBytes,
    rateBytesPerS,
  }],
  absent: [0x04, {
    queryId: u64,
    queryIndex: u16,
    server,
    token,
    dataPort: u16,
    similar: listOf(fileName, SIMILAR_NAMES_MAX),
  }],
  /** `echo` is the query id or flow nonce of what is answered, `number` its request number or 0. */
  retry: [0x05, { echo: u64, number: u32, server, token }],
  /** `echo` and `number` as in RETRY. */
  busy: [0x06, { echo: u64, number: u32, waitMs: u16 }],
  alias_want: [0x07, { queryId: u64, token, addresses: listOf(ipAddress, ALIAS_ADDRESSES_MAX) }],
  alias: [0x08, {
    queryId: u64,
    server,
    token,
    seen: ipAddress,
    marks: listOf(tokenMark, ALIAS_ADDRESSES_MAX),
  }],
  want: [0x10, {
    nonce: u64,
    token,
    number: u32,
    root: hash,
    sizeBytes: fileBytes,
    segmentBytes: u16,
    withCrc: u8,
    ranges: listOf(range, WANT_RANGES_MAX),
    isWhole: statedAtEnd,
  }],
  gone: [0x12, {
    nonce: u64,
    number: u32,
    root: hash,
    reason: oneOf({ unknown: 1, changed: 2, unreadable: 3 }),
  }],
  strike: [0x13, { nonce: u64, token, root: hash, sizeBytes: fileBytes, chunk: u32 }],
  pack_want: [0x14, {
    nonce: u64,
    token,
    number: u32,
    root: hash,
    sizeBytes: fileBytes,
    ranges: listOf(range, PACK_RANGES_MAX),
  }],
  /** Without `packedBytes`, 0, there is no pack of what begins at `offset`. */
  packed: [0x15, { nonce: u64, number: u32, offset: fileBytes, root: hash, packedBytes: u32 }],
  /** `port` is where the asker gives what it has of it, 0 for nowhere. */
  have_want: [0x16, {
    nonce: u64,
    token,
    number: u32,
    root: hash,
    sizeBytes: fileBytes,
    port: u16,
    firstChunk: u32,
  }],
  /** `held` has one bit a chunk from `firstChunk` on; `hasAll` is 1 where all are held. */
  have: [0x17, {
    nonce: u64,
    number: u32,
    hasAll: u8,
    firstChunk: u32,
    held: bytesUpTo(HELD_BYTES_MAX),
    takerCount: u16,
    place: u16,
    takers: listOf(taker, TAKERS_NAMED_MAX),
  }],
  layer_want: [0x20, {
    nonce: u64,
    token,
    number: u32,
    root: hash,
    sizeBytes: fileBytes,
    firstPage: u32,
    pageCount: u8,
    isBrief: statedAtEnd,
  }],
  layer: [0x21, {
    nonce: u64,
    number: u32,
    page: u32,
    hashes: hashesOf(LAYER_PAGE_HASHES),
    proof: hashesOf(LAYER_PROOF_HASHES_MAX),
  }],
  /** The hashes of a page and of its proof in one row, so many of them at a time. */
  layer_part: [0x22, {
    nonce: u64,
    number: u32,
    page: u32,
    part: u8,
    hashes: hashesOf(LAYER_PART_HASHES),
  }],
  list: [0x30, {
    queryId: u64,
    token,
    number: u32,
    pagesMax: u8,
    after: fileNameOrNone,
    isBrief: statedAtEnd,
  }],
  listing: [0x31, {
    queryId: u64,
    number: u32,
    server,
    page: u8,
    isLast: u8,
    tcpPort: u16,
    filesTotal: u32,
    entries: listOf(listingEntry, 255),
  }],
  code_find: [0x40, {
    echo: u64,
    round: u8,
    number: u16,
    padding: zeroPadding(CODE_FIND_PADDING_BYTES),
  }],
  /** `port` 0 is the one that this comes from. */
  code_here: [0x41, { echo: u64, server, token, port: u16, state: codeState }],
  code_open: [0x42, { echo: u64, token, number: u16, nonce: codeNonce, share: codeKey }],
  code_share: [0x43, { echo: u64, share: codeKey }],
  code_prove: [0x44, { echo: u64, token, proof: codeKey }],
  code_proved: [0x45, { echo: u64, proof: codeKey }],
  code_refused: [0x46, { echo: u64, state: codeState }],
  code_state: [0x47, {
    number: u32,
    state: oneOf({ asking: 1, fetching: 2, done: 3, declined: 4, stopped: 5 }),
  }],
  /** What a code leads to; `number` is that of what is answered, or 0. */
  code_serving: [0x48, { number: u32, isOver: u8, dataPort: u16, group: codeKey }],
} as const satisfies Record<string, readonly [number, Readonly<Record<string, Field<unknown>>>]>;

/** DATA has a type number of its own; its layout is in `data_frame.ts`. */
export const DATA_TYPE = 0x11;

type Table = typeof TABLE;
export type FrameKind = keyof Table;
export type FrameOf<K extends FrameKind> = K extends FrameKind ?
    & { readonly kind: K }
    & RecordOf<Table[K][1]>
  : never;
/** Every control frame. */
export type Frame = FrameOf<FrameKind>;
export type ListingEntry = FieldValue<typeof listingEntry>;
export type ByteRange = FieldValue<typeof range>;

/** What is not a frame; `problem` is for counters and logs. */
interface Malformed {
  readonly kind: "malformed";
  readonly problem: string;
}

interface Codec {
  readonly kind: FrameKind;
  readonly body: Field<unknown>;
}

const KINDS = Object.keys(TABLE) as FrameKind[];
const BODY = Object.fromEntries(
  KINDS.map((kind) => [kind, record(TABLE[kind][1]) as Field<unknown>]),
) as Record<FrameKind, Field<unknown>>;
const BY_TYPE = new Map<number, Codec>(
  KINDS.map((kind) => [TABLE[kind][0], { kind, body: BODY[kind] }]),
);

/** CRC-32 (IEEE) of a whole frame but for the four bytes that hold it. */
export function frameCrc(frame: Uint8Array): number {
  return crc32(frame.subarray(HEADER_BYTES), crc32(frame.subarray(0, HEADER.crc)));
}

/** A WANT without ranges: header, nonce, token, number, root, size, length of segments, flag, count and statement. */
const EMPTY_WANT_BYTES = HEADER_BYTES + 8 + 16 + 4 + 32 + 8 + 2 + 1 + 1 + 1;
const RANGE_BYTES = 12;

/** How many ranges a WANT of at most so many bytes can have. */
export function wantRangesIn(bytes: number): number {
  return Math.min(WANT_RANGES_MAX, Math.floor((bytes - EMPTY_WANT_BYTES) / RANGE_BYTES));
}

const scratch: Bytes = new Uint8Array(RECEIVE_BUFFER_BYTES);

/**
 * The bytes of a control frame.
 *
 * @param overheadBytes what the transport adds to a datagram: it counts where a FIND is padded
 * @param findBytesMin to how much a FIND is padded
 * @throws RangeError for values that no frame can carry
 */
export function encodeFrame(
  frame: Frame,
  overheadBytes = 0,
  findBytesMin = FIND_BYTES_MIN - overheadBytes,
): Bytes {
  const writer = new Writer(scratch);
  writer.u16(MAGIC);
  writer.u8(VERSION);
  writer.u8(TABLE[frame.kind][0]);
  writer.zeros(HEADER_BYTES - writer.length);
  BODY[frame.kind].write(writer, frame);
  if (frame.kind === "find") {
    writer.zeros(Math.max(0, findBytesMin - writer.length));
  }
  if (writer.length > CONTROL_BYTES_MAX) throw new RangeError(`${writer.length} bytes of frame`);
  const bytes = writer.written().slice();
  const view = new DataView(bytes.buffer);
  view.setUint16(HEADER.length, bytes.length);
  view.setUint32(HEADER.crc, frameCrc(bytes));
  return bytes;
}

/** Whether a Shoal frame of this version could start at `at`. */
export function startsFrame(bytes: Uint8Array, at = 0): boolean {
  return bytes.length - at >= HEADER_BYTES && bytes[at] === MAGIC >> 8 &&
    bytes[at + 1] === (MAGIC & 0xff) && bytes[at + 2] === VERSION;
}

/** The length that the frame at `at` declares. The caller has checked that a header is there. */
export function declaredLength(bytes: Uint8Array, at = 0): number {
  return ((bytes[at + HEADER.length] ?? 0) << 8) | (bytes[at + HEADER.length + 1] ?? 0);
}

/** One control frame from exactly its bytes. Never throws. */
export function decodeFrame(bytes: Uint8Array): Frame | Malformed {
  if (!startsFrame(bytes)) return malformed("not a Shoal frame");
  if (bytes.length > CONTROL_BYTES_MAX) return malformed("oversized");
  if (declaredLength(bytes) !== bytes.length) return malformed("length differs");
  const codec = BY_TYPE.get(bytes[HEADER.type] ?? 0);
  if (codec === undefined) return malformed("unknown type");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(HEADER.crc) !== frameCrc(bytes)) return malformed("checksum differs");
  const reader = new Reader(bytes, HEADER_BYTES);
  const body = codec.body.read(reader);
  if (reader.problem !== undefined) return malformed(reader.problem);
  if (codec.kind !== "find" && reader.remainingBytes > 0) return malformed("trailing bytes");
  return Object.assign(body as object, { kind: codec.kind }) as Frame;
}

function malformed(problem: string): Malformed {
  return { kind: "malformed", problem };
}
