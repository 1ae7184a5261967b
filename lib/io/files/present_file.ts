/** Whether the wanted file is already in the target folder, under its name or a numbered one. */
import { join } from "@std/path/join";
import type { HashHex } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { MIB } from "../../limits.ts";
import { StreamingHash } from "../../protocol/base/sha256.ts";
import type { Clock } from "../system/clock.ts";
import type { Disk, FileLook } from "./disk.ts";
import { diskError } from "./disk_error.ts";
import { FileTarget } from "./file_target.ts";
import { removeJournal } from "./journal_file.ts";
import { numberedNames, type TargetNames } from "./target_names.ts";

interface WantedFile {
  readonly sha256: HashHex;
  /** Absent when it is not known: then every file of a fitting name is hashed. */
  readonly sizeBytes?: number;
  /** Whether a different file of that name is going to be replaced, or is in the way: no other name counts then. */
  readonly force: boolean;
}

/** A search whose work is done in slices; its result is the path of the wanted file, if it is there. */
export type PresentSearch = Generator<void, string | undefined, void>;

/**
 * Looks for the wanted file: a slice of the work at each `next()`. Return from it to break it off.
 *
 * @throws ShoalError `not_writable` when a folder or a device has the name, `disk`
 */
export function* presentSearch(
  disk: Disk,
  names: TargetNames,
  wanted: WantedFile,
): PresentSearch {
  const candidates = wanted.force ? [names.base] : numberedNames(names.base);
  for (const name of candidates) {
    const path = join(names.folder, name);
    const look = lookAtTarget(disk, path);
    if (look === undefined) return undefined;
    if (name === names.base) requireReplaceable(path, look);
    if (look.kind !== "file" || look.sizeBytes !== (wanted.sizeBytes ?? look.sizeBytes)) continue;
    const sha256 = yield* hashOf(disk, path, look.sizeBytes);
    if (sha256 === wanted.sha256) return path;
  }
  return undefined;
}

/**
 * The path of the wanted file; `undefined` if it is not there, or when `signal` fires first. Other
 * work gets its turn between reads.
 *
 * @throws ShoalError as {@linkcode presentSearch} does
 */
export async function findPresent(
  clock: Pick<Clock, "yieldToEvents">,
  disk: Disk,
  names: TargetNames,
  wanted: WantedFile,
  signal: AbortSignal,
): Promise<string | undefined> {
  const search = presentSearch(disk, names, wanted);
  while (!signal.aborted) {
    const step = search.next();
    if (step.done) return step.value;
    await clock.yieldToEvents();
  }
  search.return(undefined);
  return undefined;
}

/** Removes what an earlier run has left of a file that is there already, unless somebody writes it. */
export function removeLeftovers(disk: Disk, names: TargetNames): void {
  try {
    if (disk.lookAt(names.partPath) !== undefined) FileTarget.open(disk, names).discard();
    if (disk.lookAt(names.journalPath) !== undefined) removeJournal(disk, names.journalPath);
  } catch {
    // The wanted file is there: what lies beside it is no reason to fail.
  }
}

function lookAtTarget(disk: Disk, path: string): FileLook | undefined {
  try {
    return disk.lookAt(path);
  } catch (cause) {
    throw diskError(`cannot examine ${path}`, cause);
  }
}

/** Files can be set aside or replaced, and so can links, which are never followed. */
function requireReplaceable(path: string, { kind }: FileLook): void {
  if (kind === "file" || kind === "link") return;
  const what = kind === "folder" ? "is a folder" : "is not a regular file";
  throw new ShoalError("not_writable", `${path} ${what}`);
}

/** Its SHA-256, a read per slice. `undefined` if it cannot be read. */
function* hashOf(
  disk: Disk,
  path: string,
  sizeBytes: number,
): Generator<void, string | undefined, void> {
  const opened = disk.openRegular(path, "refuse");
  if (!opened.ok) return undefined;
  const hash = new StreamingHash();
  // One byte more than a small file has, so that its end is seen at once.
  const buffer = new Uint8Array(Math.min(MIB, sizeBytes + 1));
  try {
    for (let at = 0;;) {
      const count = opened.file.readAt(buffer, 0, buffer.length, at);
      hash.update(buffer.subarray(0, count));
      if (count < buffer.length) return hash.digestHex();
      at += count;
      yield;
    }
  } finally {
    opened.file.close();
  }
}
