/**
 * The part file of a classic download. It has no journal, because nothing in it is verified
 * before the whole file is. If it does not become the target, it is removed.
 */
import { join } from "@std/path/join";
import type { Bytes, HashHex, SafeFileName } from "../../ids.ts";
import { MIB } from "../../limits.ts";
import type { FileRules } from "../../messages/assembler_worker.ts";
import { StreamingHash } from "../../protocol/base/sha256.ts";
import { type Clock, wallMs } from "../system/clock.ts";
import type { Runtime } from "../runtime.ts";
import { FileTarget } from "./file_target.ts";
import { findPresent } from "./present_file.ts";
import { type OpenTarget, TargetFolders } from "./target_folders.ts";
import type { OnTaken } from "../../protocol/download/target_messages.ts";
import type { WrittenFiles } from "./written_files.ts";

export interface PublishedFile {
  readonly path: string;
  /** Whether the identical file was there already. */
  readonly isPresent: boolean;
}

/** Where it goes, and how it is written. */
export interface ClassicTargetOptions extends FileRules {
  readonly outDir: string;
  /** What the file is called there, if that is not for its name to say. */
  readonly savedAs?: SafeFileName | undefined;
  readonly onTaken: OnTaken;
  /** What is not replaced. */
  readonly written: WrittenFiles;
}

export class ClassicTarget {
  readonly #clock: Clock;
  readonly #place: OpenTarget;
  readonly #target: FileTarget;
  readonly #options: ClassicTargetOptions;
  readonly #discarded = new AbortController();
  #isSpaceChecked = false;

  /**
   * @param digest hex digits that tell this content from others
   *
   * Throws as {@linkcode TargetFolders.open} and {@linkcode FileTarget.open} do.
   */
  constructor(
    { clock, disk }: Pick<Runtime, "clock" | "disk">,
    name: SafeFileName,
    digest: string,
    options: ClassicTargetOptions,
  ) {
    this.#clock = clock;
    this.#options = options;
    this.#place = new TargetFolders(disk, options).open(
      options.outDir,
      options.savedAs ?? name,
      digest.slice(0, 8),
    );
    try {
      this.#target = FileTarget.open(this.#place.disk, this.#place.names, options);
      this.#target.clear();
    } catch (error) {
      this.#place.close();
      throw error;
    }
  }

  /**
   * @param sizeBytes what the whole file will take, as far as is known
   * @throws ShoalError `disk_full`, `not_writable`, `disk`
   */
  write(bytes: Uint8Array, offset: number, sizeBytes: number): void {
    if (!this.#isSpaceChecked) this.#target.requireSpace(sizeBytes);
    this.#isSpaceChecked = true;
    this.#target.write(bytes, offset);
  }

  /** What was written is of no use. */
  clear(): void {
    this.#target.clear();
  }

  /**
   * Gives the file its name if its content is what `sha256` says. `undefined` if it is not, or if it
   * was discarded meanwhile.
   */
  async publish(sizeBytes: number, sha256: HashHex): Promise<PublishedFile | undefined> {
    const { signal } = this.#discarded;
    if (await this.#hash(sizeBytes) !== sha256 || signal.aborted) return undefined;
    const { disk, names } = this.#place;
    const { written, onTaken } = this.#options;
    const mayReplace = (): boolean =>
      onTaken === "replace" && !written.holds(join(names.folder, names.base));
    const force = onTaken === "refuse" || mayReplace();
    const present = await findPresent(
      this.#clock,
      disk,
      names,
      { sizeBytes, sha256, force },
      signal,
    );
    if (signal.aborted) return undefined;
    if (present !== undefined) {
      this.discard();
      return { path: present, isPresent: true };
    }
    // Classic servers send no modification time: the file gets the time of its arrival.
    await this.#target.seal({ mtimeMs: Math.floor(wallMs(this.#clock)) });
    if (signal.aborted) return undefined;
    const isNumbered = onTaken === "replace" && !(force && mayReplace());
    const path = this.#target.publish(isNumbered ? "number" : onTaken);
    if (onTaken === "replace") written.add(path);
    await disk.syncFolder(names.folder);
    this.#place.close();
    return { path, isPresent: false };
  }

  /** Removes what was not published. */
  discard(): void {
    this.#discarded.abort();
    try {
      this.#target.discard();
    } finally {
      this.#place.close();
    }
  }

  async #hash(sizeBytes: number): Promise<string | undefined> {
    const hash = new StreamingHash();
    const buffer: Bytes = new Uint8Array(MIB);
    for (let at = 0; at < sizeBytes;) {
      const wanted = buffer.subarray(0, Math.min(buffer.length, sizeBytes - at));
      const count = this.#target.read(wanted, at);
      if (count === 0) return undefined;
      hash.update(wanted.subarray(0, count));
      at += count;
      await this.#clock.yieldToEvents();
      if (this.#discarded.signal.aborted) return undefined;
    }
    return hash.digestHex();
  }
}
