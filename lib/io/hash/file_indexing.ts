/** Indexes one file: opened, read and hashed piece by piece, then checked for changes. */
import { type Bytes, type FileSignature, hashHex } from "../../ids.ts";
import type { IndexerReply, IndexerRequest } from "../../messages/indexer_worker.ts";
import { layerTreeOf } from "../../protocol/merkle/layer_tree.ts";
import { TreeHasher } from "../../protocol/merkle/merkle.ts";
import { StreamingHash } from "../../protocol/base/sha256.ts";
import { openContent } from "../files/content_reader.ts";
import { CHANGE_TICK_MS } from "../files/limits.ts";
import type { Runtime } from "../runtime.ts";
import { wallMs } from "../system/clock.ts";

export type HashRequest = Extract<IndexerRequest, { kind: "hash" }>;
export type IndexingOutcome = Extract<IndexerReply, { kind: "hashed" | "changed" | "unreadable" }>;

/**
 * Hashes a file, one `buffer` per step; yields the bytes hashed so far and returns how it ended. What
 * is in `buffer` between two steps does not matter. Return early to close the file.
 */
export function* indexFile(
  { clock, disk }: Pick<Runtime, "clock" | "disk">,
  request: HashRequest,
  buffer: Bytes,
): Generator<number, IndexingOutcome> {
  const { job, place, signature } = request;
  const { sizeBytes } = signature;
  const opened = openContent(disk, place, signature);
  if (!opened.ok) {
    return opened.reason === "unreadable"
      ? { kind: "unreadable", job, message: opened.message }
      : { kind: "changed", job };
  }
  const { reader } = opened;
  try {
    while (mayChangeUnseen(signature, wallMs(clock))) yield 0;
    const tree = new TreeHasher(sizeBytes);
    const sha256 = new StreamingHash();
    for (let hashedBytes = 0; hashedBytes < sizeBytes;) {
      const lengthBytes = Math.min(buffer.length, sizeBytes - hashedBytes);
      const readBytes = reader.readAt(buffer, 0, lengthBytes, hashedBytes);
      if (readBytes < lengthBytes) {
        if (!reader.isUnchanged()) return { kind: "changed", job };
        const message = `the disk gives no more than ${hashedBytes + readBytes} bytes of it`;
        return { kind: "unreadable", job, message };
      }
      const piece = buffer.subarray(0, lengthBytes);
      tree.update(piece);
      sha256.update(piece);
      hashedBytes += lengthBytes;
      yield hashedBytes;
    }
    if (!reader.isUnchanged()) return { kind: "changed", job };
    const { root, layer } = tree.finish();
    const rows = layerTreeOf(layer, sizeBytes);
    return { kind: "hashed", job, sha256: hashHex(sha256.digestHex()), root, tree: rows };
  } finally {
    reader.close();
  }
}

/** Whether a change could still get the change time that the file has already. */
function mayChangeUnseen({ ctimeMs }: FileSignature, nowMs: number): boolean {
  return ctimeMs <= nowMs && nowMs - ctimeMs < CHANGE_TICK_MS;
}
