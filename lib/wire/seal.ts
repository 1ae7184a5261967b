/**
 * What sealed datagrams and streams look like from outside (docs/PROTOCOL.md, "Seal"): heads, and nothing of what is in
 * them. Reading a head decides nothing: whether it is to be believed, the keys say.
 */
import type { Bytes } from "../ids.ts";
import {
  SEAL_HANDSHAKE_HEAD_BYTES,
  SEAL_HEAD_BYTES,
  SEAL_KEY_BYTES,
  SEAL_MARK_BYTES,
  SEAL_PADDED_BYTES,
  SEAL_TAG_BYTES,
} from "./limits.ts";

/** The first byte: the version of the seal in the upper half, what follows in the lower. */
export const SEAL_KIND = {
  /** Who asks: its key, and what it says first. */
  first: 0x11,
  /** Who answers: its key, and what it says first. */
  second: 0x12,
  /** Of a session. */
  sealed: 0x13,
  /** The same two messages of a stream. */
  streamFirst: 0x14,
  streamSecond: 0x15,
} as const;

const COUNTER_AT = 1;
const COUNTER_BYTES = 6;
/** Where the key of a handshake, or the id of a session, stands. */
const NAME_AT = COUNTER_AT + COUNTER_BYTES;
const MARK_AT = NAME_AT + SEAL_KEY_BYTES;
/** What the mark is computed over. */
export const SEAL_MARKED_BYTES = MARK_AT;
/** The end of what is said, before zeros. */
const END_OF_TEXT = 0x80;

/** How long the head of such a datagram is; `undefined` for what is none. */
export function headBytesOf(kind: number | undefined): number | undefined {
  if (kind === SEAL_KIND.sealed) return SEAL_HEAD_BYTES;
  const isHandshake = kind === SEAL_KIND.first || kind === SEAL_KIND.second;
  return isHandshake ? SEAL_HANDSHAKE_HEAD_BYTES : undefined;
}

export function counterIn(head: Uint8Array): number {
  return head[1]! * 2 ** 40 + head[2]! * 2 ** 32 +
    ((head[3]! << 24 | head[4]! << 16 | head[5]! << 8 | head[6]!) >>> 0);
}

/** The id of a session, as far as a number holds it: what is taken for another one by that fails its tag. */
export function sessionNumber(bytes: Uint8Array, at: number): number {
  const upper = (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>>
    0;
  return upper * 2 ** 21 + (bytes[at + 4]! << 13 | bytes[at + 5]! << 5 | bytes[at + 6]! >>> 3);
}

/** The session that the head of a sealed datagram names. */
export function sessionIn(head: Uint8Array): number {
  return sessionNumber(head, NAME_AT);
}

export function keyIn(head: Uint8Array): Bytes {
  return new Uint8Array(head.subarray(NAME_AT, MARK_AT));
}

/** Whether the mark of a handshake is what `digest` begins with. */
export function hasMark(head: Uint8Array, digest: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < SEAL_MARK_BYTES; i++) difference |= head[MARK_AT + i]! ^ digest[i]!;
  return difference === 0;
}

/**
 * Writes kind, counter, and a key or the id of a session; the mark, if there is to be one, comes later.
 *
 * @param counter below 2⁴⁸
 */
export function writeHead(head: Uint8Array, kind: number, counter: number, name: Uint8Array): void {
  head[0] = kind;
  writeCounter(head, COUNTER_AT, counter);
  head.set(name, NAME_AT);
}

export function writeMark(head: Uint8Array, digest: Uint8Array): void {
  head.set(digest.subarray(0, SEAL_MARK_BYTES), MARK_AT);
}

/** 48 bits, big-endian. */
export function writeCounter(bytes: Uint8Array, at: number, counter: number): void {
  const upper = Math.floor(counter / 2 ** 32);
  bytes[at] = upper >>> 8;
  bytes[at + 1] = upper & 255;
  bytes[at + 2] = counter >>> 24 & 255;
  bytes[at + 3] = counter >>> 16 & 255;
  bytes[at + 4] = counter >>> 8 & 255;
  bytes[at + 5] = counter & 255;
}

/** Where the parts of a sealed datagram lie, each a view that begins there; `text` and `tag` end there as well. */
export interface SealSlot {
  /** What is authenticated and readable. */
  readonly head: Bytes;
  /** What is encrypted, with what ends it. */
  readonly text: Bytes;
  /** Where the end of what is said begins, in a datagram that is made. */
  readonly end: Bytes;
  readonly tag: Bytes;
}

/** The parts of `bytes[at, at + sizeBytes)`; its end has `endBytes`. */
export function sealSlot(
  bytes: Bytes,
  at: number,
  sizeBytes: number,
  headBytes: number,
  endBytes = 0,
): SealSlot {
  const tagAt = at + sizeBytes - SEAL_TAG_BYTES;
  return {
    head: bytes.subarray(at, at + headBytes),
    text: bytes.subarray(at + headBytes, tagAt),
    end: bytes.subarray(tagAt - endBytes, tagAt),
    tag: bytes.subarray(tagAt, at + sizeBytes),
  };
}

/** What ends a text, by how many bytes it has: a one, and zeros. */
const ends: Bytes[] = [];

export function endOf(bytes: number): Bytes {
  const known = ends[bytes];
  if (known !== undefined) return known;
  const end = new Uint8Array(bytes);
  end[0] = END_OF_TEXT;
  return ends[bytes] = end;
}

/** What a control datagram's text of `bytes` takes with its end, so that few lengths are seen outside. */
export function paddedBytes(bytes: number): number {
  return (SEAL_PADDED_BYTES.find((step) => bytes <= step) ?? bytes) + 1;
}

/** How long the text is without its end; `undefined` where there is none. */
export function textBytesOf(text: Uint8Array, textBytes: number): number | undefined {
  let last = textBytes - 1;
  while (last >= 0 && text[last] === 0) last -= 1;
  return last >= 0 && text[last] === END_OF_TEXT ? last : undefined;
}
