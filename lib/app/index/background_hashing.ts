/** Hashes the catalogue's pending files in the background, and makes them ready. */
import type { Bytes, SafeFileName } from "../../ids.ts";
import type { Runtime } from "../../io/runtime.ts";
import type { IndexedHashes } from "../../io/store/hash_table.ts";
import type { ContentPlace } from "../../protocol/base/served_file.ts";
import type { Catalogue } from "../../protocol/serve/catalogue.ts";
import { RateMeter } from "../../protocol/base/rate_meter.ts";
import { HashQueue } from "./hash_queue.ts";
import { type CheckFound, type CheckJob, type HashJob, IndexerPool } from "./indexer_pool.ts";

interface BackgroundHashingOptions {
  readonly runtime: Runtime;
  readonly catalogue: Catalogue;
  readonly placeOf: (name: SafeFileName) => ContentPlace;
  /** What a file hashed to: it is ready after this. */
  onHashed(job: HashJob, hashes: IndexedHashes, tree: Bytes): void;
  onReady(name: SafeFileName): void;
  /** What was to be hashed is not what it was, or cannot be found inside the folder. */
  onChanged(job: HashJob): void;
  onUnreadable(job: HashJob, message: string): void;
}

export class BackgroundHashing {
  readonly #options: BackgroundHashingOptions;
  readonly #queue = new HashQueue();
  readonly #pool: IndexerPool;
  #meter: RateMeter;
  /** Of each file that is being hashed. */
  readonly #meters = new Map<SafeFileName, RateMeter>();

  constructor(options: BackgroundHashingOptions) {
    this.#options = options;
    this.#meter = new RateMeter(options.runtime.clock.nowMs());
    const { runtime, catalogue } = options;
    this.#pool = new IndexerPool({
      runtime,
      onProgress: (job, hashedBytes) => this.#onProgress(job.name, hashedBytes),
      onHashed: (job, hashes, tree) => {
        this.#onProgress(job.name, job.signature.sizeBytes);
        this.#meters.delete(job.name);
        options.onHashed(job, hashes, tree);
        catalogue.ready(job.name, hashes);
        options.onReady(job.name);
        this.#pump();
      },
      onChanged: (job) => {
        this.#meters.delete(job.name);
        options.onChanged(job);
        this.#pump();
      },
      onUnreadable: (job, message) => {
        this.#meters.delete(job.name);
        options.onUnreadable(job, message);
        this.#pump();
      },
      onFailure: (error, lost) => {
        for (const { name } of lost) this.#meters.delete(name);
        for (const job of lost) options.onUnreadable(job, error.message);
        this.#pump();
      },
    });
  }

  /** All of it together, lately. */
  get bytesPerS(): number {
    return this.#meter.read(this.#options.runtime.clock.nowMs());
  }

  /** One file, lately; 0 while it is not being hashed. */
  bytesPerSOf(name: SafeFileName): number {
    return this.#meters.get(name)?.read(this.#options.runtime.clock.nowMs()) ?? 0;
  }

  /**
   * Hashes a pending file when its turn comes; at once, or nearly, if it is urgent.
   *
   * @param party who waits for it, where it is urgent
   */
  add(name: SafeFileName, party?: string): void {
    if (this.#pool.isHashing(name)) return;
    if (party !== undefined) this.#queue.addUrgent(name, party);
    else this.#queue.add(name);
    this.#pump();
  }

  /** Forgets and stops everything about this file. */
  forget(name: SafeFileName): void {
    this.#queue.delete(name);
    this.#pool.cancel(name);
    this.#meters.delete(name);
  }

  /** Reads a chunk again; `undefined` when that came to nothing. */
  check(job: CheckJob): Promise<CheckFound | undefined> {
    return this.#pool.check(job);
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  #onProgress(name: SafeFileName, hashedBytes: number): void {
    const { catalogue } = this.#options;
    const addedBytes = hashedBytes - (catalogue.find(name)?.hashedBytes ?? hashedBytes);
    this.#meter.add(addedBytes);
    this.#meters.get(name)?.add(addedBytes);
    catalogue.progress(name, hashedBytes);
  }

  #pump(): void {
    while (this.#pool.hasRoom || (this.#queue.hasUrgent && this.#pool.canPreempt)) {
      const next = this.#queue.take();
      if (next === undefined) return;
      const entry = this.#options.catalogue.find(next.name);
      if (entry === undefined) continue;
      // Time without work is not slowness.
      if (this.#pool.jobCount === 0) {
        this.#meter = new RateMeter(this.#options.runtime.clock.nowMs());
      }
      this.#meters.set(entry.name, new RateMeter(this.#options.runtime.clock.nowMs()));
      const { name, signature } = entry;
      const place = this.#options.placeOf(name);
      this.#pool.start({ name, signature, place }, next.isUrgent);
    }
  }
}
