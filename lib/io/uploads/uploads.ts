/**
 * Unfinished uploads: one hidden part file each, in a separate folder below the served one,
 * hashed while it grows, and renamed when it is complete and verified. Interrupted ones are kept for a
 * while, so that the same client can resume it.
 */
import { basename, join } from "@std/path";
import { type Bytes, type HashHex, hashHex, type SafeFileName, toHex } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { UPLOAD_BUFFER_BYTES } from "../hash/limits.ts";
import { UPLOAD_KEEP_MS, UPLOAD_SWEEP_MS } from "./limits.ts";
import { displayName } from "../../names.ts";
import type { BodyRead, Framing } from "../../protocol/session/dialogue.ts";
import { sha256, StreamingHash } from "../../protocol/base/sha256.ts";
import { sizeText } from "../../sizes.ts";
import { BodyFrames } from "../../wire/session_json.ts";
import { nowMs, WakeupTimer, wallMs, yieldToEvents } from "../system/clock.ts";
import type { Digests, StreamDigests } from "../hash/digests.ts";
import type { Disk } from "../files/disk.ts";
import { FileTarget } from "../files/file_target.ts";
import { findPresent } from "../files/present_file.ts";
import { randomBytes } from "../system/random_source.ts";
import { ConnectionLost, type SessionConnection } from "../net/session_connection.ts";
import { requireFolders, targetNames } from "../files/target_names.ts";

/** Below the served folder; its dot hides it, and `.part` files are never offered at all. */
export const UPLOAD_FOLDER = ".shoal-uploads";

export interface UploadRequest {
  readonly name: SafeFileName;
  readonly sizeBytes: number;
  /** Now, if not given. */
  readonly mtimeMs: number | undefined;
  readonly isResumable: boolean;
}

/** An upload that has its name now. */
export interface StoredUpload extends StreamDigests {
  readonly sha256: HashHex;
  /** Its name below the served folder, which may be another than was asked for. */
  readonly name: SafeFileName;
  /** Whether the same file was there already, so that nothing was stored. */
  readonly isPresent: boolean;
}

export interface UploadsOptions {
  readonly disk: Disk;
  /** The served folder, absolute. */
  readonly dir: string;
  /** What all uploads of this server's life may take; Infinity for no such bound. */
  readonly quotaBytes: number;
  /** Whether there are uploads at all; if not, nothing of the folder is touched. */
  readonly isOpen: boolean;
  readonly digests: Digests;
}

export class Uploads {
  readonly #options: UploadsOptions;
  readonly #open = new Set<Upload>();
  readonly #sweeper = new WakeupTimer(() => this.#sweep());
  /** Of uploads that were stored. */
  #storedBytes = 0;

  constructor(options: UploadsOptions) {
    this.#options = options;
    if (options.isOpen) this.#sweep();
  }

  /** Begins an upload. Throws ShoalError, with a message for the peer, if it cannot be taken. */
  async begin(request: UploadRequest): Promise<Upload> {
    const { quotaBytes, disk, dir, digests } = this.#options;
    let awaitedBytes = 0;
    for (const upload of this.#open) awaitedBytes += upload.missingBytes;
    if (this.#storedBytes + awaitedBytes + request.sizeBytes > quotaBytes) {
      const leftBytes = Math.max(0, quotaBytes - this.#storedBytes - awaitedBytes);
      throw new ShoalError(
        "disk_full",
        `this server accepts no more than ${sizeText(leftBytes)} now (--upload-quota)`,
      );
    }
    try {
      requireFolders(disk, dir, request.name);
    } catch (cause) {
      const why = "a folder of it is something else here, or leads elsewhere";
      throw new ShoalError("not_writable", `${displayName(request.name)}: ${why}`, { cause });
    }
    const upload = new Upload(disk, dir, request, digests, (stored) => {
      this.#open.delete(upload);
      if (stored) this.#storedBytes += request.sizeBytes;
    });
    this.#open.add(upload);
    try {
      upload.requireSpace(awaitedBytes);
      await upload.resume();
      return upload;
    } catch (error) {
      upload.abandon();
      throw error;
    }
  }

  /** Releases everything; what can be resumed stays. */
  close(): void {
    this.#sweeper.clear();
    for (const upload of [...this.#open]) upload.abandon();
  }

  /** Removes what nobody has resumed for long enough. */
  #sweep(): void {
    this.#sweeper.set(nowMs() + UPLOAD_SWEEP_MS);
    const folder = join(this.#options.dir, UPLOAD_FOLDER);
    try {
      for (const { name } of [...Deno.readDirSync(folder)]) {
        const path = join(folder, name);
        const { mtime } = Deno.lstatSync(path);
        if (wallMs() - (mtime?.getTime() ?? 0) < UPLOAD_KEEP_MS) continue;
        FileTarget.open(this.#options.disk, {
          folder,
          base: name,
          partPath: path,
          journalPath: path,
        })
          .discard();
      }
    } catch {
      // There is no such folder, or what is in it is being written.
    }
  }
}

/** One upload. Ends with {@linkcode Upload.store} or {@linkcode Upload.abandon}. */
export class Upload {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #request: UploadRequest;
  readonly #digests: Digests;
  readonly #onEnd: (isStored: boolean) => void;
  readonly #target: FileTarget;
  readonly #isResumable: boolean;
  #sha256 = new StreamingHash();
  #job: number;
  /** How much is there, hashed and written. */
  #atBytes = 0;
  #isEnded = false;

  constructor(
    disk: Disk,
    dir: string,
    request: UploadRequest,
    digests: Digests,
    onEnd: (isStored: boolean) => void,
  ) {
    this.#disk = disk;
    this.#dir = dir;
    this.#request = request;
    this.#digests = digests;
    this.#onEnd = onEnd;
    const { target, isResumable } = openPart(disk, dir, request);
    this.#target = target;
    this.#isResumable = isResumable;
    this.#job = digests.begin(request.sizeBytes);
  }

  get sizeBytes(): number {
    return this.#request.sizeBytes;
  }

  get missingBytes(): number {
    return this.#request.sizeBytes - this.#atBytes;
  }

  /** How much an earlier attempt left; the body may continue here, or start at 0. */
  get offset(): number {
    return this.#atBytes;
  }

  /** What that hashes to. */
  get prefixSha256(): HashHex {
    return hashHex(this.#sha256.digestSoFarHex());
  }

  /** Throws ShoalError `disk_full` if it will not fit beside what others still send. */
  requireSpace(awaitedBytes: number): void {
    this.#target.requireSpace(this.missingBytes + awaitedBytes);
  }

  /** Hashes what an earlier try left. */
  async resume(): Promise<void> {
    const { sizeBytes } = this.#request;
    const leftBytes = this.#isResumable ? this.#target.lengthBytes : 0;
    if (leftBytes === 0 || leftBytes > sizeBytes) return this.#target.clear();
    while (this.#atBytes < leftBytes) {
      const buffer = await this.#digests.buffer();
      const wanted = Math.min(buffer.length, leftBytes - this.#atBytes);
      const count = this.#target.read(buffer.subarray(0, wanted), this.#atBytes);
      this.#hash(buffer, count);
      if (count < wanted) break;
      await yieldToEvents();
    }
  }

  /** Takes the body from `offset` to its end. */
  async receive(
    connection: SessionConnection,
    offset: number,
    framing: Framing,
  ): Promise<BodyRead> {
    try {
      if (offset !== this.#atBytes) this.#beginAgain();
      const source = framing === "raw" ? new RawBody() : new BodyFrames();
      return await this.#receive(connection, source) ?? { kind: "received" };
    } catch (error) {
      if (error instanceof ConnectionLost) return { kind: "ended", why: "closed" };
      return { kind: "failed", message: ShoalError.from(error).message };
    }
  }

  /**
   * Gives the file its name if it hashes to `sha256`, or to anything if that is not said.
   *
   * Throws ShoalError, after which nothing is left of it.
   */
  async store(expectedSha256: HashHex | undefined): Promise<StoredUpload> {
    try {
      const sha256 = hashHex(this.#sha256.digestHex());
      const { md5, root, tree } = await this.#digests.finish(this.#job);
      if (expectedSha256 !== undefined && expectedSha256 !== sha256) {
        throw new ShoalError("unverified", "what arrived is not what was sent: upload it again");
      }
      const { name, sizeBytes, mtimeMs } = this.#request;
      const place = targetNames(this.#disk, this.#dir, name, root.slice(0, 8));
      const wanted = { sizeBytes, sha256, force: false };
      const present = await findPresent(this.#disk, place, wanted, new AbortController().signal);
      if (present !== undefined) {
        this.#end(false, () => this.#target.discard());
        return { name: this.#nameOf(present), sha256, md5, root, tree, isPresent: true };
      }
      await this.#target.seal(mtimeMs ?? wallMs());
      const path = this.#target.publish({ force: false }, place);
      this.#end(true);
      await this.#disk.syncFolder(place.folder);
      return { name: this.#nameOf(path), sha256, md5, root, tree, isPresent: false };
    } catch (error) {
      this.#end(false, () => this.#target.discard());
      throw ShoalError.from(error);
    }
  }

  /** Lets go of it: what can be resumed stays for a while. */
  abandon(): void {
    this.#digests.drop(this.#job);
    this.#end(false, () => {
      if (this.#isResumable && this.#atBytes > 0) this.#target.close();
      else this.#target.discard();
    });
  }

  #end(isStored: boolean, letGo: () => void = () => {}): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#onEnd(isStored);
    try {
      letGo();
    } catch {
      // A hidden part stays behind; it is swept up later.
    }
  }

  #nameOf(path: string): SafeFileName {
    const { name } = this.#request;
    return name.slice(0, name.lastIndexOf("/") + 1) + basename(path) as SafeFileName;
  }

  async #receive(
    connection: SessionConnection,
    source: BodyFrames | RawBody,
  ): Promise<BodyRead | undefined> {
    const { sizeBytes } = this.#request;
    const pace = connection.pace();
    let buffer = await this.#digests.buffer();
    let filledBytes = 0;
    try {
      for (;;) {
        const leftBytes = this.missingBytes - filledBytes;
        if (leftBytes === 0 && source instanceof RawBody) break;
        const roomBytes = buffer.length - filledBytes;
        // Of frames one byte more than there may be, to see it: what follows a raw body is no part of it.
        const wantedBytes = source instanceof RawBody ? leftBytes : leftBytes + 1;
        const part = source.take(connection.queue, Math.min(roomBytes, wantedBytes));
        if (part === undefined || part.length > leftBytes) {
          return { kind: "failed", message: "more bytes arrived than were announced" };
        }
        if (part.length === 0 && source.isAtEnd) break;
        buffer.set(part, filledBytes);
        filledBytes += part.length;
        if (part.length === 0) {
          const openBytes = Math.min(roomBytes, leftBytes, source.openBytes);
          const open = buffer.subarray(filledBytes, filledBytes + openBytes);
          const count = await connection.readInto(open, pace);
          source.passed(count);
          filledBytes += count;
        }
        if (filledBytes < UPLOAD_BUFFER_BYTES) continue;
        this.#write(buffer, filledBytes);
        filledBytes = 0;
        buffer = await this.#digests.buffer();
      }
      if (this.missingBytes !== filledBytes) {
        const came = sizeBytes - this.missingBytes + filledBytes;
        return {
          kind: "failed",
          message: `${came} bytes arrived, but ${sizeBytes} were announced`,
        };
      }
      return undefined;
    } finally {
      // What came before an end that was too soon is as good as the rest.
      if (filledBytes > 0) this.#write(buffer, filledBytes);
      else this.#digests.giveBack(buffer);
    }
  }

  #write(buffer: Bytes, lengthBytes: number): void {
    this.#target.write(buffer.subarray(0, lengthBytes), this.#atBytes);
    this.#hash(buffer, lengthBytes);
  }

  #hash(buffer: Bytes, lengthBytes: number): void {
    this.#sha256.update(buffer.subarray(0, lengthBytes));
    this.#atBytes += lengthBytes;
    this.#digests.update(this.#job, buffer, lengthBytes);
  }

  #beginAgain(): void {
    this.#target.clear();
    this.#digests.drop(this.#job);
    this.#job = this.#digests.begin(this.#request.sizeBytes);
    this.#sha256 = new StreamingHash();
    this.#atBytes = 0;
  }
}

/** A body of exactly so many bytes: whatever comes is of it. */
class RawBody {
  readonly isAtEnd = false;
  readonly openBytes = Infinity;

  take(queue: SessionConnection["queue"], bytesMax: number): Bytes {
    return queue.takeSome(bytesMax);
  }

  passed(): void {}
}

/** The part of this upload, or of its own where another upload holds that one. */
function openPart(
  disk: Disk,
  dir: string,
  request: UploadRequest,
): { readonly target: FileTarget; readonly isResumable: boolean } {
  const folder = join(dir, UPLOAD_FOLDER);
  try {
    Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ShoalError("not_writable", `${displayName(UPLOAD_FOLDER)} cannot be made`, { cause });
  }
  const open = (tag: string): FileTarget => {
    const partPath = join(folder, `${tag}.part`);
    return FileTarget.open(disk, { folder, base: tag, partPath, journalPath: partPath });
  };
  if (request.isResumable) {
    try {
      return { target: open(tagOf(request)), isResumable: true };
    } catch (error) {
      if (ShoalError.from(error).code !== "busy_target") throw error;
    }
  }
  return { target: open(toHex(randomBytes(16))), isResumable: false };
}

/** Equal for what may be the same file, sent again. */
function tagOf({ name, sizeBytes }: UploadRequest): string {
  return toHex(sha256(new TextEncoder().encode(`${sizeBytes}\n${name}`))).slice(0, 32);
}
