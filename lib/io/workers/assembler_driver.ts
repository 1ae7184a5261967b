/**
 * Runs the assembler in its worker: takes proved chunks from any number of receivers, writes them,
 * gives their buffers back, and publishes what is whole. Work that takes long (hashing what lies on
 * disk) is done in slices, so that buffers keep coming back meanwhile.
 */
import type { TransferId } from "../../ids.ts";
import { CHUNK_BYTES_MAX } from "../../protocol/merkle/limits.ts";
import { JOURNAL_INTERVAL_MS } from "./limits.ts";
import type { AssemblerReply, AssemblerRequest } from "../../messages/assembler.ts";
import type { ChunksMessage, RecycleMessage } from "../../messages/chunk_feed.ts";
import { nowMs, sleep, yieldToEvents } from "../system/clock.ts";
import { useFastestSha256 } from "../hash/fastest_sha256.ts";
import {
  type DiskTimes,
  FileTransfer,
  transferFailed,
  type TransferRequest,
} from "../files/file_transfer.ts";
import { denoDisk } from "../files/deno_disk.ts";
import { FolderSyncs } from "../files/folder_syncs.ts";
import { findPresent, removeLeftovers } from "../files/present_file.ts";
import { targetNames } from "../files/target_names.ts";
import { runDriver } from "./worker_driver.ts";
import { channelPort, type WorkerPort } from "../system/worker_port.ts";

type Parent = WorkerPort<AssemblerRequest, AssemblerReply>;
type Feed = WorkerPort<ChunksMessage, RecycleMessage>;

/** Waits for `init`, then works until `stop`. */
export function runAssembler(parent: Parent): void {
  useFastestSha256();
  runDriver(parent, () => new AssemblerDriver(parent));
}

class AssemblerDriver {
  readonly #parent: Parent;
  readonly #feeds: Feed[] = [];
  /** Transfers whose target is still being looked at. */
  readonly #opening = new Map<TransferId, AbortController>();
  readonly #transfers = new Map<TransferId, FileTransfer>();
  /** Transfers whose pass is going on, or that are being published. */
  readonly #advancing = new Map<FileTransfer, Promise<void>>();
  readonly #folderSyncs = new FolderSyncs(denoDisk);
  readonly #scratch = new Uint8Array(CHUNK_BYTES_MAX);
  readonly #times: DiskTimes = { hashMs: 0, writeMs: 0 };
  readonly #startedMs = nowMs();
  readonly #stopping = new AbortController();

  constructor(parent: Parent) {
    this.#parent = parent;
    this.#keepJournals();
    parent.post({ kind: "ready" });
  }

  onRequest(request: Exclude<AssemblerRequest, { kind: "init" }>): void {
    switch (request.kind) {
      case "feed":
        return this.#addFeed(request.port);
      case "open":
        this.#open(request);
        return;
      case "layer":
        this.#guard(request.transfer, (transfer) => transfer.takeLayer(request.layer));
        return this.#advance(request.transfer);
      case "publish":
        this.#guard(request.transfer, (transfer) => transfer.mayPublish = true);
        return this.#advance(request.transfer);
      case "abort":
        return this.#abort(request.transfer, request.keep);
      case "stop":
        this.#stop();
        return;
      default:
        request satisfies never;
    }
  }

  #addFeed(port: MessagePort): void {
    const feed = channelPort<ChunksMessage, RecycleMessage>(port);
    this.#feeds.push(feed);
    feed.onMessage(({ chunks }) => {
      for (const { transfer: id, chunk, bytes, buffer } of chunks) {
        this.#guard(id, (transfer) => transfer.write(chunk, buffer.subarray(0, bytes)));
      }
      const buffers = chunks.map((each) => each.buffer);
      feed.post({ kind: "recycle", buffers }, buffers.map((each) => each.buffer));
      for (const { transfer } of chunks) this.#advance(transfer);
    });
  }

  async #open(request: TransferRequest): Promise<void> {
    const { transfer: id, outDir, name, content } = request;
    const { signal } = this.#beginOpening(id);
    try {
      const names = targetNames(denoDisk, outDir, name, content.root.slice(0, 8));
      const path = await findPresent(
        denoDisk,
        names,
        { ...content, force: request.force },
        signal,
      );
      if (signal.aborted) return;
      this.#opening.delete(id);
      if (path !== undefined) {
        removeLeftovers(denoDisk, names);
        return this.#parent.post({ kind: "present", transfer: id, path });
      }
      const transfer = new FileTransfer(denoDisk, request, names, this.#times);
      this.#transfers.set(id, transfer);
      this.#parent.post(transfer.opened);
      this.#advance(id);
    } catch (error) {
      if (signal.aborted) return;
      this.#opening.delete(id);
      this.#parent.post(transferFailed(id, error));
    }
  }

  #beginOpening(id: TransferId): AbortController {
    const opening = new AbortController();
    this.#opening.set(id, opening);
    return opening;
  }

  #advance(id: TransferId): void {
    const transfer = this.#transfers.get(id);
    if (transfer === undefined || this.#advancing.has(transfer)) return;
    if (!transfer.canAdvance) return;
    const done = this.#advanceFar(id, transfer).finally(() => this.#advancing.delete(transfer));
    this.#advancing.set(transfer, done);
  }

  /** Takes the pass as far as it goes, a chunk a turn, and publishes what has passed. */
  async #advanceFar(id: TransferId, transfer: FileTransfer): Promise<void> {
    while (this.#transfers.get(id) === transfer && transfer.canAdvance) {
      if (transfer.isPassed) return await this.#finish(id, transfer);
      this.#guard(id, () => {
        const bad = transfer.advance(this.#scratch);
        if (bad !== undefined) this.#parent.post({ kind: "unproved", transfer: id, chunks: [bad] });
      });
      await yieldToEvents();
    }
  }

  async #finish(id: TransferId, transfer: FileTransfer): Promise<void> {
    if (!transfer.isAsOffered()) {
      return this.#guard(id, () => {
        this.#transfers.delete(id);
        transfer.discard();
        this.#parent.post({ kind: "unverified", transfer: id });
      });
    }
    try {
      await transfer.seal();
      // Aborted meanwhile: a part file that the next run proves and publishes.
      if (this.#transfers.get(id) !== transfer) return;
      const path = transfer.publish();
      this.#transfers.delete(id);
      await this.#folderSyncs.sync(transfer.names.folder);
      transfer.forget();
      this.#parent.post({ kind: "finished", transfer: id, path });
    } catch (error) {
      // Aborted meanwhile: then its end has been told already.
      if (this.#transfers.get(id) === transfer) this.#fail(id, transfer, error);
    }
  }

  #abort(id: TransferId, keeps: boolean): void {
    this.#opening.get(id)?.abort();
    this.#opening.delete(id);
    this.#guard(id, (transfer) => {
      this.#transfers.delete(id);
      if (keeps) transfer.keep();
      else transfer.discard();
    });
    this.#parent.post({ kind: "aborted", transfer: id });
  }

  /** Runs `work` on a transfer; what it throws ends that transfer and no other. */
  #guard(id: TransferId, work: (transfer: FileTransfer) => void): void {
    const transfer = this.#transfers.get(id);
    if (transfer === undefined) return;
    try {
      work(transfer);
    } catch (error) {
      this.#fail(id, transfer, error);
    }
  }

  /** Ends a transfer; what it has verified stays. */
  #fail(id: TransferId, transfer: FileTransfer, error: unknown): void {
    this.#transfers.delete(id);
    try {
      transfer.keep();
    } catch {
      // The disk has said what is wrong already.
    }
    this.#parent.post(transferFailed(id, error));
  }

  async #keepJournals(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await sleep(JOURNAL_INTERVAL_MS, signal);
      for (const id of this.#transfers.keys()) this.#guard(id, (each) => each.saveJournal());
    }
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    for (const id of [...this.#opening.keys(), ...this.#transfers.keys()]) this.#abort(id, true);
    // What is being published is published.
    await Promise.all(this.#advancing.values());
    for (const feed of this.#feeds) feed.close();
    const { hashMs, writeMs } = this.#times;
    const waitMs = nowMs() - this.#startedMs - hashMs - writeMs;
    this.#parent.post({ kind: "stopped", times: { hashMs, writeMs, waitMs } });
  }
}
