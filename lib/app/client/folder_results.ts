/** Which files of a folder are here by now: told one by one, kept in a few bytes each, and made into events again at the end. */
import { FolderPaths } from "../../folder_paths.ts";
import type { SafeFileName } from "../../ids.ts";
import type { TreeFile } from "../../wire/manifest.ts";
import type { DoneEvent, GetEvent } from "../events.ts";
import { usualPath } from "../usual_path.ts";

interface FolderResultsOptions {
  /** The folder as the user wrote it. */
  readonly folder: string;
  readonly outDir: string;
  /** What a file of it is called below that. */
  readonly nameOf: (file: TreeFile) => SafeFileName;
  readonly emit: (event: GetEvent) => void;
}

export class FolderResults {
  readonly #options: FolderResultsOptions;
  readonly #usual: FolderPaths;
  readonly #positions = new Map<string, number>();
  readonly #files: TreeFile[] = [];
  readonly #seconds: number[] = [];
  readonly #present = new Set<number>();
  /** Of files that are not under their own names. */
  readonly #paths = new Map<number, string>();
  /** What was there before. */
  presentFiles = 0;
  presentBytes = 0;

  constructor(options: FolderResultsOptions) {
    this.#options = options;
    this.#usual = new FolderPaths(options.outDir);
  }

  /** How many files there are. */
  get count(): number {
    return this.#files.length;
  }

  /** Bytes of all of them. */
  get bytes(): number {
    return this.#files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  has(name: string): boolean {
    return this.#positions.has(name);
  }

  /**
   * A file is there, in the place of an earlier one of its name.
   *
   * @param seconds since the folder was asked for
   */
  add(file: TreeFile, path: string, seconds: number, isPresent: boolean): void {
    const position = this.#positions.get(file.name) ?? this.#files.length;
    this.#positions.set(file.name, position);
    this.#files[position] = file;
    this.#seconds[position] = seconds;
    if (isPresent) this.#present.add(position);
    else this.#present.delete(position);
    if (path === this.usualPathOf(file)) this.#paths.delete(position);
    else this.#paths.set(position, path);
    if (isPresent) {
      this.presentFiles += 1;
      this.presentBytes += file.sizeBytes;
    }
    this.#options.emit(this.#eventOf(position));
  }

  /** One event a file. */
  events(): DoneEvent[] {
    return this.#files.map((_, position) => this.#eventOf(position));
  }

  /** Where a file is that its own name leads to. */
  usualPathOf(file: TreeFile): string {
    return this.#usual.of(this.#options.nameOf(file));
  }

  #eventOf(position: number): DoneEvent {
    const { folder, outDir, nameOf } = this.#options;
    const file = this.#files[position]!;
    const { sizeBytes: size, sha256, root } = file;
    const [name, found] = [nameOf(file), this.#paths.get(position)];
    return {
      ...{ event: "done", name, folder, path: found ?? this.usualPathOf(file) },
      ...(found !== undefined && usualPath(outDir, name, found)),
      ...{ size, sha256, root, seconds: this.#seconds[position]!, resumedBytes: 0, savedBytes: 0 },
      ...{ present: this.#present.has(position), servers: NOBODY },
    };
  }
}

/** Who brought a file of a folder is told of the whole. */
const NOBODY: DoneEvent["servers"] = [];
