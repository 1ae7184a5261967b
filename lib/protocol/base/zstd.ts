/** Packing as pure functions: one frame of zstd (RFC 8878), made of and into no more than `PACK_BYTES_MAX`. */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Bytes } from "../../ids.ts";
import { PACK_BYTES_MAX } from "../../wire/limits.ts";

/** Higher levels take longer than what they save takes on the way. */
const LEVEL = 1;
/** What a frame may make its reader keep: no more than all that it unpacks to. */
const WINDOW_LOG = Math.log2(PACK_BYTES_MAX);

const PACKING = {
  params: {
    [constants.ZSTD_c_compressionLevel]: LEVEL,
    [constants.ZSTD_c_windowLog]: WINDOW_LOG,
  },
};
const UNPACKING = { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG };

/** Perhaps longer than `bytes`, if these are random. */
export function pack(bytes: Uint8Array): Bytes {
  return asBytes(zstdCompressSync(bytes, PACKING));
}

/** What `packed` unpacks to if that is exactly so many bytes; `undefined` for whatever else somebody sent. */
export function unpack(packed: Uint8Array, lengthBytes: number): Bytes | undefined {
  try {
    const bytes = zstdDecompressSync(packed, { maxOutputLength: lengthBytes, params: UNPACKING });
    return bytes.length === lengthBytes ? asBytes(bytes) : undefined;
  } catch {
    return undefined;
  }
}

function asBytes({ buffer, byteOffset, length }: Uint8Array): Bytes {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
}
