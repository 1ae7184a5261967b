/**
 * Scans the served folder for files that can be offered, and their signatures. It yields to
 * other events all the time, and promises nothing about what happens to a file afterwards:
 * `file_source.ts` checks again.
 */
import { join } from "@std/path";
import { ShoalError } from "../../errors.ts";
import type { FileSignature, SafeFileName } from "../../ids.ts";
import { CATALOGUE_ENTRIES_MAX, FILE_BYTES_MAX } from "../../limits.ts";
import { FOLDER_DEPTH_MAX, SCAN_TURN_MS } from "./limits.ts";
import {
  displayName,
  isHiddenName,
  isPartName,
  isTemporaryName,
  parseFileName,
} from "../../names.ts";
import { nowMs, yieldToEvents } from "../system/clock.ts";
import type { Disk } from "./disk.ts";
import { resolveInside } from "./file_source.ts";
import { canOpen, signatureAt } from "./regular_file.ts";

export interface ScanOptions {
  readonly disk: Disk;
  /** Absolute and free of links. */
  readonly dir: string;
  /** Whether dot-names count. */
  readonly hidden: boolean;
  /** Whether this very file is known to be readable. */
  isKnown(name: SafeFileName, signature: FileSignature): boolean;
  /** Called, at every scan, with what a user might miss: one line per file or folder. */
  onLeftOut(message: string): void;
  /** Ends the scan early. */
  readonly signal: AbortSignal;
  /** Looks at no more than this many files and folders. */
  readonly entriesMax?: number;
}

export interface ScannedFile {
  readonly name: SafeFileName;
  readonly signature: FileSignature;
}

/** The path of `dir` without links. Throws ShoalError `folder` if it is not a folder that may be read. */
export async function resolveFolder(dir: string): Promise<string> {
  try {
    const real = await Deno.realPath(dir);
    for await (const _ of Deno.readDir(real)) break;
    return real;
  } catch (cause) {
    throw new ShoalError("folder", `${displayName(dir)} ${folderProblem(cause)}`, { cause });
  }
}

function folderProblem(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "does not exist";
  if (cause instanceof Deno.errors.NotADirectory) return "is not a folder";
  return "cannot be read";
}

/** Every regular file that may be offered, folder by folder, in the order of names within each. */
export async function* scanFolder(options: ScanOptions): AsyncGenerator<ScannedFile> {
  const folders: { readonly prefix: string; readonly depth: number }[] = [{ prefix: "", depth: 0 }];
  const entriesMax = options.entriesMax ?? CATALOGUE_ENTRIES_MAX;
  let entriesSeen = 0;
  let turnEndMs = nowMs() + SCAN_TURN_MS;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const { prefix, depth } = folder;
    const below: string[] = [];
    for (const entry of await readFolder(options, prefix, entriesMax - entriesSeen + 1)) {
      if (nowMs() >= turnEndMs) {
        await yieldToEvents();
        turnEndMs = nowMs() + SCAN_TURN_MS;
      }
      if (options.signal.aborted) return;
      if (entriesSeen === entriesMax) {
        options.onLeftOut(`the folder has more than ${entriesMax} entries: the rest is skipped`);
        return;
      }
      entriesSeen += 1;
      const name = offerableName(options, prefix + entry.name);
      if (name === undefined) continue;
      if (entry.isDirectory) {
        if (depth < FOLDER_DEPTH_MAX) below.push(`${name}/`);
        else options.onLeftOut(`${displayName(name)} is skipped: too many folders deep`);
        continue;
      }
      const signature = readableFile(options, name);
      if (signature !== undefined) yield { name, signature };
    }
    for (const each of below.reverse()) folders.push({ prefix: each, depth: depth + 1 });
  }
}

/** What is under a name now. `nothing` is also what nobody would miss: a FIFO, a dangling link. */
export type Inspected =
  | { readonly kind: "file"; readonly signature: FileSignature }
  | { readonly kind: "leftOut"; readonly why: string }
  | { readonly kind: "nothing" };

export function inspectFile(disk: Disk, dir: string, name: SafeFileName): Inspected {
  let path = join(dir, name);
  let info = lookAt(path);
  if (info?.isSymlink) {
    const resolved = resolveInside(disk, dir, path);
    if (!resolved.ok) {
      return resolved.reason === "missing"
        ? { kind: "nothing" }
        : { kind: "leftOut", why: "it is a link that leaves the folder" };
    }
    path = resolved.path;
    info = lookAt(path);
    if (info?.isDirectory) return { kind: "leftOut", why: "links to folders are not followed" };
  }
  if (info === undefined && name.includes(UNDECODABLE)) {
    return { kind: "leftOut", why: "its name is not valid UTF-8" };
  }
  if (!info?.isFile) return { kind: "nothing" };
  if (info.size > FILE_BYTES_MAX) return { kind: "leftOut", why: "it is too large" };
  return { kind: "file", signature: signatureAt(path, info) };
}

/** What Deno puts in the place of bytes that are not UTF-8; no file is found by such a name. */
const UNDECODABLE = "\ufffd";

/** The entries of a folder by name; none where it cannot be read. */
async function readFolder(
  options: ScanOptions,
  prefix: string,
  entriesMax: number,
): Promise<Deno.DirEntry[]> {
  const entries: Deno.DirEntry[] = [];
  try {
    // A folder that was swapped for a link since its parent was read is not entered.
    const { disk, dir } = options;
    if (prefix !== "" && !resolveInside(disk, dir, join(dir, prefix)).ok) {
      return entries;
    }
    for await (const entry of Deno.readDir(join(options.dir, prefix))) {
      entries.push(entry);
      if (entries.length >= entriesMax) break;
    }
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) {
      options.onLeftOut(`the folder ${displayName(prefix) || "itself"} cannot be read`);
    }
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function offerableName(options: ScanOptions, text: string): SafeFileName | undefined {
  if (isHiddenName(text) && !options.hidden) return undefined;
  if (isPartName(text) || isTemporaryName(text)) return undefined;
  const parsed = parseFileName(text);
  if (parsed.ok) return parsed.name;
  options.onLeftOut(
    `${displayName(text)} is skipped: its name cannot be offered (${parsed.problem})`,
  );
  return undefined;
}

function readableFile(options: ScanOptions, name: SafeFileName): FileSignature | undefined {
  const found = inspectFile(options.disk, options.dir, name);
  if (found.kind === "nothing") return undefined;
  if (found.kind === "file") {
    const { signature } = found;
    if (options.isKnown(name, signature) || canOpen(join(options.dir, name))) return signature;
  }
  const why = found.kind === "leftOut" ? found.why : "it cannot be read";
  options.onLeftOut(`${displayName(name)} is skipped: ${why}`);
  return undefined;
}

function lookAt(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch {
    return undefined;
  }
}
