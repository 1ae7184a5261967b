/** Blocks, chunks and layers. */
import { assertRelations } from "../../limits.ts";
import { BLOCK_BYTES, KIB, MIB } from "../../limits.ts";

export const CHUNK_BYTES_MIN = 64 * KIB;
export const CHUNK_BYTES_MAX = 1 * MIB;
/** Chunks grow to {@linkcode CHUNK_BYTES_MAX} to stay within this count. */
export const CHUNKS_WANTED_MAX = 4096;

assertRelations([
  [CHUNK_BYTES_MIN % BLOCK_BYTES === 0, "chunks are whole blocks"],
  [CHUNK_BYTES_MAX % CHUNK_BYTES_MIN === 0, "chunk sizes are powers of two apart"],
]);
