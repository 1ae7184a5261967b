/**
 * Runs the assembler in its worker: takes proved chunks from any number of receivers, writes them,
 * gives their buffers back, and publishes what is whole. Work that takes long (hashing what lies on
 * disk) is done in slices, so that buffers keep coming back meanwhile.
 */
import type { TransferId } from "../ids.ts";
import { ShoalError } from "../errors.ts";
import { CHUNK_BYTES_MAX, JOURNAL_INTERVAL_MS } from "../limits.ts";
import type { AssemblerReply, AssemblerRequest } from "../messages/assembler.ts";
import type { ChunkMessage, RecycleMessage } from "../messages/chunk_feed.ts";
import { nowMs, sleep, yieldToEvents } from "./clock.ts";
import { syncFolder } from "./file_target.ts";
import {
  type DiskTimes,
  FileTransfer,
  transferFailed,
  type TransferRequest,
} from "./file_transfer.ts";
import { findPresent } from "./present_file.ts";
import { targetNames } from "./target_names.ts";
import { channelPort, type WorkerPort } from "./worker_port.ts";

type Parent = WorkerPort<AssemblerRequest, AssemblerReply>;
type Feed = WorkerPort<ChunkMessage, RecycleMessage>;
type Finished = Extract<AssemblerReply, { kind: "finished" }>;

/** Waits for `init`, then works until `stop`. */
export function runAssembler(parent: Parent): void {
  let driver: AssemblerDriver | undefined;
  parent.onMessage((message) => {
    try {
      if (message.kind === "init") driver = new AssemblerDriver(parent);
      else driver?.onRequest(message);
    } catch (error) {
      parent.post({ kind: "failed", error: ShoalError.from(error).toMessage() });
    }
  });
}

class AssemblerDriver {
  readonly #parent: Parent;
  readonly #feeds: Feed[] = [];
  readonly #transfers = new Map<TransferId, FileTransfer>();
  /** Transfers whose target is still being looked at. */
  readonly #opening = new Set<TransferId>();
  readonly #advancing = new Set<TransferId>();
  readonly #scratch = new Uint8Array(CHUNK_BYTES_MAX);
  readonly #times: DiskTimes = { hashMs: 0, writeMs: 0 };
  readonly #startedMs = nowMs();
  readonly #stopping = new AbortController();
  /** Published, but not yet safe from a power cut: one folder sync for as many as a turn brings. */
  #unsynced: (Finished & { readonly folder: string })[] = [];

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
        return this.#guard(request.transfer, (transfer) => {
          transfer.layer = request.layer;
          this.#advance(request.transfer);
        });
      case "abort":
        return this.#abort(request.transfer, request.keep);
      case "stop":
        return this.#stop();
      default:
        request satisfies never;
    }
  }

  #addFeed(port: MessagePort): void {
    const feed = channelPort<ChunkMessage, RecycleMessage>(port);
    this.#feeds.push(feed);
    feed.onMessage(({ transfer: id, chunk, bytes, buffer }) => {
      this.#guard(id, (transfer) => transfer.write(chunk, buffer.subarray(0, bytes)));
      feed.post({ kind: "recycle", buffer }, [buffer.buffer]);
      this.#advance(id);
    });
  }

  async #open(request: TransferRequest): Promise<void> {
    const { transfer: id, outDir, name, content } = request;
    this.#opening.add(id);
    try {
      const names = targetNames(outDir, name, content.root.slice(0, 8));
      const present = await findPresent(names, content.sizeBytes, content.sha256);
      if (!this.#opening.delete(id)) return;
      if (present !== undefined) {
        return this.#parent.post({ kind: "present", transfer: id, path: present });
      }
      const transfer = new FileTransfer(request, this.#times);
      this.#transfers.set(id, transfer);
      this.#parent.post(transfer.opened);
      this.#advance(id);
    } catch (error) {
      this.#opening.delete(id);
      this.#parent.post(transferFailed(id, error));
    }
  }

  /** Takes the pass as far as it goes, a chunk a turn. */
  async #advance(id: TransferId): Promise<void> {
    if (this.#advancing.has(id)) return;
    this.#advancing.add(id);
    for (let hasMore = true; hasMore;) {
      hasMore = false;
      this.#guard(id, (transfer) => hasMore = this.#advanceOnce(id, transfer));
      if (hasMore) await yieldToEvents();
    }
    this.#advancing.delete(id);
  }

  #advanceOnce(id: TransferId, transfer: FileTransfer): boolean {
    if (transfer.isPassed) {
      this.#finish(id, transfer);
      return false;
    }
    const { hasMore, bad } = transfer.advance(this.#scratch);
    if (bad !== undefined) this.#parent.post({ kind: "unproved", transfer: id, chunks: [bad] });
    return hasMore || transfer.isPassed;
  }

  #finish(id: TransferId, transfer: FileTransfer): void {
    const end = transfer.finish();
    this.#transfers.delete(id);
    if (end.kind === "unverified") return this.#parent.post({ ...end, transfer: id });
    this.#unsynced.push({ ...end, transfer: id, folder: transfer.names.folder });
    if (this.#unsynced.length === 1) this.#syncFolders();
  }

  /** One sync a folder for everything that was published in the same turn. */
  async #syncFolders(): Promise<void> {
    await yieldToEvents();
    const published = this.#unsynced;
    this.#unsynced = [];
    for (const folder of new Set(published.map((each) => each.folder))) syncFolder(folder);
    for (const { transfer, path } of published) {
      this.#parent.post({ kind: "finished", transfer, path });
    }
  }

  #abort(id: TransferId, keeps: boolean): void {
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
      this.#transfers.delete(id);
      this.#parent.post(transferFailed(id, error));
      try {
        transfer.keep();
      } catch {
        // The disk has said what is wrong already.
      }
    }
  }

  async #keepJournals(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await sleep(JOURNAL_INTERVAL_MS, signal);
      for (const id of this.#transfers.keys()) this.#guard(id, (each) => each.saveJournal());
    }
  }

  #stop(): void {
    this.#stopping.abort();
    for (const id of [...this.#transfers.keys()]) this.#abort(id, true);
    for (const feed of this.#feeds) feed.close();
    const { hashMs, writeMs } = this.#times;
    const waitMs = nowMs() - this.#startedMs - hashMs - writeMs;
    this.#parent.post({ kind: "stopped", times: { receiveMs: 0, hashMs, writeMs, waitMs } });
  }
}
