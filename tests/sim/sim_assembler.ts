/**
 * The assembler of a simulated client: the real part file, journal and books of a transfer, stepped as
 * the assembler's driver steps them, on a disk in memory and a virtual clock.
 */
import type { Bytes, TransferId } from "../../lib/ids.ts";
import { toHex } from "../../lib/ids.ts";
import { CHUNK_BYTES_MAX } from "../../lib/protocol/merkle/limits.ts";
import { JOURNAL_INTERVAL_MS } from "../../lib/io/workers/limits.ts";
import { denoDisk } from "../../lib/io/files/deno_disk.ts";
import {
  FileTransfer,
  transferFailed,
  type TransferRequest,
} from "../../lib/io/files/file_transfer.ts";
import { numberedNames, targetNames } from "../../lib/io/files/target_names.ts";
import { removeLeftovers } from "../../lib/io/files/present_file.ts";
import type { AssemblerReply, AssemblerRequest } from "../../lib/messages/assembler.ts";
import type { VerifiedChunk } from "../../lib/messages/chunk_feed.ts";
import { sha256 } from "../../lib/protocol/base/sha256.ts";
import type { MemoryDisk } from "./memory_disk.ts";
import type { DiskSpec } from "./scenario.ts";
import type { VirtualClock } from "./virtual_clock.ts";

type Reply = Extract<AssemblerReply, { transfer: TransferId }>;

/** A slice of a pass over what lies on disk, and bringing a file to the disk for good. */
const SLICE_MS = 0.05;
const SEAL_MS_DEFAULT = 2;

export interface AssemblerOptions {
  readonly clock: VirtualClock;
  readonly disk: MemoryDisk;
  readonly spec: DiskSpec;
  readonly reply: (reply: Reply) => void;
}

export class SimAssembler {
  readonly #options: AssemblerOptions;
  readonly #transfers = new Map<TransferId, FileTransfer>();
  readonly #opening = new Set<TransferId>();
  readonly #advancing = new Set<FileTransfer>();
  readonly #scratch = new Uint8Array(CHUNK_BYTES_MAX);
  #isClosed = false;
  /** When the disk has done what it was given. */
  #freeMs = 0;

  constructor(options: AssemblerOptions) {
    this.#options = options;
    this.#keepJournals();
  }

  /** The process is gone, or is over. */
  close(): void {
    this.#isClosed = true;
  }

  onRequest(request: AssemblerRequest): void {
    if (this.#isClosed) return;
    switch (request.kind) {
      case "open":
        return this.#open(request);
      case "layer":
        this.#guard(request.transfer, (transfer) => transfer.takeLayer(request.layer));
        return this.#advance(request.transfer);
      case "publish":
        this.#guard(request.transfer, (transfer) => transfer.mayPublish = true);
        return this.#advance(request.transfer);
      case "abort":
        return this.#abort(request.transfer, request.keep);
      default:
        // Workers and ports are none of a simulated world.
    }
  }

  /** Writes what was verified, one after another, and gives the buffers back. */
  onChunks(chunks: readonly VerifiedChunk[], recycle: (buffers: readonly Bytes[]) => void): void {
    const { clock, spec: { writeMs } } = this.#options;
    this.#freeMs = Math.max(this.#freeMs, clock.nowMs) + writeMs * chunks.length;
    clock.at(this.#freeMs, () => {
      if (this.#isClosed) return;
      for (const { transfer: id, chunk, bytes, buffer } of chunks) {
        this.#guard(id, (transfer) => transfer.write(chunk, buffer.subarray(0, bytes)));
      }
      // What comes back is empty as far as anybody knows.
      for (const { buffer } of chunks) buffer.fill(0xa5);
      recycle(chunks.map((each) => each.buffer));
      for (const { transfer } of chunks) this.#advance(transfer);
    });
  }

  #open(request: TransferRequest): void {
    const { transfer: id, outDir, name, content } = request;
    this.#opening.add(id);
    this.#later(SLICE_MS, () => {
      if (!this.#opening.delete(id)) return;
      try {
        const names = targetNames(denoDisk, outDir, name, content.root.slice(0, 8));
        const path = this.#present(names.folder, names.base, content.sha256);
        if (path !== undefined) {
          removeLeftovers(denoDisk, names);
          return this.#options.reply({ kind: "present", transfer: id, path });
        }
        const transfer = new FileTransfer(denoDisk, request, names, { hashMs: 0, writeMs: 0 });
        this.#transfers.set(id, transfer);
        this.#options.reply(transfer.opened);
        this.#advance(id);
      } catch (error) {
        this.#options.reply(transferFailed(id, error) as Reply);
      }
    });
  }

  #present(folder: string, base: string, wanted: string): string | undefined {
    for (const name of numberedNames(base)) {
      const path = `${folder}/${name}`;
      const bytes = this.#options.disk.contentOf(path);
      if (bytes === undefined) return undefined;
      if (toHex(sha256(bytes)) === wanted) return path;
    }
    return undefined;
  }

  #advance(id: TransferId): void {
    const transfer = this.#transfers.get(id);
    if (transfer === undefined || this.#advancing.has(transfer) || !transfer.canAdvance) return;
    this.#advancing.add(transfer);
    this.#advanceFar(id, transfer);
  }

  #advanceFar(id: TransferId, transfer: FileTransfer): void {
    if (this.#transfers.get(id) !== transfer || !transfer.canAdvance) {
      this.#advancing.delete(transfer);
      return;
    }
    if (transfer.isPassed) return this.#finish(id, transfer);
    this.#guard(id, () => {
      const bad = transfer.advance(this.#scratch);
      if (bad === undefined) return;
      this.#options.reply({ kind: "unproved", transfer: id, chunks: [bad] });
    });
    this.#later(SLICE_MS, () => this.#advanceFar(id, transfer));
  }

  #finish(id: TransferId, transfer: FileTransfer): void {
    if (!transfer.isAsOffered()) {
      this.#guard(id, () => {
        this.#transfers.delete(id);
        transfer.discard();
        this.#options.reply({ kind: "unverified", transfer: id });
      });
      this.#advancing.delete(transfer);
      return;
    }
    const { sealMs = SEAL_MS_DEFAULT } = this.#options.spec;
    this.#later(sealMs, () => {
      this.#advancing.delete(transfer);
      // Aborted meanwhile: a part file that the next run proves and publishes.
      if (this.#transfers.get(id) !== transfer) return;
      this.#guard(id, () => {
        const path = transfer.publish();
        this.#transfers.delete(id);
        this.#later(SEAL_MS_DEFAULT, () => {
          transfer.forget();
          this.#options.reply({ kind: "finished", transfer: id, path });
        });
      });
    });
  }

  #abort(id: TransferId, keeps: boolean): void {
    this.#opening.delete(id);
    this.#guard(id, (transfer) => {
      this.#transfers.delete(id);
      if (keeps) transfer.keep();
      else transfer.discard();
    });
    this.#options.reply({ kind: "aborted", transfer: id });
  }

  #guard(id: TransferId, work: (transfer: FileTransfer) => void): void {
    const transfer = this.#transfers.get(id);
    if (transfer === undefined) return;
    try {
      work(transfer);
    } catch (error) {
      this.#fail(id, transfer, error);
    }
  }

  #fail(id: TransferId, transfer: FileTransfer, error: unknown): void {
    this.#transfers.delete(id);
    try {
      transfer.keep();
    } catch {
      // The disk has said what is wrong already.
    }
    this.#options.reply(transferFailed(id, error) as Reply);
  }

  #keepJournals(): void {
    this.#later(JOURNAL_INTERVAL_MS, () => {
      for (const id of this.#transfers.keys()) this.#guard(id, (each) => each.saveJournal());
      this.#keepJournals();
    });
  }

  #later(ms: number, work: () => void): void {
    this.#options.clock.after(ms, () => {
      if (!this.#isClosed) work();
    });
  }
}
