/**
 * The indexer workers of a server: started when there is work, given files to hash, ended when there
 * has been none for a while. Which file is next is not decided here.
 */
import type { Bytes, FileSignature, SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { nowMs, WakeupTimer } from "../../io/system/clock.ts";
import { coreCount, startWorker, type WorkerPort } from "../../io/system/worker_port.ts";
import { HASH_READ_BYTES } from "../../io/workers/limits.ts";
import { INDEXER_IDLE_MS, INDEXERS_MAX, JOBS_PER_INDEXER_MAX } from "./limits.ts";
import type { IndexerReply, IndexerRequest } from "../../messages/indexer.ts";
import type { IndexedHashes } from "../../io/store/hash_table.ts";

/** A file to hash, as it looks now. */
export interface HashJob {
  readonly name: SafeFileName;
  readonly signature: FileSignature;
}

export interface IndexerPoolOptions {
  readonly dir: string;
  onProgress(job: HashJob, hashedBytes: number): void;
  onHashed(job: HashJob, hashes: IndexedHashes, layer: Bytes): void;
  /** The file is not what it was, or not there any more. */
  onChanged(job: HashJob): void;
  onUnreadable(job: HashJob, message: string): void;
  /** A worker broke: its jobs are lost. */
  onFailure(error: ShoalError, lost: readonly HashJob[]): void;
}

/** One worker and what it has to do. */
interface Seat {
  readonly port: WorkerPort<IndexerReply, IndexerRequest>;
  readonly jobs: Map<number, { readonly job: HashJob; bytesLeft: number }>;
  readonly idle: WakeupTimer;
  readonly stopped: PromiseWithResolvers<void>;
}

export class IndexerPool {
  readonly #options: IndexerPoolOptions;
  readonly #seatsMax = Math.min(INDEXERS_MAX, Math.max(1, coreCount() - 1));
  readonly #seats = new Set<Seat>();
  /** Seats that were told to stop and have not said that they did. */
  readonly #leaving = new Set<Seat>();
  #nextJob = 0;

  constructor(options: IndexerPoolOptions) {
    this.#options = options;
  }

  /** Files that are being hashed, or about to be. */
  get jobCount(): number {
    return [...this.#seats].reduce((count, seat) => count + seat.jobs.size, 0);
  }

  /** Whether one more file would be begun soon. */
  get hasRoom(): boolean {
    return this.#seats.size < this.#seatsMax || [...this.#seats].some(hasRoom);
  }

  /** Whether one more file may be put in front of those that are being hashed. */
  get canPreempt(): boolean {
    return this.hasRoom || [...this.#seats].some((seat) => seat.jobs.size < JOBS_PER_INDEXER_MAX);
  }

  isHashing(name: SafeFileName): boolean {
    return [...this.#seats].some((seat) =>
      [...seat.jobs.values()].some(({ job }) => job.name === name)
    );
  }

  /** Hashes a file: after those that are being hashed, or before them if it is urgent. */
  start(job: HashJob, isUrgent: boolean): void {
    const seat = this.#seatForNext();
    const id = this.#nextJob++;
    seat.idle.clear();
    seat.jobs.set(id, { job, bytesLeft: job.signature.sizeBytes });
    seat.port.post({ kind: "hash", job: id, dir: this.#options.dir, ...job, isUrgent });
  }

  /** Gives up hashing `name`, if that is being done. */
  cancel(name: SafeFileName): void {
    for (const seat of this.#seats) {
      for (const [id, { job }] of seat.jobs) {
        if (job.name !== name) continue;
        seat.port.post({ kind: "cancel", job: id });
        this.#take(seat, id);
      }
    }
  }

  /** Ends every worker; nothing is reported afterwards. */
  async close(): Promise<void> {
    for (const seat of this.#seats) this.#dismiss(seat);
    await Promise.all([...this.#leaving].map((seat) => seat.stopped.promise));
  }

  #seatForNext(): Seat {
    const seats = [...this.#seats].sort((a, b) => bytesLeft(a) - bytesLeft(b));
    const idle = seats.find((seat) => seat.jobs.size === 0);
    if (idle !== undefined) return idle;
    if (this.#seats.size < this.#seatsMax) return this.#open();
    return seats.find((seat) => seat.jobs.size < JOBS_PER_INDEXER_MAX) ?? seats[0]!;
  }

  #open(): Seat {
    const port = startWorker<IndexerReply, IndexerRequest>("indexer.ts");
    const seat: Seat = {
      port,
      jobs: new Map(),
      idle: new WakeupTimer(() => this.#dismiss(seat)),
      stopped: Promise.withResolvers(),
    };
    this.#seats.add(seat);
    port.onError((error) => this.#fail(seat, error));
    port.onMessage((reply) => this.#onReply(seat, reply));
    port.post({ kind: "init" });
    return seat;
  }

  #dismiss(seat: Seat): void {
    seat.idle.clear();
    seat.jobs.clear();
    this.#seats.delete(seat);
    this.#leaving.add(seat);
    seat.port.post({ kind: "stop" });
  }

  #onReply(seat: Seat, reply: IndexerReply): void {
    switch (reply.kind) {
      case "ready":
      case "cancelled":
        return;
      case "progress":
        return this.#onProgress(seat, reply.job, reply.hashedBytes);
      case "hashed": {
        const job = this.#take(seat, reply.job);
        if (job) this.#options.onHashed(job, reply, reply.layer);
        return;
      }
      case "changed": {
        const job = this.#take(seat, reply.job);
        if (job) this.#options.onChanged(job);
        return;
      }
      case "unreadable": {
        const job = this.#take(seat, reply.job);
        if (job) this.#options.onUnreadable(job, reply.message);
        return;
      }
      case "failed":
        return this.#fail(seat, ShoalError.fromMessage(reply.error));
      case "stopped":
        return this.#end(seat);
      default:
        reply satisfies never;
    }
  }

  #onProgress(seat: Seat, id: number, hashedBytes: number): void {
    const entry = seat.jobs.get(id);
    if (entry === undefined) return;
    entry.bytesLeft = entry.job.signature.sizeBytes - hashedBytes;
    this.#options.onProgress(entry.job, hashedBytes);
  }

  /** Takes a job off its seat; `undefined` when it was given up meanwhile. */
  #take(seat: Seat, id: number): HashJob | undefined {
    const entry = seat.jobs.get(id);
    seat.jobs.delete(id);
    if (seat.jobs.size === 0 && this.#seats.has(seat)) seat.idle.set(nowMs() + INDEXER_IDLE_MS);
    return entry?.job;
  }

  #fail(seat: Seat, error: ShoalError): void {
    const lost = [...seat.jobs.values()].map(({ job }) => job);
    const isAtWork = this.#seats.delete(seat);
    this.#end(seat);
    if (isAtWork) this.#options.onFailure(error, lost);
  }

  #end(seat: Seat): void {
    seat.idle.clear();
    seat.port.close();
    this.#leaving.delete(seat);
    seat.stopped.resolve();
  }
}

/** A worker with little to do is given more, so that it need not wait between small files. */
function hasRoom(seat: Seat): boolean {
  if (seat.jobs.size === 0) return true;
  return seat.jobs.size < JOBS_PER_INDEXER_MAX && bytesLeft(seat) < HASH_READ_BYTES;
}

function bytesLeft(seat: Seat): number {
  let bytes = 0;
  for (const entry of seat.jobs.values()) bytes += entry.bytesLeft;
  return bytes;
}
