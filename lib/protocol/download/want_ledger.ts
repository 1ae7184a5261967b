/**
 * The requests of one flow in flight, and how parts of them are found to be lost
 * (docs/PROTOCOL.md, "Loss"). Each byte is in flight in at most one request, so what is missing of a
 * request is exactly what is missing of its ranges.
 */
import type { ByteRange } from "../../wire/frames.ts";
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
  /** Once something was given up, no more than that: all that may still come of it. */
  ranges: readonly WantRange[];
  readonly mark: SendMark;
  readonly segmentBytes: number;
  /** Bytes that did not come from the path yet, whether or not they were still missing. */
  travellingBytes: number;
  /** Bytes that have not arrived; 0 once answered or given up. */
  outstandingBytes: number;
  hasArrivals: boolean;
  isGivenUp: boolean;
  /** Segments of later requests that came while this one was outstanding, and when the first did. */
  laterSegments: number;
  firstLaterMs: number;
}

/** What the arrival of a segment, or of a run of them, says about the path. */
interface Arrival {
  /** Bytes that the path has delivered, whether or not they were still missing. */
  pathBytes: number;
  /** By how much segments of later requests came sooner; 0 if in order. */
  lateMs: number;
  /** Whether its request lacks nothing any more. */
  isAnswered: boolean;
}

const NONE: readonly Want[] = [];

export class WantLedger {
  readonly #outstanding = new Map<number, Want>();
  readonly #retired = new Map<number, Want>();
  readonly #arrival: Arrival = { pathBytes: 0, lateMs: 0, isAnswered: false };
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
  add(
    number: number,
    ranges: readonly WantRange[],
    mark: SendMark,
    segmentBytes: number,
  ): number {
    const outstandingBytes = bytesOf(ranges);
    this.#inFlightBytes += outstandingBytes;
    this.#outstanding.set(number, {
      number,
      ranges,
      mark,
      segmentBytes,
      travellingBytes: outstandingBytes,
      outstandingBytes,
      hasArrivals: false,
      isGivenUp: false,
      laterSegments: 0,
      firstLaterMs: 0,
    });
    return outstandingBytes;
  }

  /** The request with this number, whether outstanding or lately over. */
  find(number: number): Want | undefined {
    return this.#outstanding.get(number) ?? this.#retired.get(number);
  }

  /**
   * `bytes` that were asked for by `want` have come, `addedBytes` of which were missing; at most what was asked
   * for has come of the path, whatever a network doubles. What is returned is reused by the next call.
   */
  onArrival(nowMs: number, want: Want, bytes: number, addedBytes: number): Readonly<Arrival> {
    const arrival = this.#arrival;
    arrival.pathBytes = Math.min(bytes, want.travellingBytes);
    want.travellingBytes -= arrival.pathBytes;
    // Only what is known not to be the copy of a segment that came in time.
    const isLate = want.laterSegments > 0 && nowMs > want.firstLaterMs &&
      (addedBytes > 0 || want.isGivenUp);
    arrival.lateMs = isLate ? nowMs - want.firstLaterMs : 0;
    arrival.isAnswered = want.outstandingBytes > 0 &&
      (addedBytes === bytes ? this.#take(want, addedBytes) : this.#settle(want));
    return arrival;
  }

  /**
   * `segments` of the request `number` have arrived: what earlier ones lack is late from now on, and on a
   * path that keeps the order so many segments prove that it is lost.
   */
  onProof(nowMs: number, number: number, segments: number, keepsOrder: boolean): readonly Want[] {
    let lost: Want[] | undefined;
    for (const want of this.#outstanding.values()) {
      if (want.number >= number) break;
      if (want.laterSegments === 0) want.firstLaterMs = nowMs;
      want.laterSegments += segments;
      if (keepsOrder && want.laterSegments >= REORDER_SEGMENTS) (lost ??= []).push(want);
    }
    return this.#lost(lost);
  }

  /** When the next request will have been late for so long. */
  lateDeadlineMs(lateMs: number): number {
    // What lies further back has been late for longer.
    for (const want of this.#outstanding.values()) {
      return want.laterSegments === 0 ? Infinity : want.firstLaterMs + lateMs;
    }
    return Infinity;
  }

  /** What is late for so long is lost. */
  giveUpLate(nowMs: number, lateMs: number): readonly Want[] {
    let lost: Want[] | undefined;
    for (const want of this.#outstanding.values()) {
      if (want.laterSegments === 0 || nowMs < want.firstLaterMs + lateMs) break;
      (lost ??= []).push(want);
    }
    return this.#lost(lost);
  }

  /** Nearly always nothing: whoever asks after each receive is given the same list each time. */
  #lost(lost: readonly Want[] | undefined): readonly Want[] {
    if (lost === undefined) return NONE;
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
    want.ranges = lackingOf(want);
    want.isGivenUp = true;
    this.#inFlightBytes -= want.outstandingBytes;
    want.outstandingBytes = 0;
    this.#retire(want);
  }

  /** Chunks have ended: what is outstanding is what the ranges of the others still lack. */
  settle(): void {
    for (const want of [...this.#outstanding.values()]) this.#settle(want);
  }

  /** Returns whether that completes it. */
  #settle(want: Want): boolean {
    let lackingBytes = 0;
    for (const { chunk, start, end } of want.ranges) {
      if (!chunk.isDropped) lackingBytes += chunk.gaps(start, end);
    }
    return this.#take(want, want.outstandingBytes - lackingBytes);
  }

  #take(want: Want, bytes: number): boolean {
    if (want.outstandingBytes === 0 || bytes === 0) return false;
    const counted = Math.min(bytes, want.outstandingBytes);
    want.outstandingBytes -= counted;
    this.#inFlightBytes -= counted;
    if (want.outstandingBytes > 0) return false;
    this.#retire(want);
    return true;
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

/** Bytes of these ranges. */
export function bytesOf(ranges: readonly WantRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** What `ranges` ask for as ranges of the file; where one continues another they are merged. */
export function rangesOfFile(ranges: readonly WantRange[]): ByteRange[] {
  const merged: { offset: number; lengthBytes: number }[] = [];
  for (const { chunk, start, end } of ranges) {
    const offset = chunk.offset + start;
    const last = merged.at(-1);
    if (last !== undefined && last.offset + last.lengthBytes === offset) {
      last.lengthBytes += end - start;
    } else merged.push({ offset, lengthBytes: end - start });
  }
  return merged;
}

function lackingOf({ ranges }: Want): WantRange[] {
  const lacking: WantRange[] = [];
  for (const { chunk, start, end } of ranges) {
    if (chunk.isDropped) continue;
    chunk.gaps(start, end, (from, to) => lacking.push({ chunk, start: from, end: to }));
  }
  return lacking;
}
