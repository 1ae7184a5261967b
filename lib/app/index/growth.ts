/**
 * Which files are being appended to, all the time and slowly, as logs are. Such a file never comes to rest, so that it is
 * offered as what it is at one moment. A file that grows faster is more likely to be copied here: it is
 * offered when it is whole.
 */
import type { FileSignature, SafeFileName } from "../../ids.ts";
import { RecentMap } from "../../protocol/base/recent_map.ts";
import {
  GROWING_BYTES_PER_S_MAX,
  GROWING_FILES_MAX,
  GROWING_MEMORY_MS,
  SETTLE_MS,
} from "./limits.ts";

interface Growing {
  readonly inode: number;
  readonly sinceMs: number;
  readonly startBytes: number;
  lastBytes: number;
}

export class Growth {
  readonly #files = new RecentMap<Growing>(GROWING_FILES_MAX, GROWING_MEMORY_MS);
  /** Files that changed inside although they only seemed to grow. */
  readonly #refused = new RecentMap<true>(GROWING_FILES_MAX, GROWING_MEMORY_MS);

  /** A file that does not rest looks like this now; returns whether its beginning can be offered. */
  isAppendedTo(nowMs: number, name: SafeFileName, { inode, sizeBytes }: FileSignature): boolean {
    // Where a file cannot be told from another one in its place, nothing can be said of its beginning.
    if (inode === 0 || this.#refused.get(nowMs, name) !== undefined) return false;
    const known = this.#files.get(nowMs, name);
    if (known === undefined || known.inode !== inode || sizeBytes < known.lastBytes) {
      const start = { inode, sinceMs: nowMs, startBytes: sizeBytes, lastBytes: sizeBytes };
      this.#files.set(nowMs, name, start);
      return false;
    }
    known.lastBytes = sizeBytes;
    this.#files.set(nowMs, name, known);
    const elapsedMs = nowMs - known.sinceMs;
    const grownBytes = sizeBytes - known.startBytes;
    return grownBytes > 0 && elapsedMs >= SETTLE_MS &&
      grownBytes <= GROWING_BYTES_PER_S_MAX * elapsedMs / 1_000;
  }

  /** What was offered as its beginning is not that any more. */
  refuse(nowMs: number, name: SafeFileName): void {
    this.#refused.set(nowMs, name, true);
  }
}
