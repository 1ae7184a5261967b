/**
 * The end of a mirror: what is in the target and no server has is removed, one by one, and each is told. Nothing is where
 * it is not certain that no server has it. A dry run finds the same and tells it, and does nothing.
 */
import { SEPARATOR as sep } from "@std/path/constants";
import { basename } from "@std/path/basename";
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import { relative } from "@std/path/relative";
import { isSameTime, type ModificationTime, type SafeFileName, timeOf } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { Disk, FileLook } from "../../io/files/disk.ts";
import { MirrorTarget } from "../../io/files/mirror_target.ts";
import { TargetLook } from "../../io/files/target_look.ts";
import { likelyPath, type NameRules, numberedNames } from "../../io/files/target_names.ts";
import type { Clock } from "../../io/system/clock.ts";
import { StreamingHash } from "../../protocol/base/sha256.ts";
import { UNIT_BYTES_MAX } from "../../protocol/folder/limits.ts";
import { comparedNames, planMirror, type TargetEntry } from "../../protocol/folder/mirror_plan.ts";
import type { TreeEntry, TreeFile } from "../../wire/manifest.ts";
import type { ChangeEvent, FolderEvent, GetEvent } from "../events.ts";
import { usualPath } from "../usual_path.ts";
import type { ReadManifest } from "./read_manifests.ts";
import { PRESENT_SLICE_MS } from "./limits.ts";

interface FolderMirrorOptions {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly emit: (event: GetEvent) => void;
  /** The folder as the user wrote it. */
  readonly name: string;
  readonly outDir: string;
  /** What is fetched into. */
  readonly target: string;
  /** What a file of the folder is called below `outDir`. */
  readonly nameOf: (file: TreeFile) => SafeFileName;
  readonly rules: NameRules;
  readonly isDryRun: boolean;
  readonly signal: AbortSignal;
}

/** What a folder is to be, and what is not there yet. */
export interface WantedTree {
  /** What says so. */
  readonly manifests: readonly ReadManifest[];
  readonly merged: readonly TreeEntry[];
  /** Whether every manifest names all of it. */
  readonly isComplete: boolean;
  readonly missing: readonly TreeFile[];
  /** Names whose file an earlier run wrote, and nobody has touched. */
  readonly ours: ReadonlySet<string>;
}

export const NOTHING_WANTED: WantedTree = {
  ...{ manifests: [], merged: [], isComplete: false, missing: [], ours: new Set() },
};

export class FolderMirror {
  readonly #options: FolderMirrorOptions;
  readonly #target: MirrorTarget;
  /** Where something of the folder is, relative to the target. */
  readonly #kept = new Set<string>();

  constructor(options: FolderMirrorOptions) {
    const { clock, disk, outDir, target: folder, signal } = options;
    this.#options = options;
    this.#target = new MirrorTarget({ clock, disk, outDir, folder, signal });
  }

  /** Something of the folder is at that path, which its name need not say. */
  keep(path: string): void {
    this.#kept.add(relative(this.#options.target, path).replaceAll(sep, "/"));
  }

  /**
   * Removes what is neither listed nor kept; returns the names, relative to the target. What cannot be removed is told
   * and stays. A dry run removes nothing, and returns what would be.
   *
   * @param doubt why something may exist that is not listed: then nothing is removed
   */
  async remove(
    wanted: WantedTree,
    doubt: string | undefined,
  ): Promise<readonly string[]> {
    const { clock, name, isDryRun, signal } = this.#options;
    if (doubt !== undefined) {
      this.#warn(`nothing is removed of '${name}': ${doubt}`);
      return [];
    }
    const removed: string[] = [];
    let turnEndMs = clock.nowMs() + PRESENT_SLICE_MS;
    for (
      const entry of await this.#strays([...wanted.merged.map((each) => each.name), ...this.#kept])
    ) {
      if (clock.nowMs() >= turnEndMs) {
        await clock.yieldToEvents();
        turnEndMs = clock.nowMs() + PRESENT_SLICE_MS;
      }
      if (signal.aborted) break;
      if (isDryRun || this.#isRemoved(entry)) {
        removed.push(entry.name);
        this.#tell("remove", join(this.#options.target, entry.name));
      }
    }
    if (!isDryRun) this.#restoreTimes(wanted, removed);
    return removed;
  }

  /** Says what would be fetched, and how much that and the rest is. */
  async planned(
    { missing, ours }: WantedTree,
    replaces: boolean,
    removed: number,
  ): Promise<Required<FolderEvent>["planned"]> {
    const { disk, outDir, nameOf, rules } = this.#options;
    const planned = { fetch: 0, replace: 0, remove: removed, bytes: 0 };
    using look = new TargetLook(disk, outDir, rules);
    for (const file of missing) {
      const name = nameOf(file);
      const path = look.at(name)?.path ?? likelyPath(outDir, name, rules);
      if (await this.#isLongPresent(path, file)) continue;
      const isReplaced = (replaces || ours.has(file.name)) && isThere(disk, path);
      const free = isReplaced ? path : freePath(disk, path);
      const usual = usualPath(outDir, name, free);
      this.#tell(isReplaced ? "replace" : "fetch", free, { size: file.sizeBytes, ...usual });
      planned[isReplaced ? "replace" : "fetch"] += 1;
      planned.bytes += file.sizeBytes;
    }
    return planned;
  }

  /** Long files are for those who fetch them to compare: here nobody does. */
  async #isLongPresent(path: string, { sizeBytes, sha256 }: TreeFile): Promise<boolean> {
    const { clock, disk, signal } = this.#options;
    if (sizeBytes <= UNIT_BYTES_MAX) return false;
    const opened = disk.openRegular(path, "refuse");
    if (!opened.ok) return false;
    try {
      if (opened.file.identity()?.signature.sizeBytes !== sizeBytes) return false;
      const bytes = new Uint8Array(UNIT_BYTES_MAX);
      const hash = new StreamingHash();
      for (let at = 0; at < sizeBytes && !signal.aborted;) {
        const count = opened.file.readAt(bytes, 0, Math.min(bytes.length, sizeBytes - at), at);
        if (count === 0) return false;
        hash.update(bytes.subarray(0, count));
        at += count;
        await clock.yieldToEvents();
      }
      return hash.digestHex() === sha256;
    } finally {
      opened.file.close();
    }
  }

  async #strays(listed: Iterable<string>): Promise<readonly TargetEntry[]> {
    const found = await this.#target.entries();
    const { strays, unspelled } = comparedNames(found, listed);
    if (strays.length === 0) return [];
    const looks = unspelled.flatMap((name) => this.#target.lookAt(name) ?? []);
    const aliases = new Set(looks.map(identityOf));
    const removable = strays.filter(({ name }) => {
      const look = this.#target.lookAt(name);
      if (look === undefined || look.kind === "special") return false;
      // Where files have no numbers, what is listed may be any of them.
      return look.inode === 0 ? aliases.size === 0 : !aliases.has(identityOf(look));
    });
    return planMirror(found, new Set(removable.map(({ name }) => name)));
  }

  /** To remove something from a folder has changed its time. */
  #restoreTimes(wanted: WantedTree, removed: readonly string[]): void {
    const changed = new Set(
      removed.map((name) => name.slice(0, Math.max(0, name.lastIndexOf("/")))),
    );
    for (const { name, ...time } of folderTimes(wanted)) {
      if (changed.has(name)) this.#target.setModified(name, time);
    }
  }

  #isRemoved(entry: TargetEntry): boolean {
    try {
      this.#target.remove(entry);
      return true;
    } catch (thrown) {
      this.#warn(`not removed: ${ShoalError.from(thrown).message}`);
      return false;
    }
  }

  #tell(
    action: ChangeEvent["action"],
    path: string,
    about: Pick<ChangeEvent, "size" | "usualPath"> = {},
  ): void {
    const { emit, name: folder, isDryRun } = this.#options;
    emit({ event: "change", action, isDone: !isDryRun, folder, path, ...about });
  }

  #warn(message: string): void {
    this.#options.emit({ event: "notice", level: "warning", message });
  }
}

/** When a folder was modified. */
interface FolderTime extends ModificationTime {
  /** Empty for the one that all others are in. */
  readonly name: string;
}

/** What a server says of a folder that is none. */
const NO_TIME: ModificationTime = { mtimeMs: 0 };

/** When the folders in it were modified; it itself, whose name is empty, before all that are in it, where that is known. */
export function folderTimes(
  { manifests, merged }: Pick<WantedTree, "manifests" | "merged">,
): readonly FolderTime[] {
  const own = timeOf(manifests[0]?.offers[0] ?? NO_TIME);
  const folders = merged.flatMap((entry) =>
    entry.kind === "folder" ? { name: entry.name, ...timeOf(entry) } : []
  );
  return isSameTime(own, NO_TIME) ? folders : [{ name: "", ...own }, ...folders];
}

function identityOf({ device, inode }: FileLook): string {
  return `${device}:${inode}`;
}

/** The name that a file gets which must replace nothing: its own, or the first numbered one that is free. */
function freePath(disk: Disk, path: string): string {
  for (const base of numberedNames(basename(path))) {
    const each = join(dirname(path), base);
    if (!isThere(disk, each)) return each;
  }
  return path;
}

function isThere(disk: Disk, path: string): boolean {
  try {
    return disk.lookAt(path) !== undefined;
  } catch {
    return false;
  }
}
