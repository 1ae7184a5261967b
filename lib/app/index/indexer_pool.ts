/**
 * The indexer workers of a server: started when there is work, given files to hash, ended when there
 * has been none for a while. The caller decides which file is next.
 */
import type { Bytes, FileSignature, SafeFileName } from "../../ids.ts";
import type { ShoalError } from "../../errors.ts";
import type { Runtime } from "../../io/runtime.ts";
import type { ContentPlace } from "../../protocol/base/served_file.ts";
import type { Wakeup } from "../../io/system/clock.ts";
import { WorkerHandle, type WorkReply } from "../../io/system/worker_handle.ts";
import { HASH_READ_BYTES } from "../../io/workers/limits.ts";
import { INDEXER_IDLE_MS, INDEXERS_MAX, JOBS_PER_INDEXER_MAX } from "./limits.ts";
import type { IndexerReply, IndexerRequest } from "../../messages/indexer_worker.ts";
import type { IndexedHashes } from "../../io/store/hash_table.ts";

/** A file to hash, as it looks now. */
export interface HashJob {
  readonly name: SafeFileName;
  readonly place: ContentPlace;
  readonly signature: FileSignature;
}

/** A chunk to compare with the piece layer, of a file as it was indexed. */
export interface CheckJob extends HashJob {
  readonly chunk: number;
  /** Of the chunk, in the piece layer. */
  readonly hash: Bytes;
}

export type CheckFound = Extract<IndexerReply, { kind: "checked" }>["found"];

interface IndexerPoolOptions {
  readonly runtime: Pick<Runtime, "clock" | "workers">;
  onProgress(job: HashJob, hashedBytes: number): void;
  onHashed(job: HashJob, hashes: IndexedHashes, tree: Bytes): void;
  /** The file is not what it was, or not there any more. */
  onChanged(job: HashJob): void;
  onUnreadable(job: HashJob, message: string): void;
  /** A worker broke: its jobs are lost. */
  onFailure(error: ShoalError, lost: readonly HashJob[]): void;
}

/** One worker and what it has to do. */
interface Indexer {
  readonly handle: WorkerHandle<IndexerRequest, IndexerReply>;
  readonly jobs: Map<number, { readonly job: HashJob; bytesLeft: number }>;
  /** Who waits for the outcome of a check. */
  readonly checks: Map<number, (found: CheckFound | undefined) => void>;
  readonly idle: Wakeup;
}

export class IndexerPool {
  readonly #options: IndexerPoolOptions;
  readonly #workersMax: number;
  readonly #workers = new Set<Indexer>();
  /** Workers that were told to stop and have not said that they did. */
  readonly #leaving = new Set<Promise<unknown>>();
  #nextJob = 0;

  constructor(options: IndexerPoolOptions) {
    this.#options = options;
    const cores = options.runtime.workers.coreCount();
    this.#workersMax = Math.min(INDEXERS_MAX, Math.max(1, cores - 1));
  }

  /** Files that are being hashed, or about to be. */
  get jobCount(): number {
    return [...this.#workers].reduce((count, worker) => count + worker.jobs.size, 0);
  }

  /** Whether one more file would be begun soon. */
  get hasRoom(): boolean {
    return this.#workers.size < this.#workersMax || [...this.#workers].some(hasRoom);
  }

  /** Whether one more file may be put in front of those that are being hashed. */
  get canPreempt(): boolean {
    return this.hasRoom ||
      [...this.#workers].some((worker) => worker.jobs.size < JOBS_PER_INDEXER_MAX);
  }

  isHashing(name: SafeFileName): boolean {
    return [...this.#workers].some((worker) =>
      [...worker.jobs.values()].some(({ job }) => job.name === name)
    );
  }

  /** Hashes a file: after those that are being hashed, or before them if it is urgent. */
  start(job: HashJob, isUrgent: boolean): void {
    const worker = this.#workerForNext();
    const id = this.#nextJob++;
    worker.idle.clear();
    worker.jobs.set(id, { job, bytesLeft: job.signature.sizeBytes });
    const { place, signature } = job;
    worker.handle.post({ kind: "hash", job: id, place, signature, isUrgent });
  }

  /** Reads one chunk again, before anything else; `undefined` when the worker broke or was ended. */
  check(job: CheckJob): Promise<CheckFound | undefined> {
    const worker = this.#workerForNext();
    const id = this.#nextJob++;
    const { promise, resolve } = Promise.withResolvers<CheckFound | undefined>();
    worker.idle.clear();
    worker.checks.set(id, resolve);
    const { place, signature, chunk, hash } = job;
    worker.handle.post({ kind: "check", job: id, place, signature, chunk, hash });
    return promise;
  }

  /** Gives up hashing `name`, if that is being done. */
  cancel(name: SafeFileName): void {
    for (const worker of this.#workers) {
      for (const [id, { job }] of worker.jobs) {
        if (job.name !== name) continue;
        worker.handle.post({ kind: "cancel", job: id });
        this.#take(worker, id);
      }
    }
  }

  /** Ends every worker; nothing is reported afterwards. */
  async close(): Promise<void> {
    for (const worker of this.#workers) this.#dismiss(worker);
    await Promise.all(this.#leaving);
  }

  #workerForNext(): Indexer {
    const workers = [...this.#workers].sort((a, b) => bytesLeft(a) - bytesLeft(b));
    const idle = workers.find((worker) => worker.jobs.size === 0);
    if (idle !== undefined) return idle;
    if (this.#workers.size < this.#workersMax) return this.#open();
    return workers.find((worker) => worker.jobs.size < JOBS_PER_INDEXER_MAX) ?? workers[0]!;
  }

  #open(): Indexer {
    const { runtime } = this.#options;
    const worker: Indexer = {
      handle: new WorkerHandle<IndexerRequest, IndexerReply>(runtime, "indexer.ts", {
        init: { kind: "init" },
        onReply: (reply) => this.#onReply(worker, reply),
        onFailure: (error) => this.#fail(worker, error),
      }),
      jobs: new Map(),
      checks: new Map(),
      idle: runtime.clock.timer(() => this.#dismiss(worker)),
    };
    this.#workers.add(worker);
    return worker;
  }

  #dismiss(worker: Indexer): void {
    worker.idle.clear();
    worker.jobs.clear();
    loseChecks(worker);
    this.#workers.delete(worker);
    const ended: Promise<unknown> = worker.handle.end().then(() => this.#leaving.delete(ended));
    this.#leaving.add(ended);
  }

  #onReply(worker: Indexer, reply: WorkReply<IndexerReply>): void {
    switch (reply.kind) {
      case "cancelled":
        return;
      case "progress":
        return this.#onProgress(worker, reply.job, reply.hashedBytes);
      case "hashed": {
        const job = this.#take(worker, reply.job);
        if (job) this.#options.onHashed(job, reply, reply.tree);
        return;
      }
      case "changed": {
        const job = this.#take(worker, reply.job);
        if (job) this.#options.onChanged(job);
        return;
      }
      case "unreadable": {
        const job = this.#take(worker, reply.job);
        if (job) this.#options.onUnreadable(job, reply.message);
        return;
      }
      case "checked":
        worker.checks.get(reply.job)?.(reply.found);
        worker.checks.delete(reply.job);
        return this.#restIfIdle(worker);
      default:
        reply satisfies never;
    }
  }

  #onProgress(worker: Indexer, id: number, hashedBytes: number): void {
    const entry = worker.jobs.get(id);
    if (entry === undefined) return;
    entry.bytesLeft = entry.job.signature.sizeBytes - hashedBytes;
    this.#options.onProgress(entry.job, hashedBytes);
  }

  /** Takes a job off its worker; `undefined` when it was given up meanwhile. */
  #take(worker: Indexer, id: number): HashJob | undefined {
    const entry = worker.jobs.get(id);
    worker.jobs.delete(id);
    this.#restIfIdle(worker);
    return entry?.job;
  }

  #restIfIdle(worker: Indexer): void {
    if (worker.jobs.size + worker.checks.size > 0 || !this.#workers.has(worker)) return;
    worker.idle.set(this.#options.runtime.clock.nowMs() + INDEXER_IDLE_MS);
  }

  #fail(worker: Indexer, error: ShoalError): void {
    const lost = [...worker.jobs.values()].map(({ job }) => job);
    const isAtWork = this.#workers.delete(worker);
    worker.idle.clear();
    worker.handle.terminate();
    loseChecks(worker);
    if (isAtWork) this.#options.onFailure(error, lost);
  }
}

/** A worker with little to do is given more, so that it need not wait between small files. */
function hasRoom(worker: Indexer): boolean {
  if (worker.jobs.size === 0) return true;
  return worker.jobs.size < JOBS_PER_INDEXER_MAX && bytesLeft(worker) < HASH_READ_BYTES;
}

function loseChecks({ checks }: Indexer): void {
  for (const resolve of checks.values()) resolve(undefined);
  checks.clear();
}

function bytesLeft(worker: Indexer): number {
  let bytes = 0;
  for (const entry of worker.jobs.values()) bytes += entry.bytesLeft;
  return bytes;
}
