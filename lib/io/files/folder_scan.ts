/**
 * Scans the served folder for files that can be offered, and their signatures. It yields to
 * other events all the time, and promises nothing about what happens to a file afterwards:
 * `file_reader.ts` checks again.
 */
import { basename } from "@std/path/basename";
import { SEPARATOR as sep } from "@std/path/constants";
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import { descriptorsHint, ShoalError } from "../../errors.ts";
import { type FileSignature, type SafeFileName, timeOf } from "../../ids.ts";
import { CATALOGUE_ENTRIES_MAX, FILE_BYTES_MAX } from "../../limits.ts";
import { FOLDER_DEPTH_MAX, SCAN_TURN_MS } from "./limits.ts";
import {
  displayName,
  isHiddenName,
  isStagingName,
  parseFileName,
  UPLOADS_FOLDER,
} from "../../names.ts";
import { type Clock, wallMs } from "../system/clock.ts";
import { isWithin, type TreeShape } from "../../wire/manifest.ts";
import { AnchoredDisk } from "./anchored_disk.ts";
import type { Disk, FolderEntry } from "./disk.ts";
import { resolveInside } from "./file_reader.ts";
import { codeOf } from "./disk_error.ts";
import { unfinishedDownload } from "./unfinished_download.ts";
import { systemErrorText } from "../../system_error.ts";

export interface ScanOptions {
  readonly clock: Clock;
  readonly disk: Disk;
  /** Absolute and free of links. */
  readonly dir: string;
  /** Whether dot-names count. */
  readonly hidden: boolean;
  /** Whether this very file is known to be readable. */
  isKnown(name: SafeFileName, signature: FileSignature): boolean;
  /** Called, at every scan, with what a user might miss: one line per file or folder. */
  onLeftOut(message: string): void;
  /** Called, at every scan, for each file or folder that is left out as hidden, but for our own. */
  onHidden(): void;
  /** Called with each folder, and with each link that leads to something within `dir`. */
  onShape?(shape: TreeShape): void;
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
export async function resolveFolder(disk: Disk, dir: string): Promise<string> {
  try {
    const real = disk.realPath(dir);
    for await (const _ of disk.entriesIn(real)) break;
    return real;
  } catch (cause) {
    throw new ShoalError("folder", `${displayName(dir)} ${folderProblem(cause)}`, {
      cause,
      ...descriptorsHint(cause),
    });
  }
}

function folderProblem(cause: unknown): string {
  const code = codeOf(cause);
  if (code === "ENOENT") return "does not exist";
  if (code === "ENOTDIR") return "is not a folder";
  if (code === "EACCES" || code === "EPERM") return "cannot be read";
  return `cannot be read: ${systemErrorText(cause)}`;
}

/** Every regular file that may be offered, folder by folder, in the order of names within each. */
export async function* scanFolder(options: ScanOptions): AsyncGenerator<ScannedFile> {
  const folders: { readonly prefix: string; readonly depth: number }[] = [{ prefix: "", depth: 0 }];
  const entriesMax = options.entriesMax ?? CATALOGUE_ENTRIES_MAX;
  let entriesSeen = 0;
  let turnEndMs = options.clock.nowMs() + SCAN_TURN_MS;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const { prefix, depth } = folder;
    const opened = openFolder(options, prefix);
    if (opened === undefined) continue;
    const below: string[] = [];
    try {
      for (const entry of await readFolder(options, opened, prefix, entriesMax - entriesSeen + 1)) {
        if (options.clock.nowMs() >= turnEndMs) {
          await options.clock.yieldToEvents();
          turnEndMs = options.clock.nowMs() + SCAN_TURN_MS;
        }
        if (options.signal.aborted) return;
        if (entriesSeen === entriesMax) {
          const rest = offerableName(options, prefix + entry.name);
          leaveOut(
            options,
            rest,
            `the folder has more than ${entriesMax} entries: the rest is skipped`,
          );
          return;
        }
        entriesSeen += 1;
        const name = offerableName(options, prefix + entry.name);
        if (name === undefined) continue;
        if (entry.isFolder) {
          if (isStagingName(entry.name)) continue;
          if (depth < FOLDER_DEPTH_MAX) {
            below.push(`${name}/`);
            if (options.onShape !== undefined) tellFolder(options, opened, name);
          } else leaveOut(options, name, `${displayName(name)} is skipped: too many folders deep`);
          continue;
        }
        if (entry.isLink && options.onShape !== undefined) tellLink(options, opened, name);
        if (isUnfinished(options, opened, name)) continue;
        const signature = readableFile(options, opened, name);
        if (signature !== undefined) yield { name, signature };
      }
    } finally {
      opened.close();
    }
    for (const each of below.reverse()) folders.push({ prefix: each, depth: depth + 1 });
  }
}

/** What is under a name now. `nothing` is also what nobody would miss: a dangling link. */
export type Inspected =
  | { readonly kind: "file"; readonly signature: FileSignature }
  | { readonly kind: "leftOut"; readonly why: string }
  | { readonly kind: "nothing" };

export function inspectFile(disk: Disk, dir: string, name: string): Inspected {
  const opened = openInside(disk, dir, dirname(join(dir, name)));
  if (opened === undefined) return { kind: "nothing" };
  try {
    return inspectIn(disk, dir, opened, name);
  } finally {
    opened.close();
  }
}

/** A folder that is inside `dir`; `undefined` where there is none. */
function openInside(disk: Disk, dir: string, folder: string): AnchoredDisk | undefined {
  try {
    return AnchoredDisk.open(disk, dir, folder, "inside");
  } catch {
    return undefined;
  }
}

/** @param opened the folder of `name`, in which nobody can put something else in the place of what is looked at */
function inspectIn(disk: Disk, dir: string, opened: AnchoredDisk, name: string): Inspected {
  const found = opened.use((folder) => fileAt(disk, join(folder, basename(name))));
  if (found === "link") return inspectLinked(disk, dir, name);
  if (found === undefined && name.includes(UNDECODABLE)) {
    return { kind: "leftOut", why: "its name is not valid UTF-8" };
  }
  return inspected(found);
}

function inspectLinked(disk: Disk, dir: string, name: string): Inspected {
  const resolved = resolveInside(disk, dir, join(dir, name));
  if (!resolved.ok) {
    return resolved.reason === "missing"
      ? { kind: "nothing" }
      : { kind: "leftOut", why: "it is a link that leaves the folder" };
  }
  const { path } = resolved;
  const opened = openInside(disk, dir, dirname(path));
  if (opened === undefined) return { kind: "nothing" };
  try {
    const found = opened.use((folder) => fileAt(disk, join(folder, basename(path))));
    if (found === "folder") return { kind: "leftOut", why: "links to folders are not followed" };
    return inspected(found);
  } finally {
    opened.close();
  }
}

type Found = FileSignature | "link" | "folder" | "special" | undefined;

function fileAt(disk: Disk, path: string): Found {
  const found = disk.examine(path);
  return found === undefined || found.kind === "file" ? found?.signature : found.kind;
}

function inspected(found: Found): Inspected {
  if (found === "special") return { kind: "leftOut", why: "it is not a regular file" };
  if (found === undefined || typeof found === "string") return { kind: "nothing" };
  if (found.sizeBytes > FILE_BYTES_MAX) return { kind: "leftOut", why: "it is too large" };
  return { kind: "file", signature: found };
}

/** What Deno puts in the place of bytes that are not UTF-8; no file is found by such a name. */
const UNDECODABLE = "\ufffd";

/** One that was swapped for a link since its parent was read is not entered. */
function openFolder(options: ScanOptions, prefix: string): AnchoredDisk | undefined {
  const { disk, dir } = options;
  const opened = openInside(disk, dir, join(dir, prefix.replace(/\/$/, "")));
  if (opened !== undefined) return opened;
  const isThere = prefix === "" || resolveInside(disk, dir, join(dir, prefix)).ok;
  if (isThere) unreadable(options, prefix);
  else if (prefix.includes(UNDECODABLE)) {
    options.onLeftOut(
      `the folder ${displayName(prefix)} is skipped: its name is not valid UTF-8`,
    );
  }
  return undefined;
}

/** The entries of a folder by name; none where it cannot be read. */
async function readFolder(
  options: ScanOptions,
  opened: AnchoredDisk,
  prefix: string,
  entriesMax: number,
): Promise<FolderEntry[]> {
  const entries: FolderEntry[] = [];
  try {
    for await (const entry of opened.entriesIn(join(options.dir, prefix.replace(/\/$/, "")))) {
      entries.push(entry);
      if (entries.length >= entriesMax) break;
    }
  } catch (thrown) {
    if (codeOf(thrown) !== "ENOENT") unreadable(options, prefix);
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function tellFolder(
  { disk, onShape }: ScanOptions,
  opened: AnchoredDisk,
  name: SafeFileName,
): void {
  const found = opened.use((folder) => disk.examine(join(folder, basename(name))));
  if (found?.kind === "folder") onShape?.({ kind: "folder", name, ...timeOf(found) });
}

/** One that leads out, by what it says, is what it leads to or nothing. */
function tellLink(
  { disk, onShape }: ScanOptions,
  opened: AnchoredDisk,
  name: SafeFileName,
): void {
  opened.use((folder) => {
    const path = join(folder, basename(name));
    const found = disk.examine(path);
    const target = found?.kind === "link" ? linkTarget(disk, path) : undefined;
    if (found === undefined || target === undefined || !isWithin(name, target)) return;
    onShape?.({ kind: "link", name, target, ...timeOf(found) });
  });
}

function linkTarget(disk: Disk, path: string): string | undefined {
  try {
    const target = disk.readLink(path).replaceAll(sep, "/");
    return target.includes(UNDECODABLE) ? undefined : target;
  } catch {
    return undefined;
  }
}

/** Whoever lists what is offered must not take it for all that there is. */
function leaveOut(
  { onLeftOut, onShape }: ScanOptions,
  name: SafeFileName | undefined,
  message: string,
): void {
  onLeftOut(message);
  if (name !== undefined) onShape?.({ kind: "leftOut", name });
}

function unreadable(options: ScanOptions, prefix: string): void {
  const folder = parseFileName(prefix.replace(/\/$/, ""));
  const message = `the folder ${displayName(prefix) || "itself"} cannot be read`;
  leaveOut(options, folder.ok ? folder.name : undefined, message);
}

function offerableName(options: ScanOptions, text: string): SafeFileName | undefined {
  if (isHiddenName(text) && !options.hidden) {
    const own = basename(text);
    if (own !== UPLOADS_FOLDER && !isStagingName(own)) options.onHidden();
    return undefined;
  }
  const parsed = parseFileName(text);
  if (parsed.ok) return parsed.name;
  options.onLeftOut(
    `${displayName(text)} is skipped: its name cannot be offered (${parsed.problem})`,
  );
  return undefined;
}

function isUnfinished(
  options: ScanOptions,
  opened: AnchoredDisk,
  name: SafeFileName,
): boolean {
  const { clock, dir } = options;
  const unfinished = unfinishedDownload(opened, dir, name, wallMs(clock));
  if (unfinished === "unsure") {
    leaveOut(
      options,
      name,
      `${
        displayName(name)
      } is skipped: it is named like an unfinished download; rename it to offer it`,
    );
  }
  return unfinished !== "no";
}

function readableFile(
  options: ScanOptions,
  opened: AnchoredDisk,
  name: SafeFileName,
): FileSignature | undefined {
  const found = inspectIn(options.disk, options.dir, opened, name);
  if (found.kind === "nothing") return undefined;
  if (found.kind === "file") {
    const { signature } = found;
    if (
      options.isKnown(name, signature) ||
      opened.use((folder) => canOpen(options.disk, join(folder, basename(name))))
    ) return signature;
  }
  const why = found.kind === "leftOut" ? found.why : "it cannot be read";
  leaveOut(options, name, `${displayName(name)} is skipped: ${why}`);
  return undefined;
}

function canOpen(disk: Disk, path: string): boolean {
  const opened = disk.openRegular(path, "follow");
  if (opened.ok) opened.file.close();
  return opened.ok;
}
