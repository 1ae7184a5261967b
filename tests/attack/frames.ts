/**
 * Frames as an attacker writes and reads them: from docs/PROTOCOL.md alone, with nothing of lib/wire, so that
 * a mistake there is not made twice. Fields may be anything; what is malformed is the caller's choice.
 */

export const TYPE = {
  find: 0x01,
  offer: 0x02,
  pending: 0x03,
  absent: 0x04,
  retry: 0x05,
  want: 0x10,
  data: 0x11,
  gone: 0x12,
  strike: 0x13,
  packWant: 0x14,
  haveWant: 0x16,
  have: 0x17,
  layerWant: 0x20,
  layer: 0x21,
  list: 0x30,
  listing: 0x31,
} as const;

const HEADER_BYTES = 12;
const FIND_BYTES_MIN = 1_200;

/** One field after another, big-endian. */
export class FrameWriter {
  readonly #bytes: number[] = [];

  u8(value: number): this {
    return this.#uint(BigInt(value), 1);
  }

  u16(value: number): this {
    return this.#uint(BigInt(value), 2);
  }

  u32(value: number): this {
    return this.#uint(BigInt(value), 4);
  }

  u64(value: bigint): this {
    return this.#uint(value, 8);
  }

  raw(bytes: Uint8Array): this {
    for (const byte of bytes) this.#bytes.push(byte);
    return this;
  }

  name(text: string): this {
    const bytes = new TextEncoder().encode(text);
    return this.u16(bytes.length).raw(bytes);
  }

  /** The whole frame: header, fields, and zeros up to `lengthMin`. */
  frame(type: number, lengthMin = 0): Uint8Array<ArrayBuffer> {
    const frame = new Uint8Array(Math.max(HEADER_BYTES + this.#bytes.length, lengthMin));
    const view = new DataView(frame.buffer);
    view.setUint16(0, 0x5348);
    frame[2] = 1;
    frame[3] = type;
    view.setUint16(4, frame.length);
    frame.set(this.#bytes, HEADER_BYTES);
    view.setUint32(8, crc32(frame.subarray(0, 8), frame.subarray(HEADER_BYTES)));
    return frame;
  }

  #uint(value: bigint, byteCount: number): this {
    for (let i = byteCount - 1; i >= 0; i--) {
      this.#bytes.push(Number((value >> BigInt(8 * i)) & 0xffn));
    }
    return this;
  }
}

/** What a frame holds after its header; `undefined` if it is not one. */
export class FrameReader {
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #at = HEADER_BYTES;

  constructor(datagram: Uint8Array) {
    this.bytes = datagram;
    this.#view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
    const isFrame = datagram.length >= HEADER_BYTES && this.#view.getUint16(0) === 0x5348;
    this.type = isFrame ? datagram[3]! : -1;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  raw(lengthBytes: number): Uint8Array<ArrayBuffer> {
    const at = this.#take(lengthBytes);
    return this.bytes.slice(at, at + lengthBytes);
  }

  name(): string {
    return new TextDecoder().decode(this.raw(this.u16()));
  }

  get rest(): Uint8Array {
    return this.bytes.subarray(this.#at);
  }

  #take(lengthBytes: number): number {
    this.#at += lengthBytes;
    return this.#at - lengthBytes;
  }
}

/** Every frame of one datagram, which may hold several. */
export function framesOf(datagram: Uint8Array): FrameReader[] {
  const frames: FrameReader[] = [];
  for (let at = 0; at + HEADER_BYTES <= datagram.length;) {
    const lengthBytes = new DataView(datagram.buffer, datagram.byteOffset + at).getUint16(4);
    if (lengthBytes < HEADER_BYTES) break;
    frames.push(new FrameReader(datagram.subarray(at, at + lengthBytes)));
    at += lengthBytes;
  }
  return frames;
}

export const NO_TOKEN: Uint8Array = new Uint8Array(16);

/** What is asked for: a name, a content by its SHA-256, or anybody. */
export type Query = { readonly name: string } | { readonly sha256: Uint8Array } | "anybody";

export function find(
  queryId: bigint,
  queries: readonly Query[],
  token: Uint8Array = NO_TOKEN,
  round = 0,
  bytesMin = FIND_BYTES_MIN,
): Uint8Array<ArrayBuffer> {
  const writer = new FrameWriter().u64(queryId).raw(token).u8(round).u8(0).u8(queries.length);
  for (const query of queries) {
    if (query === "anybody") writer.u8(3);
    else if ("name" in query) writer.u8(1).name(query.name);
    else writer.u8(2).raw(query.sha256);
  }
  return writer.frame(TYPE.find, bytesMin);
}

/** A content, as offers name it. */
export interface Claim {
  readonly sizeBytes: number;
  readonly sha256: Uint8Array;
  readonly root: Uint8Array;
  readonly name: string;
}

export interface Identity {
  /** 16 bytes of anybody's choice. */
  readonly server: Uint8Array;
  readonly token: Uint8Array;
  /** 0: where the datagram comes from. */
  readonly dataPort: number;
}

export function offer(
  queryId: bigint,
  queryIndex: number,
  { server, token, dataPort }: Identity,
  { sizeBytes, sha256, root, name }: Claim,
  tcpPort = 0,
): Uint8Array<ArrayBuffer> {
  return new FrameWriter().u64(queryId).u16(queryIndex).raw(server).raw(token).u16(dataPort)
    .u64(BigInt(sizeBytes)).raw(sha256).raw(root).u64(1_700_000_000_000n).u16(tcpPort).name(name)
    .frame(TYPE.offer);
}

/** What a server said of itself and of a content, from an OFFER. */
export interface Offered extends Identity, Claim {
  readonly queryId: bigint;
}

export function readOffer(frame: FrameReader): Offered {
  const queryId = frame.u64();
  frame.u16();
  const [server, token, dataPort] = [frame.raw(16), frame.raw(16), frame.u16()];
  const [sizeBytes, sha256, root] = [Number(frame.u64()), frame.raw(32), frame.raw(32)];
  frame.u64();
  frame.u16();
  return { queryId, server, token, dataPort, sizeBytes, sha256, root, name: frame.name() };
}

/** The id of a FIND and what it asks for: files by name, and the folder that the last question is about. */
export function readFind(
  frame: FrameReader,
): { readonly queryId: bigint; readonly names: string[]; readonly folder: string | undefined } {
  const queryId = frame.u64();
  frame.raw(16);
  frame.u8();
  frame.raw(16 * frame.u8());
  const names: string[] = [];
  let folder: string | undefined;
  for (let left = frame.u8(); left > 0; left--) {
    const kind = frame.u8();
    if (kind === 1) names.push(frame.name());
    else if (kind === 2) frame.raw(32);
    else if (kind === 4) folder = frame.name();
  }
  return { queryId, names, folder };
}

export interface Ask {
  readonly nonce: bigint;
  readonly token: Uint8Array;
  readonly number: number;
}

export function want(
  { nonce, token, number }: Ask,
  content: Pick<Claim, "root" | "sizeBytes">,
  ranges: readonly (readonly [offset: number, lengthBytes: number])[],
  segmentBytes = 1_400,
): Uint8Array<ArrayBuffer> {
  const writer = new FrameWriter().u64(nonce).raw(token).u32(number).raw(content.root)
    .u64(BigInt(content.sizeBytes)).u16(segmentBytes).u8(0).u8(ranges.length);
  for (const [offset, lengthBytes] of ranges) writer.u64(BigInt(offset)).u32(lengthBytes);
  return writer.frame(TYPE.want);
}

export function layerWant(
  { nonce, token, number }: Ask,
  content: Pick<Claim, "root" | "sizeBytes">,
  firstPage: number,
  pageCount: number,
): Uint8Array<ArrayBuffer> {
  return new FrameWriter().u64(nonce).raw(token).u32(number).raw(content.root)
    .u64(BigInt(content.sizeBytes)).u32(firstPage).u8(pageCount).frame(TYPE.layerWant);
}

export function packWant(
  { nonce, token, number }: Ask,
  content: Pick<Claim, "root" | "sizeBytes">,
  ranges: readonly (readonly [number, number])[],
): Uint8Array<ArrayBuffer> {
  const writer = new FrameWriter().u64(nonce).raw(token).u32(number).raw(content.root)
    .u64(BigInt(content.sizeBytes)).u8(ranges.length);
  for (const [offset, lengthBytes] of ranges) writer.u64(BigInt(offset)).u32(lengthBytes);
  return writer.frame(TYPE.packWant);
}

/** @param port where the asker says that it gives what it has */
export function haveWant(
  { nonce, token, number }: Ask,
  { root, sizeBytes }: Pick<Claim, "root" | "sizeBytes">,
  port: number,
): Uint8Array<ArrayBuffer> {
  return new FrameWriter().u64(nonce).raw(token).u32(number).raw(root).u64(BigInt(sizeBytes))
    .u16(port).u32(0).frame(TYPE.haveWant);
}

/** Of a HAVE_WANT, a WANT or a LAYER_WANT: what they begin with. */
export function readAsk(frame: FrameReader): Ask {
  return { nonce: frame.u64(), token: frame.raw(16), number: frame.u32() };
}

/** IPv4. */
export interface Place {
  readonly address: string;
  readonly port: number;
}

export function have(
  nonce: bigint,
  number: number,
  held: "all" | Uint8Array,
  takers: readonly Place[],
): Uint8Array<ArrayBuffer> {
  const bits = held === "all" ? new Uint8Array(0) : held;
  const writer = new FrameWriter().u64(nonce).u32(number).u8(held === "all" ? 1 : 0).u32(0)
    .u16(bits.length).raw(bits).u16(takers.length + 1).u16(0).u8(takers.length);
  for (const { address, port } of takers) {
    writer.u8(4).raw(Uint8Array.from(address.split("."), Number)).u16(port);
  }
  return writer.frame(TYPE.have);
}

/** Whom a HAVE names. */
export function takersOf(frame: FrameReader): Place[] {
  frame.raw(8 + 4 + 1 + 4);
  frame.raw(frame.u16());
  frame.raw(2 + 2);
  return Array.from({ length: frame.u8() }, () => {
    const address = [...frame.raw(frame.u8())].join(".");
    return { address, port: frame.u16() };
  });
}

export function strike(
  nonce: bigint,
  token: Uint8Array,
  content: Pick<Claim, "root" | "sizeBytes">,
  chunk: number,
): Uint8Array<ArrayBuffer> {
  return new FrameWriter().u64(nonce).raw(token).raw(content.root).u64(BigInt(content.sizeBytes))
    .u32(chunk).frame(TYPE.strike);
}

export function list(
  queryId: bigint,
  token: Uint8Array,
  number: number,
  after = "",
  pagesMax = 255,
): Uint8Array<ArrayBuffer> {
  return new FrameWriter().u64(queryId).raw(token).u32(number).u8(pagesMax).name(after)
    .frame(TYPE.list);
}

/** `pending` of a file that is said to be hashed at a rate. */
export function pending(
  queryId: bigint,
  queryIndex: number,
  { server, token, dataPort }: Identity,
  sizeBytes: number,
  hashedBytes: number,
  rateBytesPerS: number,
): Uint8Array<ArrayBuffer> {
  return new FrameWriter().u64(queryId).u16(queryIndex).raw(server).raw(token).u16(dataPort)
    .u64(BigInt(sizeBytes)).u64(BigInt(hashedBytes)).u64(BigInt(rateBytesPerS)).frame(TYPE.pending);
}

export function absent(
  queryId: bigint,
  queryIndex: number,
  { server, token, dataPort }: Identity,
): Uint8Array<ArrayBuffer> {
  return new FrameWriter().u64(queryId).u16(queryIndex).raw(server).raw(token).u16(dataPort).u8(0)
    .frame(TYPE.absent);
}

export function gone(nonce: bigint, number: number, root: Uint8Array): Uint8Array<ArrayBuffer> {
  return new FrameWriter().u64(nonce).u32(number).raw(root).u8(2).frame(TYPE.gone);
}

export function retry(
  echo: bigint,
  number: number,
  server: Uint8Array,
  token: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return new FrameWriter().u64(echo).u32(number).raw(server).raw(token).frame(TYPE.retry);
}

/** One segment. */
export function data(
  nonce: bigint,
  number: number,
  offset: number,
  payload: Uint8Array,
  withCrc = false,
): Uint8Array<ArrayBuffer> {
  const frame = new FrameWriter().u64(nonce).u32(number).u64(BigInt(offset)).raw(payload)
    .frame(TYPE.data);
  const view = new DataView(frame.buffer);
  view.setUint16(6, withCrc ? 1 : 0);
  view.setUint32(8, withCrc ? crc32(frame.subarray(0, 8), frame.subarray(HEADER_BYTES)) : 0);
  return frame;
}

/** CRC-32 (IEEE) of the parts, one behind the other. */
export function crc32(...parts: readonly Uint8Array[]): number {
  let crc = ~0;
  for (const part of parts) {
    for (const byte of part) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
    }
  }
  return ~crc >>> 0;
}

export function random64(): bigint {
  return new DataView(randomBytes(8).buffer).getBigUint64(0);
}

export function randomBytes(lengthBytes: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(lengthBytes));
}
