/**
 * One file in the assembler's hands: its part file, its journal and its books. Chunks are written as
 * they come; the pass that hashes the whole goes on in slices between messages.
 */
import type { Bytes, Content, SafeFileName, TransferId } from "../ids.ts";
import { ShoalError } from "../errors.ts";
import type { AssemblerReply } from "../messages/assembler.ts";
import { Assembly } from "../protocol/assembly.ts";
import { Bitmap } from "../protocol/bitmap.ts";
import { chunkBytesFor, chunkLength } from "../protocol/merkle.ts";
import { nowMs } from "./clock.ts";
import { FileTarget } from "./file_target.ts";
import { JournalFile, readJournal, removeJournal } from "./journal.ts";

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
  /** What an earlier run has left, for the `opened` reply. */
  readonly opened: Extract<AssemblerReply, { kind: "opened" }>;
  readonly #target: FileTarget;
  readonly #assembly: Assembly;
  readonly #times: DiskTimes;
  #journal: JournalFile | undefined;

  /** Throws ShoalError for everything that keeps it from beginning. */
  constructor(request: TransferRequest, times: DiskTimes) {
    const { transfer, outDir, name, content } = request;
    this.request = request;
    this.#times = times;
    this.#target = FileTarget.open(outDir, name, content.root.slice(0, 8));
    try {
      const journal = readJournal(this.#target.names.journalPath, content);
      if (journal === undefined) this.#target.clear();
      this.#assembly = new Assembly(content.sizeBytes, journal?.written);
      const haveBytes = this.#assembly.writtenBytes;
      this.#target.requireSpace(content.sizeBytes - haveBytes);
      this.opened = {
        kind: "opened",
        transfer,
        have: this.#assembly.written.bytes.slice(),
        haveBytes,
        partPath: this.#target.partPath,
        ...(journal === undefined ? {} : { layer: journal.layer }),
      };
    } catch (cause) {
      this.#target.close();
      throw cause;
    }
  }

  get names(): FileTarget["names"] {
    return this.#target.names;
  }

  /** Whether every byte is on disk and hashed. */
  get isPassed(): boolean {
    return this.#assembly.isPassed;
  }

  set layer(layer: Bytes) {
    this.#assembly.layer = layer;
    // A file of one chunk is fetched again as quickly as a journal is read.
    if (this.#assembly.chunkCount < 2) return;
    const written = new Bitmap(this.#assembly.chunkCount, this.#assembly.written.bytes);
    const { content } = this.request;
    this.#journal = new JournalFile(this.names.journalPath, content, { layer, written });
  }

  /** Takes a proved chunk; a duplicate is left aside. */
  write(chunk: number, bytes: Uint8Array): void {
    if (!this.#assembly.isWanted(chunk)) return;
    const startMs = nowMs();
    this.#target.write(bytes, chunk * chunkBytesFor(this.request.content.sizeBytes));
    const writtenMs = nowMs();
    this.#assembly.onWritten(chunk, bytes);
    this.#times.writeMs += writtenMs - startMs;
    this.#times.hashMs += nowMs() - writtenMs;
  }

  /**
   * Reads and hashes the next chunk on disk. Returns whether there may be more to do at once, and the
   * chunk if it turned out bad.
   */
  advance(scratch: Bytes): { readonly hasMore: boolean; readonly bad?: number } {
    const chunk = this.#assembly.chunkToRead;
    if (chunk === undefined) return { hasMore: false };
    const startMs = nowMs();
    const { sizeBytes } = this.request.content;
    const length = chunkLength(sizeBytes, chunk);
    const view = scratch.subarray(0, length);
    const count = this.#target.read(view, chunk * chunkBytesFor(sizeBytes));
    const isGood = this.#assembly.onRead(view.subarray(0, count));
    this.#times.hashMs += nowMs() - startMs;
    return isGood
      ? { hasMore: this.#assembly.chunkToRead !== undefined }
      : { hasMore: false, bad: chunk };
  }

  saveJournal(): void {
    this.#journal?.save(this.#assembly.written);
  }

  /**
   * The end of the pass: published, or found not to be what was offered. The folder still has to be
   * synced.
   */
  finish(): { readonly kind: "finished"; readonly path: string } | { readonly kind: "unverified" } {
    const { content, mtimeMs, force } = this.request;
    if (this.#assembly.digestHex() !== content.sha256) {
      this.discard();
      return { kind: "unverified" };
    }
    const startMs = nowMs();
    const path = this.#target.publish({ mtimeMs, force });
    this.#removeJournal();
    this.#times.writeMs += nowMs() - startMs;
    return { kind: "finished", path };
  }

  /** Everything verified stays, marked. */
  keep(): void {
    this.saveJournal();
    this.#journal?.close();
    // Nothing marked, nothing to go on from.
    if (this.#journal === undefined) this.#target.discard();
    this.#target.close();
  }

  /** Nothing stays. */
  discard(): void {
    this.#removeJournal();
    this.#target.discard();
  }

  #removeJournal(): void {
    if (this.#journal === undefined) removeJournal(this.names.journalPath);
    else this.#journal.remove();
    this.#journal = undefined;
  }
}

/** The error of a transfer as its reply. */
export function transferFailed(transfer: TransferId, thrown: unknown): AssemblerReply {
  return { kind: "transferFailed", transfer, error: ShoalError.from(thrown).toMessage() };
}
