/**
 * The folder of unfinished uploads, and what was left in it. A part is named for the party that sends it and for what
 * it sends, so that nobody else's attempt touches it, and whose it is can be told after a restart.
 */
import { join } from "@std/path/join";
import { partyOf } from "../../address.ts";
import { type SafeFileName, toHex } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { displayName, UPLOADS_FOLDER } from "../../names.ts";
import { sha256 } from "../../protocol/base/sha256.ts";
import type { Disk } from "../files/disk.ts";
import { AnchoredDisk } from "../files/anchored_disk.ts";
import { FileTarget } from "../files/file_target.ts";
import type { Runtime } from "../runtime.ts";
import type { RandomSource } from "../system/random_source.ts";

/** Party and upload; one that nobody can resume says so. */
const PART_NAME = /^(([0-9a-f]{16})-[0-9a-f]{32}(\.once)?)\.part$/;
const utf8 = new TextEncoder();

interface FoundPart {
  readonly tag: string;
  readonly party: string;
  readonly bytes: number;
  readonly changedMs: number;
}

/** A part that is written now, and by nobody else. Release it. */
export interface OpenPart {
  readonly tag: string;
  readonly target: FileTarget;
  /** Nothing is done with the target any more. */
  readonly release: () => void;
  /** Whether what is left of it may be resumed. */
  readonly isResumable: boolean;
}

interface PartRequest {
  readonly name: SafeFileName;
  readonly sizeBytes: number;
  readonly isResumable: boolean;
}

/** Whom parts and stored files are counted for: equal for one party, and no address that a file could give away. */
export function uploadParty(address: string): string {
  return digestOf(`party\n${partyOf(address)}`, 16);
}

export class PartFolder {
  readonly path: string;
  readonly #random: RandomSource;
  readonly #disk: Disk;
  readonly #dir: string;

  /** @param dir the served folder, absolute */
  constructor({ random, disk }: Pick<Runtime, "random" | "disk">, dir: string) {
    this.#random = random;
    this.#disk = disk;
    this.#dir = dir;
    this.path = join(dir, UPLOADS_FOLDER);
  }

  /** What there is, what is being written now included. */
  found(): FoundPart[] {
    return this.within((disk) =>
      this.#names(disk).flatMap((name) => {
        const [, tag, party] = PART_NAME.exec(name) ?? [];
        if (tag === undefined || party === undefined) return [];
        const look = this.#lookAt(disk, name);
        return look === undefined ? [] : [{ tag, party, ...look }];
      })
    ) ?? [];
  }

  /** How much there is to go on with. */
  bytesOf(tag: string): number {
    return this.within((disk) => this.#lookAt(disk, `${tag}.part`)?.bytes) ?? 0;
  }

  /** Removes what nobody can resume and nobody writes: a run was cut off. */
  removeUseless(): void {
    this.within((disk) => {
      for (const name of this.#names(disk)) {
        const once = PART_NAME.exec(name)?.[3];
        const isUseless = name.endsWith(".part") && (once !== undefined || !PART_NAME.test(name));
        if (isUseless) this.#removeNamed(disk, name);
      }
    });
  }

  /** `false` if somebody writes it, or it cannot be removed. */
  remove(tag: string): boolean {
    return this.within((disk) => this.#removeNamed(disk, `${tag}.part`)) ?? false;
  }

  /** The tag of what `party` may resume. */
  tagOf(party: string, { name, sizeBytes }: PartRequest): string {
    return `${party}-${digestOf(`${sizeBytes}\n${name}`, 32)}`;
  }

  /**
   * The part of this upload, or one of its own where another upload holds that one.
   *
   * @throws ShoalError `not_writable`, `disk_full`, `disk`
   */
  open(party: string, request: PartRequest): OpenPart {
    this.make();
    const disk = this.#opened();
    const release = (): void => disk.close();
    try {
      const tag = this.tagOf(party, request);
      const shared = request.isResumable ? this.#unlessBusy(disk, `${tag}.part`) : undefined;
      if (shared !== undefined) return { tag, target: shared, isResumable: true, release };
      const ownTag = `${party}-${toHex(this.#random.bytes(16))}.once`;
      const target = this.#target(disk, `${ownTag}.part`);
      return { tag: ownTag, target, isResumable: false, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** @throws ShoalError `not_writable` */
  make(): void {
    try {
      const above = AnchoredDisk.open(this.#disk, this.#dir, this.#dir, "inside");
      try {
        above.makePrivateFolder(this.path);
      } finally {
        above.close();
      }
    } catch (cause) {
      const message = `${displayName(UPLOADS_FOLDER)} cannot be made`;
      throw new ShoalError("not_writable", message, { cause });
    }
  }

  /** Does `work` in the open folder, unless it is not there, is a link, or fails: `undefined` then. */
  within<T>(work: (disk: AnchoredDisk) => T): T | undefined {
    let disk: AnchoredDisk | undefined;
    try {
      disk = this.#opened();
      return work(disk);
    } catch {
      return undefined;
    } finally {
      disk?.close();
    }
  }

  /** Never through a link. */
  #opened(): AnchoredDisk {
    return AnchoredDisk.open(this.#disk, this.#dir, this.path, "refuse");
  }

  #unlessBusy(disk: Disk, name: string): FileTarget | undefined {
    try {
      return this.#target(disk, name);
    } catch (error) {
      if (ShoalError.from(error).code === "busy_target") return undefined;
      throw error;
    }
  }

  #target(disk: Disk, name: string): FileTarget {
    const path = join(this.path, name);
    const names = { folder: this.path, base: name, partPath: path, journalPath: path };
    return FileTarget.open(disk, names);
  }

  #removeNamed(disk: AnchoredDisk, name: string): boolean {
    try {
      if (this.#lookAt(disk, name) !== undefined) this.#target(disk, name).discard();
      return true;
    } catch {
      return false;
    }
  }

  #names(disk: AnchoredDisk): string[] {
    return [...disk.namesIn(this.path)];
  }

  #lookAt(
    disk: AnchoredDisk,
    name: string,
  ): { readonly bytes: number; readonly changedMs: number } | undefined {
    const signature = disk.examine(join(this.path, name))?.signature;
    return signature && { bytes: signature.sizeBytes, changedMs: signature.mtimeMs };
  }
}

function digestOf(text: string, digits: number): string {
  return toHex(sha256(utf8.encode(text))).slice(0, digits);
}
