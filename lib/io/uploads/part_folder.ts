/**
 * The folder of unfinished uploads, and what was left in it. A part is named for the party that sends it and for what
 * it sends, so that nobody else's attempt touches it, and whose it is can be told after a restart.
 */
import { join } from "@std/path";
import { partyOf } from "../../address.ts";
import { type SafeFileName, toHex } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { displayName } from "../../names.ts";
import { sha256 } from "../../protocol/base/sha256.ts";
import type { Disk } from "../files/disk.ts";
import { FileTarget } from "../files/file_target.ts";
import { randomBytes } from "../system/random_source.ts";

/** Below the served folder; its dot hides it, and what has one of its endings is never offered at all. */
export const UPLOAD_FOLDER = ".shoal-uploads";
/** Party and upload; one that nobody can resume says so. */
const PART_NAME = /^(([0-9a-f]{16})-[0-9a-f]{32}(\.once)?)\.part$/;
const utf8 = new TextEncoder();

export interface FoundPart {
  readonly tag: string;
  readonly party: string;
  readonly bytes: number;
  readonly changedMs: number;
}

/** A part that is written now, and by nobody else. */
export interface OpenPart {
  readonly tag: string;
  readonly target: FileTarget;
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
  readonly #disk: Disk;

  /** @param dir the served folder, absolute */
  constructor(disk: Disk, dir: string) {
    this.#disk = disk;
    this.path = join(dir, UPLOAD_FOLDER);
  }

  /** What there is, what is being written now included. */
  found(): FoundPart[] {
    return this.#names().flatMap((name) => {
      const [, tag, party] = PART_NAME.exec(name) ?? [];
      if (tag === undefined || party === undefined) return [];
      const look = this.#lookAt(name);
      return look === undefined ? [] : [{ tag, party, ...look }];
    });
  }

  /** How much there is to go on with. */
  bytesOf(tag: string): number {
    return this.#lookAt(`${tag}.part`)?.bytes ?? 0;
  }

  /** Removes what nobody can resume and nobody writes: a run was cut off. */
  removeUseless(): void {
    for (const name of this.#names()) {
      const once = PART_NAME.exec(name)?.[3];
      const isUseless = name.endsWith(".part") && (once !== undefined || !PART_NAME.test(name));
      if (isUseless) this.#removeNamed(name);
    }
  }

  /** `false` if somebody writes it, or it cannot be removed. */
  remove(tag: string): boolean {
    return this.#removeNamed(`${tag}.part`);
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
    if (request.isResumable) {
      const tag = this.tagOf(party, request);
      try {
        return { tag, target: this.#target(`${tag}.part`), isResumable: true };
      } catch (error) {
        if (ShoalError.from(error).code !== "busy_target") throw error;
      }
    }
    const tag = `${party}-${toHex(randomBytes(16))}.once`;
    return { tag, target: this.#target(`${tag}.part`), isResumable: false };
  }

  /** @throws ShoalError `not_writable` */
  make(): void {
    try {
      Deno.mkdirSync(this.path, { recursive: true, mode: 0o700 });
    } catch (cause) {
      const message = `${displayName(UPLOAD_FOLDER)} cannot be made`;
      throw new ShoalError("not_writable", message, { cause });
    }
  }

  #target(name: string): FileTarget {
    const path = join(this.path, name);
    const names = { folder: this.path, base: name, partPath: path, journalPath: path };
    return FileTarget.open(this.#disk, names);
  }

  #removeNamed(name: string): boolean {
    try {
      if (this.#lookAt(name) !== undefined) this.#target(name).discard();
      return true;
    } catch {
      return false;
    }
  }

  /** None where there is no such folder. */
  #names(): string[] {
    try {
      return [...Deno.readDirSync(this.path)].map(({ name }) => name);
    } catch {
      return [];
    }
  }

  #lookAt(name: string): { readonly bytes: number; readonly changedMs: number } | undefined {
    try {
      const { size, mtime, isFile } = Deno.lstatSync(join(this.path, name));
      return isFile ? { bytes: size, changedMs: mtime?.getTime() ?? 0 } : undefined;
    } catch {
      return undefined;
    }
  }
}

function digestOf(text: string, digits: number): string {
  return toHex(sha256(utf8.encode(text))).slice(0, digits);
}
