/** What it costs to read a whole piece layer, which travels as one answer. */
import { chunkCountFor } from "../merkle/merkle.ts";
import { LAYER_HASHES_PER_WORK, SESSION_QUESTION_WORK } from "./limits.ts";

/** In units of about ten microseconds (docs/PROTOCOL.md, "Fair shares"), for a file of `sizeBytes`. */
export function layerWork(sizeBytes: number): number {
  return SESSION_QUESTION_WORK + Math.ceil(chunkCountFor(sizeBytes) / LAYER_HASHES_PER_WORK);
}
