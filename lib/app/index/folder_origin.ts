/** A folder whose files are offered, with all that is below it, while it changes. */
import { SEPARATOR as sep } from "@std/path/constants";
import { join } from "@std/path/join";
import type { SafeFileName } from "../../ids.ts";
import type { Runtime } from "../../io/runtime.ts";
import {
  type Inspected,
  inspectFile,
  resolveFolder,
  scanFolder,
  type ScannedFile,
} from "../../io/files/folder_scan.ts";
import type { ContentPlace } from "../../protocol/base/served_file.ts";
import type { Origin, OriginScan } from "./origin.ts";

type FolderRuntime = Pick<Runtime, "clock" | "disk">;

interface FolderOriginOptions {
  readonly dir: string;
  /** Whether dot-names are offered. */
  readonly hidden: boolean;
}

export class FolderOrigin implements Origin {
  readonly names = undefined;
  /** Absolute, without links. */
  readonly uploadDir: string;
  readonly isFinal = false;
  readonly #runtime: FolderRuntime;
  readonly #hidden: boolean;

  private constructor(runtime: FolderRuntime, dir: string, hidden: boolean) {
    this.#runtime = runtime;
    this.uploadDir = dir;
    this.#hidden = hidden;
  }

  /** Throws ShoalError `folder` when `dir` is not a folder that may be read. */
  static async open(
    runtime: FolderRuntime,
    { dir, hidden }: FolderOriginOptions,
  ): Promise<FolderOrigin> {
    return new FolderOrigin(runtime, await resolveFolder(runtime.disk, dir), hidden);
  }

  scan(scan: OriginScan): AsyncIterable<ScannedFile> {
    const { clock, disk } = this.#runtime;
    return scanFolder({ clock, disk, dir: this.uploadDir, hidden: this.#hidden, ...scan });
  }

  inspect(name: SafeFileName): Inspected {
    return inspectFile(this.#runtime.disk, this.uploadDir, name);
  }

  placeOf(name: SafeFileName): ContentPlace {
    return { kind: "file", dir: this.uploadDir, name };
  }

  keyOf(name: SafeFileName): string {
    return join(this.uploadDir, name);
  }

  nameOf(key: string): SafeFileName | undefined {
    const prefix = join(this.uploadDir, sep);
    if (!key.startsWith(prefix)) return undefined;
    return key.slice(prefix.length).replaceAll(sep, "/") as SafeFileName;
  }

  watch(onHint: () => void): () => void {
    return this.#runtime.disk.watch(this.uploadDir, onHint);
  }

  close(): void {}
}
