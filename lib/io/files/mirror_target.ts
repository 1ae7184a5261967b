/**
 * The folder that is made a mirror: what is in it, and how something is removed from it. Links are never followed, and
 * nothing is removed through one: each name is looked at and removed in its open folder, which is where its path says.
 */
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import type { ModificationTime } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { TargetEntry } from "../../protocol/folder/mirror_plan.ts";
import type { Clock } from "../system/clock.ts";
import { AnchoredDisk } from "./anchored_disk.ts";
import type { Disk, FileLook } from "./disk.ts";
import { isHiddenName } from "../../names.ts";
import { diskError } from "./disk_error.ts";
import { SCAN_TURN_MS } from "./limits.ts";

interface MirrorTargetOptions {
  readonly clock: Clock;
  readonly disk: Disk;
  /** The user's, and perhaps a link. */
  readonly outDir: string;
  /** `outDir` or below it. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

export class MirrorTarget {
  readonly #options: MirrorTargetOptions;

  constructor(options: MirrorTargetOptions) {
    this.#options = options;
  }

  /**
   * Everything below the folder but for what is in hidden folders; nothing where there is no folder.
   *
   * @throws ShoalError `not_writable` where the folder is a link or reached through one, `disk` where part of it cannot be read
   */
  async entries(): Promise<readonly TargetEntry[]> {
    const { clock, disk, folder, signal } = this.#options;
    if (disk.lookAt(folder) === undefined) return [];
    const found: TargetEntry[] = [];
    const prefixes = [""];
    let turnEndMs = clock.nowMs() + SCAN_TURN_MS;
    for (let prefix = prefixes.pop(); prefix !== undefined; prefix = prefixes.pop()) {
      const path = join(folder, prefix);
      const opened = this.#open(path);
      try {
        for (const { name: own, isFolder, isLink } of await entriesOf(opened, path)) {
          const name = prefix === "" ? own : `${prefix}/${own}`;
          const kind = isLink ? "link" : isFolder ? "folder" : "file";
          found.push({ name, kind });
          if (kind === "folder" && !isHiddenName(own)) prefixes.push(name);
        }
      } finally {
        opened.close();
      }
      if (clock.nowMs() < turnEndMs) continue;
      await clock.yieldToEvents();
      signal.throwIfAborted();
      turnEndMs = clock.nowMs() + SCAN_TURN_MS;
    }
    return found;
  }

  /** What has a name in the folder; `undefined` when nothing has, or it cannot be seen. */
  lookAt(name: string): FileLook | undefined {
    const { disk, folder } = this.#options;
    try {
      return disk.lookAt(join(folder, name));
    } catch {
      return undefined;
    }
  }

  /**
   * Removes one entry; of folders, empty ones alone. Returns where it was.
   *
   * @throws ShoalError `not_writable`, `disk`
   */
  remove({ name, kind }: TargetEntry): string {
    const path = join(this.#options.folder, name);
    const opened = this.#open(dirname(path));
    try {
      if (opened.lookAt(path)?.kind !== kind) {
        throw new ShoalError("not_writable", `${path} has been replaced in the meantime`);
      }
      opened.remove(path);
      return path;
    } catch (cause) {
      throw diskError(`cannot remove ${path}`, cause);
    } finally {
      opened.close();
    }
  }

  /** When a folder of it was modified; an empty name is the folder itself. Where that cannot be set, it stays. */
  setModified(name: string, time: ModificationTime): void {
    const path = join(this.#options.folder, name);
    try {
      const opened = this.#open(path);
      try {
        opened.setFolderModified(path, time);
      } finally {
        opened.close();
      }
    } catch {
      // A time that this disk cannot hold, or a folder that is gone.
    }
  }

  #open(path: string): AnchoredDisk {
    const { disk, outDir } = this.#options;
    return AnchoredDisk.open(disk, outDir, path, "refuse");
  }
}

async function entriesOf(opened: AnchoredDisk, path: string) {
  try {
    return await Array.fromAsync(opened.entriesIn(path));
  } catch (cause) {
    throw diskError(`cannot read the folder ${path}`, cause);
  }
}
