/**
 * One file in the assembler's hands: its part file, its journal and its books. Chunks are written as
 * they come; the pass that hashes the whole goes on in slices between messages.
 */
import type { Bytes, Content, SafeFileName, TransferId } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { AssemblerReply } from "../../messages/assembler.ts";
import { Assembly } from "../../protocol/download/assembly.ts";
import { chunkBytesFor, chunkLength } from "../../protocol/merkle/merkle.ts";
import { nowMs } from "../system/clock.ts";
import type { Disk } from "./disk.ts";
import { FileTarget } from "./file_target.ts";
import { JournalFile, removeJournal } from "./journal_file.ts";
import type { TargetNames } from "./target_names.ts";

export interface TransferRequest {
  readonly transfer: TransferId;
  readonly outDir: string;
  readonly name: SafeFileName;
  readonly content: Content;
  readonly mtimeMs: number;
  readonly force: boolean;
}

/** Where the time of all transfers goes. */
export interface DiskTimes {
  hashMs: number;
  writeMs: number;
}

export class FileTransfer {
  readonly request: TransferRequest;
  readonly names: TargetNames;
  /** What an earlier run has left, for the `opened` reply. */
  readonly opened: Extract<AssemblerReply, { kind: "opened" }>;
  /** Whether it is certain that this content is wanted under its name. */
  mayPublish = false;
  readonly #disk: Disk;
  readonly #target: FileTarget;
  readonly #assembly: Assembly;
  readonly #times: DiskTimes;
  readonly #chunkBytes: number;
  #journal: JournalFile | undefined;

  /** Throws ShoalError for everything that keeps it from beginning. */
  constructor(disk: Disk, request: TransferRequest, names: TargetNames, times: DiskTimes) {
    this.#disk = disk;
    const { transfer, content } = request;
    this.request = request;
    this.names = names;
    this.#times = times;
    this.#chunkBytes = chunkBytesFor(content.sizeBytes);
    this.#target = FileTarget.open(disk, names);
    try {
      const resumed = this.#target.isFresh
        ? undefined
        : JournalFile.resume(disk, names.journalPath, content);
      this.#journal = resumed?.journal;
      if (resumed === undefined) {
        removeJournal(disk, names.journalPath);
        this.#target.clear();
      }
      this.#assembly = new Assembly(content.sizeBytes, resumed?.state.written);
      const haveBytes = this.#assembly.writtenBytes;
      this.#target.requireSpace(content.sizeBytes - haveBytes);
      this.opened = {
        kind: "opened",
        transfer,
        have: this.#assembly.written.bytes.slice(),
        haveBytes,
        partPath: this.#target.partPath,
        ...(resumed === undefined ? {} : { layer: resumed.state.layer }),
      };
    } catch (cause) {
      this.keep();
      throw cause;
    }
  }

  /** Whether every byte is on disk and hashed. */
  get isPassed(): boolean {
    return this.#assembly.isPassed;
  }

  /** Takes the proved layer: from now on a journal is kept. */
  takeLayer(layer: Bytes): void {
    this.#assembly.layer = layer;
    // A file of one chunk is fetched again as quickly as a journal is read.
    if (this.#journal !== undefined || this.#assembly.chunkCount < 2) return;
    const { content } = this.request;
    const state = { layer, written: this.#assembly.written };
    this.#journal = JournalFile.create(this.#disk, this.names.journalPath, content, state);
  }

  /** Takes a proved chunk; a duplicate is left aside. */
  write(chunk: number, bytes: Uint8Array): void {
    if (!this.#assembly.isWanted(chunk)) return;
    const startMs = nowMs();
    this.#target.write(bytes, chunk * this.#chunkBytes);
    const writtenMs = nowMs();
    this.#assembly.onWritten(chunk, bytes);
    this.#times.writeMs += writtenMs - startMs;
    this.#times.hashMs += nowMs() - writtenMs;
  }

  /** Whether {@linkcode advance} has something to read, or all is read and may be published. */
  get canAdvance(): boolean {
    return this.isPassed ? this.mayPublish : this.#assembly.chunkToRead !== undefined;
  }

  /** Reads and hashes the next chunk on disk; returns it if it turned out bad. */
  advance(scratch: Bytes): number | undefined {
    const chunk = this.#assembly.chunkToRead;
    if (chunk === undefined) return undefined;
    const startMs = nowMs();
    const view = scratch.subarray(0, chunkLength(this.request.content.sizeBytes, chunk));
    const count = this.#target.read(view, chunk * this.#chunkBytes);
    const isGood = this.#assembly.onRead(view.subarray(0, count));
    this.#times.hashMs += nowMs() - startMs;
    return isGood ? undefined : chunk;
  }

  saveJournal(): void {
    this.#journal?.save(this.#assembly.written);
  }

  /** Whether the whole is what was offered, once the pass is over. To be asked once. */
  isAsOffered(): boolean {
    return this.#assembly.digestHex() === this.request.content.sha256;
  }

  /** Brings the file to the disk for good, off this thread. */
  async seal(): Promise<void> {
    await this.#target.seal(this.request.mtimeMs);
  }

  /** Gives the sealed file its name; returns its path. {@linkcode forget} follows. */
  publish(): string {
    return this.#target.publish(this.request);
  }

  /** The file is published and the folder synced: the journal has done its work. */
  forget(): void {
    this.#journal?.remove();
    this.#journal = undefined;
  }

  /** Everything verified stays, marked; what no journal marks would only lie around. */
  keep(): void {
    try {
      if (this.#journal === undefined) this.#target.discard();
      else this.saveJournal();
    } finally {
      this.#journal?.close();
      this.#journal = undefined;
      this.#target.close();
    }
  }

  /** Nothing stays. */
  discard(): void {
    this.forget();
    this.#target.discard();
  }
}

/** The error of a transfer as its reply. */
export function transferFailed(transfer: TransferId, thrown: unknown): AssemblerReply {
  return { kind: "transferFailed", transfer, error: ShoalError.from(thrown).toMessage() };
}
