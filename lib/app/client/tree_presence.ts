/**
 * Which files of a folder are there already. What an earlier run wrote and nobody has touched since is known without
 * being read; anything else of the right size is read and compared.
 */
import { dirname } from "@std/path";
import type { SafeFileName } from "../../ids.ts";
import type { Disk } from "../../io/files/disk.ts";
import { StreamingHash } from "../../protocol/base/sha256.ts";
import { sameSignature } from "../../io/files/regular_file.ts";
import type { TargetLook } from "../../io/files/target_look.ts";
import type { TreeRecord } from "../../io/store/tree_records.ts";
import type { Clock } from "../../io/system/clock.ts";
import { UNIT_BYTES_MAX } from "../../protocol/folder/limits.ts";
import type { TreeFile } from "../../wire/manifest.ts";
import { PRESENT_SLICE_MS } from "./limits.ts";

interface TreePresenceOptions {
  readonly clock: Clock;
  readonly look: TargetLook;
  /** What a file of the folder is called below the target folder. */
  readonly nameOf: (file: TreeFile) => SafeFileName;
  readonly record: TreeRecord;
  /** Whether what an earlier run has proved is read again. */
  readonly checks: boolean;
  /** Whether what is under another name than its own does not count, since whatever has that is replaced. */
  readonly replaces: boolean;
  readonly signal: AbortSignal;
}

interface TreePresence {
  readonly missing: readonly TreeFile[];
  readonly present: readonly { readonly file: TreeFile; readonly path: string }[];
  /** Names whose file an earlier run wrote, and nobody has touched: it may be replaced. */
  readonly ours: ReadonlySet<string>;
}

/** Long files are for those who fetch them to find. */
export async function treePresence(
  files: readonly TreeFile[],
  options: TreePresenceOptions,
): Promise<TreePresence> {
  const { clock, look, nameOf, record, signal } = options;
  const missing: TreeFile[] = [];
  const ours = new Set<string>();
  const present: { file: TreeFile; path: string }[] = [];
  let turnEndMs = clock.nowMs() + PRESENT_SLICE_MS;
  for (const file of files) {
    if (clock.nowMs() >= turnEndMs) {
      await clock.yieldToEvents();
      turnEndMs = clock.nowMs() + PRESENT_SLICE_MS;
    }
    if (signal.aborted) break;
    const usual = look.at(nameOf(file));
    if (usual === undefined) {
      missing.push(file);
      continue;
    }
    const { disk } = usual;
    const known = record.get(file.name);
    const mayBe = options.replaces
      ? known?.path === usual.path
      : known !== undefined && dirname(known.path) === dirname(usual.path);
    const recorded = mayBe ? known : undefined;
    const isOurs = recorded !== undefined && isUntouched(disk, recorded);
    if (isOurs) ours.add(file.name);
    const path = recorded?.path ?? usual.path;
    const isPresent = isOurs && !options.checks
      ? recorded.sha256 === file.sha256
      : isSameContent(disk, path, file);
    if (isPresent) present.push({ file, path });
    else missing.push(file);
  }
  return { missing, present, ours };
}

function isUntouched(
  disk: Disk,
  { path, signature }: Parameters<TreeRecord["set"]>[1],
): boolean {
  const found = disk.identityAt(path);
  return found !== undefined && sameSignature(found.signature, signature);
}

function isSameContent(disk: Disk, path: string, { sizeBytes, sha256 }: TreeFile): boolean {
  if (sizeBytes > UNIT_BYTES_MAX) return false;
  if (disk.identityAt(path)?.signature.sizeBytes !== sizeBytes) return false;
  const opened = disk.openRegular(path, "refuse");
  if (!opened.ok) return false;
  try {
    const bytes = new Uint8Array(sizeBytes + 1);
    if (opened.file.readAt(bytes, 0, bytes.length, 0) !== sizeBytes) return false;
    const hash = new StreamingHash();
    hash.update(bytes.subarray(0, sizeBytes));
    return hash.digestHex() === sha256;
  } finally {
    opened.file.close();
  }
}
