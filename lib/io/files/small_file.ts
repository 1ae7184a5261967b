/** A file that fits into memory, read at once and compared by content. */
import { type Bytes, type HashHex, hashHex, toHex } from "../../ids.ts";
import { sha256 as digestOf } from "../../protocol/base/sha256.ts";
import { EMPTY_ROOT } from "../../protocol/merkle/merkle.ts";
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
  const opened = disk.openRegular(path, "refuse");
  if (!opened.ok) return undefined;
  try {
    const count = opened.file.readAt(scratch, 0, sizeBytes + 1, 0);
    if (count !== sizeBytes) return undefined;
    const bytes = scratch.subarray(0, count);
    if (toHex(digestOf(bytes)) !== sha256) return undefined;
    return count === 0 ? EMPTY_ROOT : hashHex(toHex(rootOfBytes(bytes)));
  } finally {
    opened.file.close();
  }
}
