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
  GROWING_SPAN_MS_MIN,
} from "./limits.ts";

interface Growing {
  readonly inode: number;
  readonly startBytes: number;
  /** When it was first seen to be longer than before, and when last. */
  sinceMs: number | undefined;
  lastBytes: number;
  grownMs: number;
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
      const lengths = { startBytes: sizeBytes, lastBytes: sizeBytes };
      const start = { inode, ...lengths, sinceMs: undefined, grownMs: nowMs };
      this.#files.set(nowMs, name, start);
      return false;
    }
    if (sizeBytes > known.lastBytes) {
      known.grownMs = nowMs;
      known.sinceMs ??= nowMs;
    }
    known.lastBytes = sizeBytes;
    this.#files.set(nowMs, name, known);
    // One that has come to rest since is soon offered whole.
    const elapsedMs = known.grownMs - (known.sinceMs ?? nowMs);
    const grownBytes = sizeBytes - known.startBytes;
    return elapsedMs >= GROWING_SPAN_MS_MIN &&
      grownBytes <= GROWING_BYTES_PER_S_MAX * elapsedMs / 1_000;
  }

  /** What was offered as its beginning is not that any more. */
  refuse(nowMs: number, name: SafeFileName): void {
    this.#refused.set(nowMs, name, true);
  }
}
