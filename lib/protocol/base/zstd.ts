/** Packing as pure functions: one frame of zstd (RFC 8878), made of and into no more than `PACK_BYTES_MAX`. */
import type { Bytes } from "../../ids.ts";
import { PACK_BYTES_MAX } from "../../wire/limits.ts";

/** Higher levels take longer than what they save takes on the way. */
const LEVEL = 1;
/** What a frame may make its reader keep: no more than all that it unpacks to. */
const WINDOW_LOG = Math.log2(PACK_BYTES_MAX);

type Zlib = typeof import("node:zlib");

interface Zstd {
  compress(bytes: Uint8Array): Uint8Array;
  /** Throws for what is no frame, or more than so many bytes. */
  decompress(packed: Uint8Array, bytesMax: number): Uint8Array;
}

let loaded: Zstd | undefined;

/** Loaded when there is something to pack or unpack: threads that never do start sooner without it. */
function zstd(): Zstd {
  return loaded ??= zstdOf(process.getBuiltinModule("node:zlib"));
}

function zstdOf({ constants, zstdCompressSync, zstdDecompressSync }: Zlib): Zstd {
  const packing = {
    params: {
      [constants.ZSTD_c_compressionLevel]: LEVEL,
      [constants.ZSTD_c_windowLog]: WINDOW_LOG,
    },
  };
  const params = { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG };
  return {
    compress: (bytes) => zstdCompressSync(bytes, packing),
    decompress: (packed, maxOutputLength) =>
      zstdDecompressSync(packed, { maxOutputLength, params }),
  };
}

/** Perhaps longer than `bytes`, if these are random. */
export function pack(bytes: Uint8Array): Bytes {
  return asBytes(zstd().compress(bytes));
}

/** What `packed` unpacks to if that is exactly so many bytes; `undefined` for whatever else somebody sent. */
export function unpack(packed: Uint8Array, lengthBytes: number): Bytes | undefined {
  try {
    const bytes = zstd().decompress(packed, lengthBytes);
    return bytes.length === lengthBytes ? asBytes(bytes) : undefined;
  } catch {
    return undefined;
  }
}

function asBytes({ buffer, byteOffset, length }: Uint8Array): Bytes {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
}
