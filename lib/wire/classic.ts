/**
 * The classic datagrams of port 10526, to the byte (docs/PROTOCOL.md, "Classic"): a request and an
 * answer in ASCII, and numbered chunks that carry their own SHA-256.
 */
import { type Bytes, type HashHex, hashHex } from "../ids.ts";
import { HASH_BYTES } from "../limits.ts";
import { CLASSIC_ANSWER_BYTES_MAX, CLASSIC_CHUNK_BYTES_MAX } from "./limits.ts";

const CHUNK_HEADER_BYTES = 8;
/** Bytes of a chunk's datagram beside its payload. */
export const CLASSIC_OVERHEAD_BYTES = CHUNK_HEADER_BYTES + HASH_BYTES;

const utf8 = new TextEncoder();
const REQUEST_WORD = utf8.encode("get ");
const ANSWER_WORD = utf8.encode("except ");
const utf8Strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export interface ClassicAnswer {
  readonly chunkCount: number;
  readonly sha256: HashHex;
}

export interface ClassicChunk {
  readonly number: number;
  /** A view of the datagram. */
  readonly payload: Uint8Array;
  /** What the sender says that the payload's SHA-256 is. */
  readonly sha256: Uint8Array;
}

export function encodeClassicRequest(name: string): Bytes {
  return utf8.encode(`get ${name}`);
}

/** The name in a request, unchecked, exactly as it stands after `get `; `undefined` if it is no request. */
export function decodeClassicRequest(datagram: Uint8Array): string | undefined {
  if (!startsWith(datagram, REQUEST_WORD)) return undefined;
  const name = asText(datagram.subarray(REQUEST_WORD.length));
  return name === "" ? undefined : name;
}

export function encodeClassicAnswer(answer: ClassicAnswer): Bytes {
  return utf8.encode(`except ${answer.chunkCount} chunks ${answer.sha256}`);
}

export function decodeClassicAnswer(datagram: Uint8Array): ClassicAnswer | undefined {
  if (datagram.length > CLASSIC_ANSWER_BYTES_MAX || !startsWith(datagram, ANSWER_WORD)) {
    return undefined;
  }
  const match = /^except (\d{1,10}) chunks ([0-9a-fA-F]{64})\s*$/.exec(asText(datagram) ?? "");
  if (match === null) return undefined;
  const chunkCount = Number(match[1]);
  if (chunkCount > 0xffff_ffff) return undefined;
  return { chunkCount, sha256: hashHex((match[2] ?? "").toLowerCase()) };
}

/** A chunk's datagram; `sha256` is the digest of `payload`. */
export function encodeClassicChunk(number: number, payload: Uint8Array, sha256: Uint8Array): Bytes {
  const bytes = new Uint8Array(CLASSIC_OVERHEAD_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, number);
  view.setUint32(4, payload.length);
  bytes.set(payload, CHUNK_HEADER_BYTES);
  bytes.set(sha256, CHUNK_HEADER_BYTES + payload.length);
  return bytes;
}

/** Checks the lengths, not the digest: that is the receiver's work. */
export function decodeClassicChunk(datagram: Uint8Array): ClassicChunk | undefined {
  if (datagram.length <= CLASSIC_OVERHEAD_BYTES) return undefined;
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const length = view.getUint32(4);
  if (length > CLASSIC_CHUNK_BYTES_MAX || length + CLASSIC_OVERHEAD_BYTES !== datagram.length) {
    return undefined;
  }
  const digestAt = CHUNK_HEADER_BYTES + length;
  return {
    number: view.getUint32(0),
    payload: datagram.subarray(CHUNK_HEADER_BYTES, digestAt),
    sha256: datagram.subarray(digestAt),
  };
}

/** Looked at first: to find out by decoding that something is no text costs more than all the rest. */
function startsWith(datagram: Uint8Array, word: Uint8Array): boolean {
  return word.every((byte, at) => datagram[at] === byte);
}

function asText(datagram: Uint8Array): string | undefined {
  try {
    return utf8Strict.decode(datagram);
  } catch {
    return undefined;
  }
}
