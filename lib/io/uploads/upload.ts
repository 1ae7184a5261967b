/** One upload: hashed while its part grows, and renamed when it is complete and verified. */
import { basename } from "@std/path/basename";
import {
  type Bytes,
  type HashHex,
  hashHex,
  type ModificationTime,
  type SafeFileName,
} from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { BodyRead, Framing } from "../../protocol/session/dialogue.ts";
import { StreamingHash } from "../../protocol/base/sha256.ts";
import { BodyFrames } from "../../wire/session_json.ts";
import type { FileTarget } from "../files/file_target.ts";
import { findPresent } from "../files/present_file.ts";
import { type OpenTarget, TargetFolders } from "../files/target_folders.ts";
import { missingFolders } from "../files/target_names.ts";
import type { Digests, StreamDigests } from "../hash/digests.ts";
import { UPLOAD_BUFFER_BYTES, UPLOAD_BUFFER_HOLD_MS } from "../hash/limits.ts";
import { ConnectionLost, type SessionConnection } from "../net/session_connection.ts";
import type { Runtime } from "../runtime.ts";
import { wallMs } from "../system/clock.ts";
import type { OpenPart } from "./part_folder.ts";
import { peerMessage } from "./peer_message.ts";

export interface UploadRequest {
  readonly name: SafeFileName;
  readonly sizeBytes: number;
  /** Now, if not given. */
  readonly modified: ModificationTime | undefined;
  readonly isResumable: boolean;
}

/** An upload that has its name now. */
interface StoredUpload extends StreamDigests {
  readonly sha256: HashHex;
  /** Its name below the served folder, which may be another than was asked for. */
  readonly name: SafeFileName;
  /** Whether the same file was there already, so that nothing was stored. */
  readonly isPresent: boolean;
}

interface UploadOptions {
  readonly runtime: Pick<Runtime, "clock" | "disk">;
  /** The served folder, absolute. */
  readonly dir: string;
  readonly request: UploadRequest;
  readonly part: OpenPart;
  readonly digests: Digests;
  /** So much of it is about to be on the disk. Throws ShoalError if there is no room for it. */
  readonly onGrow: (bytes: number) => void;
  /** This folder was made for it. */
  readonly onFolder: (name: SafeFileName) => void;
  /** What was there is of no use. */
  readonly onRestart: () => void;
  /** Nothing of it is written any more. */
  readonly onEnd: (end: UploadEnd) => void;
}

/** What became of the part: it has a name now, or stays for another try. */
export type UploadEnd =
  | { readonly kind: "stored"; readonly name: SafeFileName }
  | { readonly kind: "kept"; readonly bytes: number }
  | { readonly kind: "gone" };

/** One upload. Ends with {@linkcode Upload.store}, {@linkcode Upload.abandon} or {@linkcode Upload.displace}. */
export class Upload {
  readonly #options: UploadOptions;
  readonly #request: UploadRequest;
  readonly #digests: Digests;
  readonly #target: FileTarget;
  #sha256 = new StreamingHash();
  #job: number;
  /** How much is there, hashed and written. */
  #atBytes = 0;
  #isEnded = false;
  /** Whether all of it is there, and its end is under way. */
  #isStoring = false;
  /** The source of the body, while it arrives. */
  #connection: SessionConnection | undefined;

  constructor(options: UploadOptions) {
    const { request, digests, part } = options;
    this.#options = options;
    this.#request = request;
    this.#digests = digests;
    this.#target = part.target;
    this.#job = digests.begin(request.sizeBytes);
  }

  get name(): SafeFileName {
    return this.#request.name;
  }

  get sizeBytes(): number {
    return this.#request.sizeBytes;
  }

  get missingBytes(): number {
    return this.#request.sizeBytes - this.#atBytes;
  }

  /** What it will bring soon, if it goes on as it has begun. */
  get awaitedBytes(): number {
    return Math.min(this.missingBytes, this.#atBytes);
  }

  /** How much an earlier attempt left; the body may continue here, or start at 0. */
  get offset(): number {
    return this.#atBytes;
  }

  /** What that hashes to. */
  get prefixSha256(): HashHex {
    return hashHex(this.#sha256.digestSoFarHex());
  }

  /** Throws ShoalError `disk_full` if it will not fit beside so much that others still send. */
  requireSpace(awaitedBytes: number): void {
    this.#target.requireSpace(this.missingBytes + awaitedBytes);
  }

  /** Hashes what an earlier try left. */
  async resume(): Promise<void> {
    const { sizeBytes } = this.#request;
    const leftBytes = this.#options.part.isResumable ? this.#target.lengthBytes : 0;
    if (leftBytes === 0 || leftBytes > sizeBytes) return this.#target.clear();
    while (this.#atBytes < leftBytes) {
      if (this.#isEnded) throw displaced();
      const buffer = await this.#digests.buffer();
      const wanted = Math.min(buffer.length, leftBytes - this.#atBytes);
      const count = this.#target.read(buffer.subarray(0, wanted), this.#atBytes);
      this.#hash(buffer, count);
      if (count < wanted) break;
      await this.#options.runtime.clock.yieldToEvents();
    }
  }

  /** Takes the body from `offset` to its end. */
  async receive(
    connection: SessionConnection,
    offset: number,
    framing: Framing,
  ): Promise<BodyRead> {
    this.#connection = connection;
    try {
      if (offset !== this.#atBytes) this.#beginAgain();
      const source = framing === "raw" ? new RawBody() : new BodyFrames();
      return await this.#receive(connection, source) ?? { kind: "received" };
    } catch (error) {
      if (error instanceof ConnectionLost) return { kind: "ended", why: "closed" };
      return { kind: "failed", message: peerMessage(error) };
    } finally {
      this.#connection = undefined;
    }
  }

  /** Takes what follows what is there. Throws ShoalError for more than was announced, or where it cannot be kept. */
  async append(bytes: Bytes): Promise<void> {
    if (bytes.length > this.missingBytes) {
      throw new ShoalError("refused", "more bytes arrived than were announced");
    }
    for (let at = 0; at < bytes.length;) {
      const buffer = await this.#digests.buffer();
      const part = bytes.subarray(at, at + buffer.length);
      buffer.set(part);
      this.#write(buffer, part.length);
      at += part.length;
    }
  }

  /**
   * Gives the file its name if it hashes to `sha256`, or to anything if that is not said.
   *
   * Throws ShoalError, after which nothing is left of it.
   */
  async store(expectedSha256: HashHex | undefined): Promise<StoredUpload> {
    if (this.#isEnded) throw displaced();
    this.#isStoring = true;
    let place: OpenTarget | undefined;
    try {
      const sha256 = hashHex(this.#sha256.digestHex());
      const { md5, root, tree } = await this.#digests.finish(this.#job);
      if (expectedSha256 !== undefined && expectedSha256 !== sha256) {
        throw new ShoalError("unverified", "what arrived is not what was sent: upload it again");
      }
      place = this.#openFolders(root.slice(0, 8));
      const stored = await this.#storeIn(place, sha256);
      return { ...stored, sha256, md5, root, tree };
    } catch (error) {
      this.#end({ kind: "gone" }, () => this.#target.discard());
      throw ShoalError.from(error);
    } finally {
      place?.close();
    }
  }

  /** Whatever comes of it, what was made counts. */
  #openFolders(tag: string): OpenTarget {
    const { runtime: { disk }, dir, request, onFolder } = this.#options;
    const missing = missingFolders(disk, dir, request.name);
    try {
      return new TargetFolders(disk).open(dir, request.name, tag);
    } finally {
      const still = new Set<string>(missingFolders(disk, dir, request.name));
      for (const each of missing) if (!still.has(each)) onFolder(each);
    }
  }

  async #storeIn(
    { disk, names }: OpenTarget,
    sha256: HashHex,
  ): Promise<Pick<StoredUpload, "name" | "isPresent">> {
    const { sizeBytes, modified } = this.#request;
    const wanted = { sizeBytes, sha256, force: false };
    const { clock } = this.#options.runtime;
    const present = await findPresent(clock, disk, names, wanted, new AbortController().signal);
    if (present !== undefined) {
      this.#end({ kind: "gone" }, () => this.#target.discard());
      return { name: this.#nameOf(present), isPresent: true };
    }
    await this.#target.seal(modified ?? { mtimeMs: Math.floor(wallMs(clock)) });
    const { base } = names;
    const path = disk.change((folder) => this.#target.publish("number", { folder, base }));
    const name = this.#nameOf(path);
    this.#end({ kind: "stored", name });
    await disk.syncFolder(names.folder);
    return { name, isPresent: false };
  }

  /** Releases it: what can be resumed stays for a while. */
  abandon(): void {
    if (this.#isEnded) return;
    this.#digests.drop(this.#job);
    const isKept = this.#options.part.isResumable && this.#atBytes > 0;
    if (isKept) this.#end({ kind: "kept", bytes: this.#atBytes }, () => this.#target.close());
    else this.#end({ kind: "gone" }, () => this.#target.discard());
  }

  /** Others need the room: nothing of it stays, and whoever sends it is cut off, unless all of it is there. */
  displace(): void {
    if (this.#isEnded || this.#isStoring) return;
    this.#digests.drop(this.#job);
    this.#end({ kind: "gone" }, () => this.#target.discard());
    this.#connection?.close();
  }

  #end(end: UploadEnd, letGo: () => void = () => {}): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    try {
      letGo();
    } catch {
      // A hidden part stays behind; it is found, and counted, when somebody looks for room.
    }
    this.#options.onEnd(end);
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
    let buffer: Bytes | undefined;
    let filledBytes = 0;
    /** Writes what has arrived, and releases the buffer. */
    const flush = (): void => {
      const [full, lengthBytes] = [buffer, filledBytes];
      buffer = undefined;
      filledBytes = 0;
      if (full !== undefined) this.#write(full, lengthBytes);
    };
    try {
      for (;;) {
        const leftBytes = this.missingBytes - filledBytes;
        if (leftBytes === 0 && source instanceof RawBody) break;
        const roomBytes = UPLOAD_BUFFER_BYTES - filledBytes;
        // Of frames one byte more than there may be, to see it: what follows a raw body is no part of it.
        const wantedBytes = source instanceof RawBody ? leftBytes : leftBytes + 1;
        const part = source.take(connection.queue, Math.min(roomBytes, wantedBytes));
        if (part === undefined || part.length > leftBytes) {
          return { kind: "failed", message: "more bytes arrived than were announced" };
        }
        if (part.length > 0) {
          buffer ??= await this.#digests.buffer();
          buffer.set(part, filledBytes);
          filledBytes += part.length;
          if (filledBytes === UPLOAD_BUFFER_BYTES) flush();
          continue;
        }
        if (source.isAtEnd) break;
        // All uploads share a few buffers: whoever pauses must not keep one from those who go on.
        const isWaiting = buffer !== undefined &&
          !await connection.moreWithin(UPLOAD_BUFFER_HOLD_MS, pace);
        if (isWaiting) flush();
        else if (buffer === undefined) await connection.more(pace);
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
      // What arrived before a premature end is as good as the rest.
      flush();
    }
  }

  #write(buffer: Bytes, lengthBytes: number): void {
    try {
      if (this.#isEnded) throw displaced();
      this.#options.onGrow(this.#atBytes + lengthBytes);
      this.#target.write(buffer.subarray(0, lengthBytes), this.#atBytes);
    } catch (error) {
      this.#digests.giveBack(buffer);
      throw error;
    }
    this.#hash(buffer, lengthBytes);
  }

  #hash(buffer: Bytes, lengthBytes: number): void {
    this.#sha256.update(buffer.subarray(0, lengthBytes));
    this.#atBytes += lengthBytes;
    this.#digests.update(this.#job, buffer, lengthBytes);
  }

  #beginAgain(): void {
    if (this.#isEnded) throw displaced();
    this.#target.clear();
    this.#options.onRestart();
    this.#digests.drop(this.#job);
    this.#job = this.#digests.begin(this.#request.sizeBytes);
    this.#sha256 = new StreamingHash();
    this.#atBytes = 0;
  }
}

/** A body of exactly so many bytes: whatever comes is of it. */
class RawBody {
  readonly isAtEnd = false;

  take(queue: SessionConnection["queue"], bytesMax: number): Bytes {
    return queue.takeSome(bytesMax);
  }
}

function displaced(): ShoalError {
  return new ShoalError("disk_full", "the server needed its room for others: try again later");
}
