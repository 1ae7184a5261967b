/**
 * Which files of a listing are in the target folder already. Small ones are compared with the listing itself, one after the
 * other: for each of thousands of files, a search, a layer and a look by the assembler would take much
 * longer than reading it. Whatever is not certain here is left to a search: what servers list differently, or not
 * all of them; what is large; what lies under another name.
 */
import { basename } from "@std/path/basename";
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import { hashHex, type SafeFileName } from "../../ids.ts";
import type { Disk } from "../../io/files/disk.ts";
import { removeLeftovers } from "../../io/files/present_file.ts";
import { rootOfSmallFile } from "../../io/files/small_file.ts";
import { targetNames } from "../../io/files/target_names.ts";
import { type OpenTarget, TargetFolders } from "../../io/files/target_folders.ts";
import type { Runtime } from "../../io/runtime.ts";
import { parseFileName } from "../../names.ts";
import type { DoneEvent, FileEvent } from "../events.ts";
import { PRESENT_CHECK_BYTES_MAX, PRESENT_SLICE_MS } from "./limits.ts";

interface PresentFilesOptions {
  readonly outDir: string;
  /** No more is looked at when it is aborted. */
  readonly signal: AbortSignal | undefined;
  readonly onPresent: (event: DoneEvent) => void;
}

interface Listed {
  readonly all: readonly FileEvent[];
  /** Those of them that are looked for. */
  readonly wanted: readonly FileEvent[];
}

type Certain = FileEvent & { readonly sha256: string };

/** Those that are there, by name; each is told when it is found. */
export async function presentFiles(
  { clock, disk }: Pick<Runtime, "clock" | "disk">,
  listed: Listed,
  { outDir, signal, onPresent }: PresentFilesOptions,
): Promise<ReadonlyMap<string, DoneEvent>> {
  const present = new Map<string, DoneEvent>();
  const startMs = clock.nowMs();
  const look = new FolderLook(disk, outDir);
  let turnMs = startMs;
  try {
    for (const file of certainOf(listed)) {
      const now = clock.nowMs();
      if (now - turnMs >= PRESENT_SLICE_MS) {
        await clock.yieldToEvents();
        turnMs = clock.nowMs();
      }
      if (signal?.aborted) break;
      const found = look.at(file);
      if (found === undefined) continue;
      const event: DoneEvent = {
        ...{ event: "done", name: file.name, ...found, size: file.size, sha256: file.sha256 },
        seconds: (clock.nowMs() - startMs) / 1000,
        ...{ resumedBytes: 0, savedBytes: 0, present: true, servers: [] },
      };
      present.set(file.name, event);
      onPresent(event);
    }
  } finally {
    look.close();
  }
  return present;
}

/** Of which every server that lists anything says the same. */
function certainOf({ all, wanted }: Listed): Certain[] {
  const servers = new Set<string>();
  const counts = new Map<string, number>();
  for (const file of all) {
    for (const server of file.servers) servers.add(server);
    counts.set(file.name, (counts.get(file.name) ?? 0) + 1);
  }
  return wanted.filter((file): file is Certain =>
    file.sha256 !== undefined && counts.get(file.name) === 1 &&
    file.servers.length === servers.size && file.size <= PRESENT_CHECK_BYTES_MAX
  );
}

/** The folder is opened for all of its files. */
const NO_TAG = "0".repeat(8);

/** Looks at files one after the other, in folders that are there. */
class FolderLook {
  readonly #disk: Disk;
  readonly #outDir: string;
  readonly #folders: TargetFolders;
  readonly #scratch = new Uint8Array(PRESENT_CHECK_BYTES_MAX + 1);
  /** The last one stays open: names of one folder follow one another. */
  #folder: string | undefined;
  #place: OpenTarget | undefined;
  /** What is in it. */
  #names: ReadonlySet<string> = new Set();

  constructor(disk: Disk, outDir: string) {
    this.#disk = disk;
    this.#outDir = outDir;
    this.#folders = new TargetFolders(disk);
  }

  at({ name, size, sha256 }: Certain): Pick<DoneEvent, "path" | "root"> | undefined {
    const parsed = parseFileName(name);
    if (!parsed.ok) return undefined;
    try {
      const place = this.#placeOf(parsed.name);
      const base = basename(parsed.name);
      if (place === undefined || !this.#names.has(base)) return undefined;
      const { folder } = place.names;
      const path = join(folder, base);
      const root = rootOfSmallFile(place.disk, path, hashHex(sha256), size, this.#scratch);
      if (root === undefined) return undefined;
      const names = targetNames(place.disk, folder, base, root.slice(0, 8));
      const left = [names.partPath, names.journalPath];
      if (left.some((each) => this.#names.has(basename(each)))) removeLeftovers(place.disk, names);
      return { path, root };
    } catch {
      // Whoever fetches it says what is wrong.
      return undefined;
    }
  }

  close(): void {
    this.#place?.close();
    this.#place = undefined;
  }

  /** Nothing is made: where there is no folder, there is no file. */
  #placeOf(name: SafeFileName): OpenTarget | undefined {
    const folder = dirname(join(this.#outDir, name));
    if (folder === this.#folder) return this.#place;
    this.close();
    this.#folder = folder;
    if (!this.#disk.isFolder(folder)) return undefined;
    const place = this.#place = this.#folders.open(this.#outDir, name, NO_TAG);
    this.#names = new Set(place.disk.namesIn(place.names.folder));
    return place;
  }
}
