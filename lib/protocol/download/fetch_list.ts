/**
 * What a source has leased, and what of it to ask for next: first what was lost, then what was
 * never asked for, then the next chunk for which there is a buffer. Chunks are begun in the order in
 * which they were leased, but for those whose pack is waited for, and proved when they are complete: the one place where
 * that is done, for every kind of source.
 *
 * Chunks of a span come in one pack once that is known. It is fetched as a content of its own, as units of folders are,
 * beside the buffers of its chunks; these are leased, revoked and counted as ever.
 */
import { type Bytes, type Content, type HashHex, toHex, type TransferId } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import { WANT_RANGES_MAX } from "../../wire/limits.ts";
import { BufferPool } from "./buffer_pool.ts";
import { UNIT_BUFFER_BYTES_MIN } from "./limits.ts";
import { ChunkBuffer } from "./chunk_buffer.ts";
import {
  type Fetch,
  isPack,
  type PackFetch,
  packFetch,
  type PackRef,
  type Proved,
  type Span,
  unpacked,
} from "./fetch.ts";
import { chunkBytesFor, chunkLength } from "../merkle/merkle.ts";
import type { WantRange } from "./want_ledger.ts";

/** A chunk that is a content of its own: a file of a folder, or a bundle of them. */
export interface LeasedUnit extends Pick<Content, "root" | "sizeBytes"> {
  /** Bytes of the files in it; a single one is no bundle. */
  readonly parts: readonly number[];
}

/** Chunks of one transfer, with the hash that each must have. */
export interface Lease {
  readonly transfer: TransferId;
  readonly content: Content;
  readonly chunks: readonly number[];
  /** 32 bytes per chunk. */
  readonly hashes: Bytes;
  /** One per chunk, where they are units of a folder and no parts of one file. */
  readonly units?: readonly LeasedUnit[];
}

/** What has become of what was complete. */
interface Completed {
  readonly proved: readonly Proved[];
  /** Chunks that are not what they should be. */
  readonly bad: readonly Fetch[];
  /** What was asked for; a pack where the chunks came in one. */
  readonly asked: Fetch;
  /** Whether it is what its server said that it is, and that was no good: nothing on the way can do that. */
  readonly isServersWord: boolean;
  /** Bytes that did not have to travel. */
  readonly savedBytes: number;
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
  /** By transfer and chunk, in the order in which they were leased. */
  readonly #waiting = new Map<string, Fetch>();
  #begun: (Fetch | PackFetch)[] = [];
  /** Chunks whose pack is on its way. */
  readonly #packed = new Map<string, { readonly fetch: Fetch; readonly pack: PackFetch }>();
  #lost: WantRange[] = [];
  #leasedBytes = 0;
  #newsCount = 0;

  /** Bytes of all chunks that are leased and not ended. */
  get leasedBytes(): number {
    return this.#leasedBytes;
  }

  /** Whether every leased chunk has been begun. */
  get isAllBegun(): boolean {
    return this.#waiting.size === 0;
  }

  /** Whether nothing is left that could be asked for but what is in flight. */
  get isAllAsked(): boolean {
    const last = this.#begun.at(-1)?.buffer;
    return this.isAllBegun && this.#lost.length === 0 &&
      (last === undefined || last.askedBytes === last.lengthBytes);
  }

  /** Grows whenever there may be more of which packs can be asked for. */
  get newsCount(): number {
    return this.#newsCount;
  }

  /** What has not been begun, in the order in which it was leased. */
  get waiting(): Iterable<Fetch> {
    return this.#waiting.values();
  }

  set budgetBytes(bytes: number) {
    this.#pool.budgetBytes = bytes;
  }

  recycle(buffer: Bytes): void {
    this.#pool.give(buffer);
  }

  /** What is leased already is not leased twice. */
  add(lease: Lease): void {
    this.#newsCount += 1;
    lease.chunks.forEach((chunk, i) => {
      if (this.#fetchOf(lease.transfer, chunk) !== undefined) return;
      const fetch = fetchOf(lease, i);
      this.#waiting.set(keyOf(lease.transfer, chunk), fetch);
      this.#leasedBytes += fetch.lengthBytes;
    });
  }

  /** Takes back the right to fetch these, and their buffers. */
  revoke(transfer: TransferId, chunks: readonly number[]): void {
    for (const chunk of chunks) {
      const fetch = this.#fetchOf(transfer, chunk);
      if (fetch !== undefined) this.end(fetch, true);
    }
    this.#forgetDropped();
  }

  /** Takes back the right to fetch anything of this transfer, or anything at all, and the buffers. */
  drop(transfer?: TransferId): void {
    const packed = [...this.#packed.values()].map(({ fetch }) => fetch);
    const begun = this.#begun.filter((each) => !isPack(each));
    for (const fetch of [...this.#waiting.values(), ...packed, ...begun]) {
      if (transfer === undefined || fetch.transfer === transfer) this.end(fetch, true);
    }
    this.#forgetDropped();
  }

  /** Ends a fetch; its buffer comes back here unless it has changed hands. */
  end(fetch: Fetch, keepsBuffer: boolean): void {
    this.#leasedBytes -= fetch.lengthBytes;
    this.#waiting.delete(keyOf(fetch.transfer, fetch.chunk));
    if (!this.#unpackFrom(fetch, keepsBuffer)) this.#takeBuffer(fetch, keepsBuffer);
  }

  /**
   * The buffer of a chunk of which something has come unasked, begun now unless it was before;
   * `undefined` where the chunk is not leased or comes in a pack, or there is no buffer for it.
   */
  begin(transfer: TransferId, chunk: number): ChunkBuffer | undefined {
    const fetch = this.#fetchOf(transfer, chunk);
    if (fetch === undefined || this.#packed.has(keyOf(transfer, chunk))) return undefined;
    return fetch.buffer ?? this.#begin(fetch);
  }

  /** Gives up what has come of a chunk, and its buffer; it may be begun again. */
  abandon(chunk: ChunkBuffer): void {
    const fetch = this.fetchOf(chunk);
    if (fetch === undefined) return;
    this.#takeBuffer(fetch, true);
    this.#waiting.set(keyOf(fetch.transfer, fetch.chunk), fetch);
    this.#forgetDropped();
  }

  /**
   * Ends the fetch of a chunk that is complete, or of the chunks of a pack, and proves them. What is proved has its
   * buffer for the caller to hand on; of what is not, the buffer stays here.
   */
  complete(chunk: ChunkBuffer): Completed {
    const fetch = this.fetchOf(chunk)!;
    const isProved = toHex(chunk.hash(fetch.content.sizeBytes)) === toHex(fetch.hash);
    if (isPack(fetch)) return this.#completePack(fetch, chunk, isProved);
    this.end(fetch, !isProved);
    return {
      proved: isProved ? [{ fetch, buffer: chunk.buffer }] : [],
      bad: isProved ? [] : [fetch],
      asked: fetch,
      isServersWord: false,
      savedBytes: 0,
    };
  }

  #completePack(pack: PackFetch, chunk: ChunkBuffer, isAsNamed: boolean): Completed {
    const { span } = pack;
    const { proved, bad } = isAsNamed
      ? unpacked(pack)
      : { proved: [], bad: [...pack.buffers.keys()] };
    for (const { fetch } of proved) this.end(fetch, false);
    for (const fetch of bad) this.end(fetch, true);
    const isServersWord = isAsNamed && bad.length > 0;
    const savedBytes = span.lengthBytes - chunk.lengthBytes;
    return { proved, bad, asked: pack, isServersWord, savedBytes };
  }

  // — Packs —————————————————————————————————————————————————————————————————————————————————————

  /** The chunks of a span are fetched as they are from now on, if they are not begun; those in its pack begin anew. */
  unpack({ fetches }: Span): void {
    for (const fetch of fetches) {
      delete fetch.span;
      fetch.goesPlain = true;
      if (this.#unpackFrom(fetch, true)) {
        this.#waiting.set(keyOf(fetch.transfer, fetch.chunk), fetch);
      }
    }
    this.#forgetDropped();
  }

  /** The same of all spans. */
  unpackAll(): void {
    const fetches = [...this.#waiting.values(), ...[...this.#packed.values()].map((e) => e.fetch)];
    for (const span of new Set(fetches.map(({ span }) => span))) {
      if (span !== undefined) this.unpack(span);
    }
  }

  /** What is not begun may be asked for again: the packs that were named are no more. */
  forgetPacks(): void {
    this.#newsCount += 1;
    for (const fetch of this.#waiting.values()) {
      if (fetch.span?.pack !== undefined) delete fetch.span;
    }
  }

  /** The span whose pack `fetch` is, if it is one. */
  spanOf(fetch: object): Span | undefined {
    return isPack(fetch) ? fetch.span : undefined;
  }

  /** The fetch that `chunk` belongs to. */
  fetchOf(chunk: ChunkBuffer): Fetch | undefined {
    return this.#begun.find((fetch) => fetch.buffer === chunk);
  }

  /** Any fetch of the file with this root. */
  findByRoot(root: HashHex): Fetch | undefined {
    for (const fetch of this.#begun) if (fetch.content.root === root) return fetch;
    for (const fetch of this.#waiting.values()) if (fetch.content.root === root) return fetch;
    return undefined;
  }

  /** What a request still lacks must be asked for again. */
  queueLost({ ranges }: { readonly ranges: readonly WantRange[] }): void {
    for (const range of ranges) if (!range.chunk.isDropped) this.#lost.push(range);
  }

  /**
   * The next request of up to `bytes`; what was never asked for is asked for in multiples of
   * `payloadBytes`, as far as there is more, so that its segments are equally long. `undefined` when
   * there is nothing to ask.
   *
   * @param rangesMax ranges that the request may have
   */
  next(bytes: number, payloadBytes: number, rangesMax = WANT_RANGES_MAX): Plan | undefined {
    const ranges: WantRange[] = [];
    const repeatedBytes = this.#takeLost(bytes, ranges, rangesMax);
    this.#takeNew(bytes - repeatedBytes, payloadBytes, ranges, rangesMax);
    const chunk = ranges[0]?.chunk;
    if (chunk === undefined) return undefined;
    return { content: this.fetchOf(chunk)!.content, ranges, repeatedBytes };
  }

  #takeLost(bytes: number, ranges: WantRange[], rangesMax: number): number {
    if (this.#lost.length === 0) return 0;
    const lost = this.#lost.filter((range) => !range.chunk.isDropped);
    this.#lost = [];
    const first = lost[0]?.chunk;
    let leftBytes = bytes;
    for (const range of lost) {
      const { chunk } = range;
      if (!isOneContent(chunk, first!) || leftBytes === 0 || ranges.length >= rangesMax) {
        this.#lost.push(range);
        continue;
      }
      chunk.gaps(range.start, range.end, (start, end) => {
        const hasRoom = ranges.length < rangesMax;
        const takenEnd = hasRoom ? Math.min(end, start + leftBytes) : start;
        if (takenEnd > start) ranges.push({ chunk, start, end: takenEnd });
        if (takenEnd < end) this.#lost.push({ chunk, start: takenEnd, end });
        leftBytes -= takenEnd - start;
      });
    }
    return bytes - leftBytes;
  }

  #takeNew(
    bytes: number,
    payloadBytes: number,
    ranges: WantRange[],
    rangesMax: number,
  ): void {
    let leftBytes = bytes - bytes % payloadBytes;
    while (leftBytes > 0 && ranges.length < rangesMax) {
      const chunk = this.#chunkToAsk(ranges[0]?.chunk);
      if (chunk === undefined) return;
      const start = chunk.askedBytes;
      const end = Math.min(chunk.lengthBytes, start + leftBytes);
      chunk.askedBytes = end;
      ranges.push({ chunk, start, end });
      leftBytes -= end - start;
    }
  }

  /**
   * The chunk that was begun last, while parts of it were never asked for; else the next one, or its pack. It is of the
   * content that `beside` is of, where that is given.
   */
  #chunkToAsk(beside: ChunkBuffer | undefined): ChunkBuffer | undefined {
    const current = this.#begun.at(-1)?.buffer;
    if (current !== undefined && current.askedBytes < current.lengthBytes) {
      return beside === undefined || isOneContent(current, beside) ? current : undefined;
    }
    const next = this.#nextWaiting();
    if (next === undefined || (beside !== undefined && !isOneContent(next, beside))) {
      return undefined;
    }
    const { span } = next;
    if (span?.pack === undefined) return this.#begin(next);
    if (beside !== undefined) return undefined;
    return this.#beginPack(span, span.pack) ??
      (this.#pool.outBytes > 0 ? undefined : this.#begin(next));
  }

  /**
   * The first whose pack is not waited for. If there is none, the one whose pack comes last: nothing waits for a
   * pack.
   */
  #nextWaiting(): Fetch | undefined {
    let last: Fetch | undefined;
    for (const fetch of this.#waiting.values()) {
      if (fetch.span === undefined || fetch.span.pack !== undefined) return fetch;
      last = fetch;
    }
    return last;
  }

  #begin(fetch: Fetch): ChunkBuffer | undefined {
    const { transfer, chunk, offset, lengthBytes, parts } = fetch;
    const buffer = this.#pool.take(bufferBytesFor(fetch));
    if (buffer === undefined) return undefined;
    this.#waiting.delete(keyOf(transfer, chunk));
    fetch.buffer = new ChunkBuffer(transfer, chunk, offset, lengthBytes, buffer, parts);
    this.#begun.push(fetch);
    return fetch.buffer;
  }

  /** Nothing where there are no buffers for its chunks: then it comes later. */
  #beginPack(span: Span, ref: PackRef): ChunkBuffer | undefined {
    const { transfer } = span;
    const buffers = new Map<Fetch, Bytes>();
    for (const fetch of span.fetches) {
      if (fetch.span !== span || !this.#waiting.has(keyOf(transfer, fetch.chunk))) continue;
      const buffer = this.#pool.take(bufferBytesFor(fetch));
      if (buffer !== undefined) buffers.set(fetch, buffer);
      else {
        for (const taken of buffers.values()) this.#pool.give(taken);
        return undefined;
      }
    }
    const pack = packFetch(span, ref, buffers);
    for (const fetch of buffers.keys()) {
      const key = keyOf(transfer, fetch.chunk);
      this.#waiting.delete(key);
      this.#packed.set(key, { fetch, pack });
    }
    this.#begun.push(pack);
    return pack.buffer;
  }

  /** Takes a chunk out of the pack that it was to come in, which ends with the last one. Says whether it was in one. */
  #unpackFrom(fetch: Fetch, keepsBuffer: boolean): boolean {
    const key = keyOf(fetch.transfer, fetch.chunk);
    const found = this.#packed.get(key);
    if (found?.fetch !== fetch) return false;
    this.#packed.delete(key);
    const { pack } = found;
    const buffer = pack.buffers.get(fetch)!;
    pack.buffers.delete(fetch);
    if (keepsBuffer) this.#pool.give(buffer);
    if (pack.buffers.size === 0) this.#takeBuffer(pack, false);
    return true;
  }

  #fetchOf(transfer: TransferId, chunk: number): Fetch | undefined {
    const key = keyOf(transfer, chunk);
    return this.#waiting.get(key) ?? this.#packed.get(key)?.fetch ??
      this.#begun.find((fetch) => fetch.chunk === chunk && fetch.transfer === transfer);
  }

  #takeBuffer(fetch: Fetch, keepsBuffer: boolean): void {
    const { buffer } = fetch;
    if (buffer === undefined) return;
    this.#begun.splice(this.#begun.indexOf(fetch), 1);
    delete fetch.buffer;
    buffer.isDropped = true;
    if (keepsBuffer) this.#pool.give(buffer.buffer);
  }

  #forgetDropped(): void {
    this.#lost = this.#lost.filter((range) => !range.chunk.isDropped);
  }
}

/** What is to be fetched for the lease's chunk `i`. */
function fetchOf({ transfer, content, chunks, hashes, units }: Lease, i: number): Fetch {
  const chunk = chunks[i]!;
  const hash = hashes.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES);
  const unit = units?.[i];
  if (unit !== undefined) {
    const { root, sizeBytes, parts } = unit;
    const own = { root, sizeBytes, sha256: root };
    return { transfer, content: own, chunk, hash, offset: 0, lengthBytes: sizeBytes, parts };
  }
  const { sizeBytes } = content;
  const offset = chunk * chunkBytesFor(sizeBytes);
  const lengthBytes = chunkLength(sizeBytes, chunk);
  return { transfer, content, chunk, hash, offset, lengthBytes, parts: undefined };
}

/** Buffers of a transfer are equally long where that is possible, so that they are used again. */
function bufferBytesFor({ content: { sizeBytes }, lengthBytes, parts }: Fetch): number {
  if (parts === undefined) return Math.min(chunkBytesFor(sizeBytes), sizeBytes);
  return Math.max(UNIT_BUFFER_BYTES_MIN, 2 ** Math.ceil(Math.log2(lengthBytes)));
}

/** Whether one request may ask for both: units of a folder, and packs, are contents of their own. */
function isOneContent(
  a: { readonly transfer: TransferId; readonly parts: readonly number[] | undefined },
  b: ChunkBuffer,
): boolean {
  return a === b ||
    (a.transfer === b.transfer && a.parts === undefined && b.parts === undefined);
}

function keyOf(transfer: TransferId, chunk: number): string {
  return `${transfer}:${chunk}`;
}

/** The hashes of `chunks`, for a lease. */
export function chunkHashesOf(layer: Bytes, chunks: readonly number[]): Bytes {
  const hashes = new Uint8Array(chunks.length * HASH_BYTES);
  chunks.forEach((chunk, i) => {
    hashes.set(layer.subarray(chunk * HASH_BYTES, (chunk + 1) * HASH_BYTES), i * HASH_BYTES);
  });
  return hashes;
}
