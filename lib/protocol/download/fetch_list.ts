/**
 * What a source has leased, and what of it to ask for next: first what was lost, then what was
 * never asked for, then the next chunk for which there is a buffer. Chunks are begun in the order in
 * which they were leased, and proved when they are complete: the one place where that is done, for
 * every kind of source.
 */
import { type Bytes, type Content, type HashHex, toHex, type TransferId } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import { WANT_RANGES_MAX } from "../../wire/limits.ts";
import { BufferPool } from "./buffer_pool.ts";
import { ChunkBuffer } from "./chunk_buffer.ts";
import { chunkBytesFor, chunkLength } from "../merkle/merkle.ts";
import type { WantRange } from "./want_ledger.ts";

/** Chunks of one file, with the hash that each must have. */
export interface Lease {
  readonly transfer: TransferId;
  readonly content: Content;
  readonly chunks: readonly number[];
  /** 32 bytes per chunk. */
  readonly hashes: Bytes;
}

/** One leased chunk, before and while it is fetched. */
export interface Fetch {
  readonly transfer: TransferId;
  readonly content: Content;
  readonly chunk: number;
  readonly hash: Bytes;
  readonly lengthBytes: number;
  /** Set once it is begun. */
  buffer?: ChunkBuffer;
}

/** What one request asks for; all of one file. */
export interface Plan {
  readonly content: Content;
  readonly ranges: readonly WantRange[];
  /** Bytes that were asked for before. */
  readonly repeatedBytes: number;
}

export class FetchList {
  readonly #pool = new BufferPool();
  #waiting: Fetch[] = [];
  #begun: Fetch[] = [];
  #lost: WantRange[] = [];
  #leasedBytes = 0;

  /** Bytes of all chunks that are leased and not ended. */
  get leasedBytes(): number {
    return this.#leasedBytes;
  }

  /** Whether every leased chunk has been begun. */
  get isAllBegun(): boolean {
    return this.#waiting.length === 0;
  }

  /** Whether nothing is left that could be asked for but what is in flight. */
  get isAllAsked(): boolean {
    const last = this.#begun.at(-1)?.buffer;
    return this.isAllBegun && this.#lost.length === 0 &&
      (last === undefined || last.askedBytes === last.lengthBytes);
  }

  set budgetBytes(bytes: number) {
    this.#pool.budgetBytes = bytes;
  }

  recycle(buffer: Bytes): void {
    this.#pool.give(buffer);
  }

  add(lease: Lease): void {
    lease.chunks.forEach((chunk, i) => {
      const lengthBytes = chunkLength(lease.content.sizeBytes, chunk);
      const hash = lease.hashes.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES);
      const { transfer, content } = lease;
      this.#waiting.push({ transfer, content, chunk, hash, lengthBytes });
      this.#leasedBytes += lengthBytes;
    });
  }

  /** Takes back the right to fetch, and the buffers. */
  drop(isDropped: (fetch: Fetch) => boolean): void {
    for (const fetch of [...this.#waiting, ...this.#begun]) {
      if (isDropped(fetch)) this.end(fetch, true);
    }
    this.#waiting = this.#waiting.filter((fetch) => !isDropped(fetch));
    this.#lost = this.#lost.filter((range) => !range.chunk.isDropped);
  }

  /** Ends a fetch; its buffer comes back here unless it has changed hands. */
  end(fetch: Fetch, keepsBuffer: boolean): void {
    this.#leasedBytes -= fetch.lengthBytes;
    const i = this.#begun.indexOf(fetch);
    if (i >= 0) this.#begun.splice(i, 1);
    if (fetch.buffer === undefined) return;
    fetch.buffer.isDropped = true;
    if (keepsBuffer) this.#pool.give(fetch.buffer.buffer);
  }

  /**
   * Ends the fetch of a chunk that is complete, and proves it. What is proved has its buffer for the
   * caller to hand on; of what is not, the buffer stays here.
   */
  complete(chunk: ChunkBuffer): { readonly fetch: Fetch; readonly isProved: boolean } {
    const fetch = this.fetchOf(chunk)!;
    const isProved = toHex(chunk.hash(fetch.content.sizeBytes)) === toHex(fetch.hash);
    this.end(fetch, !isProved);
    return { fetch, isProved };
  }

  /** The fetch that `chunk` belongs to. */
  fetchOf(chunk: ChunkBuffer): Fetch | undefined {
    return this.#begun.find((fetch) => fetch.buffer === chunk);
  }

  /** Any fetch of the file with this root. */
  findByRoot(root: HashHex): Fetch | undefined {
    return this.#begun.find((fetch) => fetch.content.root === root) ??
      this.#waiting.find((fetch) => fetch.content.root === root);
  }

  /** What a request still lacks must be asked for again. */
  queueLost({ ranges }: { readonly ranges: readonly WantRange[] }): void {
    for (const range of ranges) if (!range.chunk.isDropped) this.#lost.push(range);
  }

  /**
   * The next request of up to `bytes`; what was never asked for is asked for in multiples of
   * `payloadBytes`, as far as there is more, so that its segments are equally long. `undefined` when
   * there is nothing to ask.
   */
  next(bytes: number, payloadBytes: number): Plan | undefined {
    const ranges: WantRange[] = [];
    const repeatedBytes = this.#takeLost(bytes, ranges);
    this.#takeNew(bytes - repeatedBytes, payloadBytes, ranges);
    const chunk = ranges[0]?.chunk;
    if (chunk === undefined) return undefined;
    return { content: this.fetchOf(chunk)!.content, ranges, repeatedBytes };
  }

  #takeLost(bytes: number, ranges: WantRange[]): number {
    const lost = this.#lost.filter((range) => !range.chunk.isDropped);
    this.#lost = [];
    const transfer = lost[0]?.chunk.transfer;
    let leftBytes = bytes;
    for (const range of lost) {
      const { chunk } = range;
      if (chunk.transfer !== transfer || leftBytes === 0 || ranges.length === WANT_RANGES_MAX) {
        this.#lost.push(range);
        continue;
      }
      chunk.gaps(range.start, range.end, (start, end) => {
        const hasRoom = ranges.length < WANT_RANGES_MAX;
        const takenEnd = hasRoom ? Math.min(end, start + leftBytes) : start;
        if (takenEnd > start) ranges.push({ chunk, start, end: takenEnd });
        if (takenEnd < end) this.#lost.push({ chunk, start: takenEnd, end });
        leftBytes -= takenEnd - start;
      });
    }
    return bytes - leftBytes;
  }

  #takeNew(bytes: number, payloadBytes: number, ranges: WantRange[]): void {
    let leftBytes = bytes - bytes % payloadBytes;
    while (leftBytes > 0 && ranges.length < WANT_RANGES_MAX) {
      const chunk = this.#chunkToAsk(ranges[0]?.chunk.transfer);
      if (chunk === undefined) return;
      const start = chunk.askedBytes;
      const end = Math.min(chunk.lengthBytes, start + leftBytes);
      chunk.askedBytes = end;
      ranges.push({ chunk, start, end });
      leftBytes -= end - start;
    }
  }

  /** The chunk that was begun last, while parts of it were never asked for; else the next one. */
  #chunkToAsk(transfer: TransferId | undefined): ChunkBuffer | undefined {
    const isMeant = (id: TransferId): boolean => transfer === undefined || id === transfer;
    const current = this.#begun.at(-1)?.buffer;
    if (current !== undefined && current.askedBytes < current.lengthBytes) {
      return isMeant(current.transfer) ? current : undefined;
    }
    const next = this.#waiting[0];
    if (next === undefined || !isMeant(next.transfer)) return undefined;
    const { sizeBytes } = next.content;
    const chunkBytes = chunkBytesFor(sizeBytes);
    const buffer = this.#pool.take(Math.min(chunkBytes, sizeBytes));
    if (buffer === undefined) return undefined;
    this.#waiting.shift();
    next.buffer = new ChunkBuffer(
      next.transfer,
      next.chunk,
      next.chunk * chunkBytes,
      next.lengthBytes,
      buffer,
    );
    this.#begun.push(next);
    return next.buffer;
  }
}

/** The hashes of `chunks`, for a lease. */
export function chunkHashesOf(layer: Bytes, chunks: readonly number[]): Bytes {
  const hashes = new Uint8Array(chunks.length * HASH_BYTES);
  chunks.forEach((chunk, i) => {
    hashes.set(layer.subarray(chunk * HASH_BYTES, (chunk + 1) * HASH_BYTES), i * HASH_BYTES);
  });
  return hashes;
}
