/** Reads one chunk of an indexed file again and compares it with what the piece layer says of it. */
import type { IndexerReply, IndexerRequest } from "../../messages/indexer_worker.ts";
import { chunkBytesFor, chunkLength } from "../../protocol/merkle/merkle.ts";
import { chunkHashOfBytes } from "../../protocol/merkle/unit_root.ts";
import type { Disk } from "../files/disk.ts";
import { openContent } from "../files/content_reader.ts";

type CheckRequest = Extract<IndexerRequest, { kind: "check" }>;
type CheckOutcome = Extract<IndexerReply, { kind: "checked" }>;

/** Never throws what a disk may throw: a chunk that cannot be read in full is not good. */
export function checkChunk(disk: Disk, request: CheckRequest): CheckOutcome {
  const { job, place, signature, chunk, hash } = request;
  const { sizeBytes } = signature;
  const opened = openContent(disk, place, signature);
  if (!opened.ok) return { kind: "checked", job, found: "changed" };
  const { reader } = opened;
  try {
    const bytes = new Uint8Array(chunkLength(sizeBytes, chunk));
    const readBytes = reader.readAt(bytes, 0, bytes.length, chunk * chunkBytesFor(sizeBytes));
    const own = chunkHashOfBytes(bytes, sizeBytes);
    if (!reader.isUnchanged()) return { kind: "checked", job, found: "changed" };
    const isGood = readBytes === bytes.length && own.every((byte, i) => byte === hash[i]);
    return { kind: "checked", job, found: isGood ? "good" : "bad" };
  } finally {
    reader.close();
  }
}
