/** The session worker's end of its digest worker, which is started when there is something to hash. */
import type { Bytes, HashHex } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { UPLOAD_BUFFER_BYTES, UPLOAD_BUFFERS_MAX } from "./limits.ts";
import type { DigestReply, DigestRequest } from "../../messages/digest_worker.ts";
import type { ServedFile } from "../../protocol/base/served_file.ts";
import type { Runtime } from "../runtime.ts";
import { WorkerHandle, type WorkReply, type WorkRequest } from "../system/worker_handle.ts";

/** What a stream hashed to, beside its SHA-256. */
export interface StreamDigests {
  /** 32 lower-case hex digits. */
  readonly md5: string;
  readonly root: HashHex;
  /** The piece layer and the rows above its pages. */
  readonly tree: Bytes;
}

export class Digests {
  readonly #runtime: Runtime;
  #worker: WorkerHandle<DigestRequest, DigestReply> | undefined;
  #nextJob = 0;
  /** Buffers that are not filled, and how many there are in all. */
  readonly #free: Bytes[] = [];
  #bufferCount = 0;
  #waiting: PromiseWithResolvers<Bytes>[] = [];
  readonly #streams = new Map<number, PromiseWithResolvers<StreamDigests>>();
  readonly #files = new Map<number, PromiseWithResolvers<string | undefined>>();
  /** Whether it was started for streams: whoever sends one has no other way to learn its hashes. */
  #isNeeded = false;
  readonly #onFailure: (error: ShoalError) => void;

  constructor(runtime: Runtime, onFailure: (error: ShoalError) => void) {
    this.#runtime = runtime;
    this.#onFailure = onFailure;
  }

  /** Starts the worker before there is anything to hash, so that the first need not wait for it. */
  warmUp(): void {
    this.#isNeeded = true;
    this.#worker ??= this.#start();
  }

  /** An empty buffer of `UPLOAD_BUFFER_BYTES`, as soon as one is free. */
  buffer(): Promise<Bytes> {
    const free = this.#free.pop();
    if (free !== undefined) return Promise.resolve(free);
    if (this.#bufferCount < UPLOAD_BUFFERS_MAX) {
      this.#bufferCount += 1;
      return Promise.resolve(new Uint8Array(UPLOAD_BUFFER_BYTES));
    }
    const waiting = Promise.withResolvers<Bytes>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  /** A buffer that was not needed after all. */
  giveBack(buffer: Bytes): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#free.push(buffer);
    else waiting.resolve(buffer);
  }

  /** Begins a stream; returns its number. */
  begin(sizeBytes: number): number {
    this.warmUp();
    const job = this.#nextJob++;
    this.#post({ kind: "begin", job, sizeBytes });
    return job;
  }

  /** The next bytes of a stream; the buffer is no longer the caller's. */
  update(job: number, buffer: Bytes, lengthBytes: number): void {
    this.#post({ kind: "update", job, buffer, lengthBytes }, [buffer.buffer]);
  }

  finish(job: number): Promise<StreamDigests> {
    const finished = Promise.withResolvers<StreamDigests>();
    this.#streams.set(job, finished);
    this.#post({ kind: "finish", job });
    return finished.promise;
  }

  drop(job: number): void {
    this.#post({ kind: "drop", job });
  }

  /** The MD5 of a file; `undefined` if it is not what was indexed. */
  md5Of(file: ServedFile): Promise<string | undefined> {
    const job = this.#nextJob++;
    const hashed = Promise.withResolvers<string | undefined>();
    this.#files.set(job, hashed);
    this.#post({ kind: "file", job, file });
    return hashed.promise;
  }

  async close(): Promise<void> {
    if (this.#worker === undefined) return;
    await this.#worker.end();
    this.#giveUp(new ShoalError("interrupted", "the server stops"));
  }

  #post(request: WorkRequest<DigestRequest>, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker ??= this.#start();
    this.#worker.post(request, transfer);
  }

  #start(): WorkerHandle<DigestRequest, DigestReply> {
    return new WorkerHandle<DigestRequest, DigestReply>(this.#runtime, "digest.ts", {
      init: { kind: "init" },
      onReply: (reply) => this.#onReply(reply),
      onFailure: (error) => {
        this.#giveUp(error);
        if (this.#isNeeded) return this.#onFailure(error);
        // The next file is another attempt.
        this.#worker?.terminate();
        this.#worker = undefined;
      },
    });
  }

  #onReply(reply: WorkReply<DigestReply>): void {
    switch (reply.kind) {
      case "recycle":
        return this.giveBack(reply.buffer);
      case "finished":
        this.#streams.get(reply.job)?.resolve(reply);
        this.#streams.delete(reply.job);
        return;
      case "hashed":
        this.#files.get(reply.job)?.resolve(reply.md5);
        this.#files.delete(reply.job);
        return;
      default:
        reply satisfies never;
    }
  }

  /** No answers will come any more. */
  #giveUp(error: ShoalError): void {
    for (const stream of this.#streams.values()) stream.reject(error);
    for (const waiting of this.#waiting) waiting.reject(error);
    for (const file of this.#files.values()) file.resolve(undefined);
    this.#streams.clear();
    this.#waiting = [];
    this.#files.clear();
  }
}
