/**
 * The requests of one flow in flight, and how parts of them are found to be lost
 * (docs/PROTOCOL.md, "Loss"). Each byte is in flight in at most one request, so what is missing of a
 * request is exactly what is missing of its ranges.
 */
import { REORDER_SEGMENTS, WANTS_RETIRED_MAX } from "./limits.ts";
import type { ChunkBuffer } from "./chunk_buffer.ts";
import type { SendMark } from "./congestion.ts";

/** Bytes asked for; `start` and `end` are relative to the chunk. */
export interface WantRange {
  readonly chunk: ChunkBuffer;
  readonly start: number;
  readonly end: number;
}

export interface Want {
  readonly number: number;
  readonly ranges: readonly WantRange[];
  readonly mark: SendMark;
  /** Bytes that have not arrived; 0 once answered or given up. */
  outstandingBytes: number;
  hasArrivals: boolean;
  /** Segments of later requests that came while this one was outstanding, and when the first did. */
  laterSegments: number;
  firstLaterMs: number;
}

export class WantLedger {
  readonly #outstanding = new Map<number, Want>();
  readonly #retired = new Map<number, Want>();
  #inFlightBytes = 0;

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  get count(): number {
    return this.#outstanding.size;
  }

  /** When the oldest outstanding request was sent. */
  get oldestSentMs(): number | undefined {
    for (const want of this.#outstanding.values()) return want.mark.sentMs;
    return undefined;
  }

  /** When the latest outstanding request was sent. */
  get newestSentMs(): number | undefined {
    let sentMs: number | undefined;
    for (const want of this.#outstanding.values()) sentMs = want.mark.sentMs;
    return sentMs;
  }

  /** Returns how many bytes the request asks for. */
  add(number: number, ranges: readonly WantRange[], mark: SendMark): number {
    let outstandingBytes = 0;
    for (const range of ranges) outstandingBytes += range.end - range.start;
    this.#inFlightBytes += outstandingBytes;
    this.#outstanding.set(number, {
      number,
      ranges,
      mark,
      outstandingBytes,
      hasArrivals: false,
      laterSegments: 0,
      firstLaterMs: 0,
    });
    return outstandingBytes;
  }

  /** The request with this number, whether outstanding or lately over. */
  find(number: number): Want | undefined {
    return this.#outstanding.get(number) ?? this.#retired.get(number);
  }

  /** `bytes` that were asked for by `want` have arrived. Returns whether that completes it. */
  onArrival(want: Want, bytes: number): boolean {
    if (want.outstandingBytes === 0 || bytes === 0) return false;
    const counted = Math.min(bytes, want.outstandingBytes);
    want.outstandingBytes -= counted;
    this.#inFlightBytes -= counted;
    if (want.outstandingBytes > 0) return false;
    this.#retire(want);
    return true;
  }

  /**
   * `segments` of the request `number` have arrived: earlier requests that are still outstanding are
   * lost once the allowance for reordering is used up.
   */
  onProof(nowMs: number, number: number, segments: number, reorderMs: number): Want[] {
    const lost: Want[] = [];
    for (const want of this.#outstanding.values()) {
      if (want.number >= number) break;
      if (want.laterSegments === 0) want.firstLaterMs = nowMs;
      want.laterSegments += segments;
      if (want.laterSegments >= REORDER_SEGMENTS || nowMs - want.firstLaterMs >= reorderMs) {
        lost.push(want);
      }
    }
    for (const want of lost) this.giveUp(want);
    return lost;
  }

  /** What the oldest outstanding request lacks is lost. */
  giveUpOldest(): Want[] {
    for (const want of this.#outstanding.values()) {
      this.giveUp(want);
      return [want];
    }
    return [];
  }

  /** Everything outstanding is lost. */
  giveUpAll(): Want[] {
    const lost = [...this.#outstanding.values()];
    for (const want of lost) this.giveUp(want);
    return lost;
  }

  /** What `want` still lacks is lost. */
  giveUp(want: Want): void {
    this.#inFlightBytes -= want.outstandingBytes;
    want.outstandingBytes = 0;
    this.#retire(want);
  }

  /** Chunks have ended: what is outstanding is what the ranges of the others still lack. */
  settle(): void {
    for (const want of [...this.#outstanding.values()]) {
      let lackingBytes = 0;
      for (const { chunk, start, end } of want.ranges) {
        if (!chunk.isDropped) lackingBytes += chunk.gaps(start, end);
      }
      this.onArrival(want, want.outstandingBytes - lackingBytes);
    }
  }

  clear(): void {
    this.#outstanding.clear();
    this.#retired.clear();
    this.#inFlightBytes = 0;
  }

  #retire(want: Want): void {
    this.#outstanding.delete(want.number);
    this.#retired.set(want.number, want);
    if (this.#retired.size <= WANTS_RETIRED_MAX) return;
    for (const number of this.#retired.keys()) {
      this.#retired.delete(number);
      return;
    }
  }
}
