/** A file that fits into memory, read at once and compared by content. */
import { type Bytes, type HashHex, hashHex } from "../../ids.ts";
import { toHex } from "../../hex.ts";
import { StreamingHash } from "../../protocol/base/sha256.ts";
import { rootOfBytes } from "../../protocol/merkle/unit_root.ts";
import type { Disk } from "./disk.ts";

/**
 * The pieces root of the file at `path`, links not followed; `undefined` if it is another file than `sha256` and
 * `sizeBytes` say, or none.
 *
 * @param scratch longer than the file; what is in it does not matter
 */
export function rootOfSmallFile(
  disk: Disk,
  path: string,
  sha256: HashHex,
  sizeBytes: number,
  scratch: Bytes,
): HashHex | undefined {
  const look = disk.lookAt(path);
  if (look?.kind !== "file" || look.sizeBytes !== sizeBytes) return undefined;
  const opened = disk.openRegular(path, "refuse");
  if (!opened.ok) return undefined;
  try {
    const count = opened.file.readAt(scratch, 0, sizeBytes + 1, 0);
    if (count !== sizeBytes) return undefined;
    const bytes = scratch.subarray(0, count);
    const hash = new StreamingHash();
    hash.update(bytes);
    return hash.digestHex() === sha256 ? hashHex(toHex(rootOfBytes(bytes))) : undefined;
  } finally {
    opened.file.close();
  }
}
