/** Whether the file that is wanted is in the target folder already, under its name or a numbered one. */
import { join } from "@std/path";
import type { HashHex } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { MIB } from "../../limits.ts";
import { StreamingHash } from "../../protocol/base/sha256.ts";
import { yieldToEvents } from "../system/clock.ts";
import { diskError } from "./disk_error.ts";
import { FileTarget } from "./file_target.ts";
import { removeJournal } from "./journal.ts";
import { lookAt } from "./look_at.ts";
import { openRegularFile } from "./regular_file.ts";
import { numberedNames, type TargetNames } from "./target_names.ts";

export interface WantedFile {
  readonly sha256: HashHex;
  /** Absent when it is not known: then every file of a fitting name is hashed. */
  readonly sizeBytes?: number;
  /** Whether a different file of that name is going to be replaced, so that no other name counts. */
  readonly force: boolean;
}

/**
 * The path of the wanted file; `undefined` if it is not there, or when `signal` fires first.
 *
 * @throws ShoalError `not_writable` when a folder or a device has the name, `disk`
 */
export async function findPresent(
  names: TargetNames,
  wanted: WantedFile,
  signal: AbortSignal,
): Promise<string | undefined> {
  const candidates = wanted.force ? [names.base] : numberedNames(names.base);
  for (const name of candidates) {
    const path = join(names.folder, name);
    const info = lookAtTarget(path);
    if (info === undefined) return undefined;
    if (name === names.base) requireReplaceable(path, info);
    if (!info.isFile || info.size !== (wanted.sizeBytes ?? info.size)) continue;
    if (await hashOf(path, signal) === wanted.sha256) return path;
    if (signal.aborted) return undefined;
  }
  return undefined;
}

/** Removes what an earlier run has left of a file that is there already, unless somebody writes it. */
export function removeLeftovers(names: TargetNames): void {
  try {
    if (lookAt(names.partPath) !== undefined) FileTarget.open(names).discard();
    if (lookAt(names.journalPath) !== undefined) removeJournal(names.journalPath);
  } catch {
    // The wanted file is there: what lies beside it is no reason to fail.
  }
}

function lookAtTarget(path: string): Deno.FileInfo | undefined {
  try {
    return lookAt(path);
  } catch (cause) {
    throw diskError(`cannot look at ${path}`, cause);
  }
}

/** Files can be set aside or replaced, and so can links, which are never followed. */
function requireReplaceable(path: string, info: Deno.FileInfo): void {
  if (info.isFile || info.isSymlink) return;
  const what = info.isDirectory ? "is a folder" : "is not a regular file";
  throw new ShoalError("not_writable", `${path} ${what}`);
}

/** Its SHA-256; other work gets its turn between reads. `undefined` if it cannot be read. */
async function hashOf(path: string, signal: AbortSignal): Promise<string | undefined> {
  const opened = openRegularFile(path, "refuse");
  if (!opened.ok) return undefined;
  const hash = new StreamingHash();
  const buffer = new Uint8Array(MIB);
  try {
    for (let at = 0; !signal.aborted;) {
      const count = opened.file.readAt(buffer, 0, buffer.length, at);
      hash.update(buffer.subarray(0, count));
      if (count < buffer.length) return hash.digestHex();
      at += count;
      await yieldToEvents();
    }
    return undefined;
  } finally {
    opened.file.close();
  }
}
