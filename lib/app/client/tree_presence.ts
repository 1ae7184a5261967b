/**
 * Which files of a folder are there already. What an earlier run wrote and nobody has touched since is known without
 * being read; anything else of the right size is read and compared.
 */
import { dirname } from "@std/path/dirname";
import type { FileSignature, SafeFileName } from "../../ids.ts";
import type { Disk } from "../../io/files/disk.ts";
import { StreamingHash } from "../../protocol/base/sha256.ts";
import { attributesOf, keepAttributes, sameAttributes } from "../../io/files/file_attributes.ts";
import { type FileIdentity, sameSignature } from "../../io/files/regular_file.ts";
import type { TargetLook } from "../../io/files/target_look.ts";
import type { RecordedFile, TreeRecord } from "../../io/store/tree_records.ts";
import type { Clock } from "../../io/system/clock.ts";
import { UNIT_BYTES_MAX } from "../../protocol/folder/limits.ts";
import type { TreeFile } from "../../wire/manifest.ts";
import { PRESENT_SLICE_MS } from "./limits.ts";

export interface TreePresenceOptions {
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

export interface TreePresence {
  readonly missing: readonly TreeFile[];
  readonly present: readonly { readonly file: TreeFile; readonly path: string }[];
  /** Of those that are present, what may not have the time, and the leave to be run, that it has at its servers. */
  readonly unlike: readonly UnlikeFile[];
  /** Names whose file an earlier run wrote, and nobody has touched: it may be replaced. */
  readonly ours: ReadonlySet<string>;
}

interface UnlikeFile {
  readonly file: TreeFile;
  readonly path: string;
  readonly found: FileIdentity;
}

/** Nothing is changed by it. Long files are for those who fetch them to find. */
export async function treePresence(
  files: readonly TreeFile[],
  options: TreePresenceOptions,
): Promise<TreePresence> {
  const { clock, look, nameOf, record, signal } = options;
  const missing: TreeFile[] = [];
  const ours = new Set<string>();
  const present: { file: TreeFile; path: string }[] = [];
  const unlike: UnlikeFile[] = [];
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
    const mayBe = known?.path === usual.path ||
      (known !== undefined && !options.replaces && dirname(known.path) === dirname(usual.path));
    const recorded = mayBe ? known : undefined;
    const path = recorded?.path ?? usual.path;
    const found = disk.identityAt(path);
    const isOurs = recorded !== undefined && found !== undefined &&
      sameSignature(found.signature, recorded.signature);
    // Under another name it is ours as well, but what has its own name may be somebody else's.
    if (isOurs && path === usual.path) ours.add(file.name);
    const isPresent = isOurs && !options.checks
      ? recorded.sha256 === file.sha256
      : isSameContent(disk, path, found, file);
    if (!isPresent) {
      missing.push(file);
      continue;
    }
    present.push({ file, path });
    if (found === undefined) continue;
    // What this disk cannot hold is not tried each time.
    if (isOurs && recorded.given && sameAttributes(recorded.given, file)) continue;
    unlike.push({ file, path, found });
  }
  return { missing, present, unlike, ours };
}

/** Gives what is there the time, and the leave to be run, that it has at its servers. */
export async function keepTreeAttributes(
  unlike: readonly UnlikeFile[],
  { clock, look, nameOf, record, signal }: Pick<
    TreePresenceOptions,
    "clock" | "look" | "nameOf" | "record" | "signal"
  >,
): Promise<void> {
  let turnEndMs = clock.nowMs() + PRESENT_SLICE_MS;
  for (const { file, path, found } of unlike) {
    if (clock.nowMs() >= turnEndMs) {
      await clock.yieldToEvents();
      turnEndMs = clock.nowMs() + PRESENT_SLICE_MS;
    }
    if (signal.aborted) return;
    const usual = look.at(nameOf(file));
    const kept = usual && keepAttributes(usual.disk, path, found, file);
    if (kept === found || kept === undefined) continue;
    record.set(file.name, recordOf(file, path, kept.signature));
  }
}

/** What later runs are told of a file that is written, or was here. */
export function recordOf(file: TreeFile, path: string, signature: FileSignature): RecordedFile {
  return { path, sha256: file.sha256, signature, given: attributesOf(file) };
}

function isSameContent(
  disk: Disk,
  path: string,
  found: FileIdentity | undefined,
  { sizeBytes, sha256 }: TreeFile,
): boolean {
  if (sizeBytes > UNIT_BYTES_MAX || found?.signature.sizeBytes !== sizeBytes) return false;
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
