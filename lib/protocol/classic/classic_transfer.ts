/** One classic transfer of a server: which chunks come next, and when. */
import type { Endpoint } from "../../address.ts";
import type { Bytes, SafeFileName } from "../../ids.ts";
import {
  CLASSIC_ANSWER_LEAD_MS,
  CLASSIC_BURST_BYTES_MAX,
  CLASSIC_BURST_DATAGRAMS,
} from "./limits.ts";
import { CLASSIC_OVERHEAD_BYTES, encodeClassicChunk } from "../../wire/classic.ts";
import { Permutation } from "../base/permutation.ts";
import type { Random } from "../base/random.ts";
import { sha256 } from "../base/sha256.ts";

/** A range of a file to read. */
export interface ByteSpan {
  readonly offset: number;
  readonly lengthBytes: number;
}

interface ClassicTransferOptions {
  readonly id: number;
  readonly to: Endpoint;
  readonly name: SafeFileName;
  readonly chunkBytes: number;
  readonly rateBytesPerS: number;
}

export class ClassicTransfer {
  readonly id: number;
  readonly to: Endpoint;
  readonly name: SafeFileName;
  readonly #chunkBytes: number;
  readonly #rateBytesPerS: number;
  #sizeBytes = 0;
  #chunkCount = 0;
  #order: Permutation | undefined;
  /** Chunks that were asked of the disk so far. */
  #position = 0;
  #reading: readonly number[] = [];
  #burstAtMs = Infinity;
  #hasSentChunks = false;

  constructor(options: ClassicTransferOptions) {
    this.id = options.id;
    this.to = options.to;
    this.name = options.name;
    this.#chunkBytes = options.chunkBytes;
    this.#rateBytesPerS = options.rateBytesPerS;
  }

  get hasSentChunks(): boolean {
    return this.#hasSentChunks;
  }

  /** Whether everything has been sent. */
  get isComplete(): boolean {
    return this.#position === this.#chunkCount && this.#reading.length === 0;
  }

  /** When the next burst may be read; Infinity before the start and while one is being read. */
  get burstDueMs(): number {
    return this.#reading.length > 0 ? Infinity : this.#burstAtMs;
  }

  /** The file is known and answered for: data follows after the lead. Returns the chunk count. */
  start(nowMs: number, sizeBytes: number, random: Random): number {
    this.#sizeBytes = sizeBytes;
    this.#chunkCount = Math.ceil(sizeBytes / this.#chunkBytes);
    if (this.#chunkCount === 0) return 0;
    this.#order = new Permutation(this.#chunkCount, random);
    this.#burstAtMs = nowMs + CLASSIC_ANSWER_LEAD_MS;
    return this.#chunkCount;
  }

  /** What to read for the next burst; `rateCap` is what the server has left for it, in bytes per second. */
  nextBurst(nowMs: number, rateCap: number): readonly ByteSpan[] {
    const datagramBytes = this.#chunkBytes + CLASSIC_OVERHEAD_BYTES;
    const fitting = Math.floor(CLASSIC_BURST_BYTES_MAX / datagramBytes);
    const count = Math.min(CLASSIC_BURST_DATAGRAMS, fitting, this.#chunkCount - this.#position);
    this.#reading = Array.from({ length: count }, () => this.#order!.at(this.#position++));
    const intervalMs = 1_000 * count * datagramBytes / Math.min(this.#rateBytesPerS, rateCap);
    // A late timer is made up for, but by one burst at most: more would overflow a small buffer.
    this.#burstAtMs = Math.max(this.#burstAtMs, nowMs - intervalMs) + intervalMs;
    return this.#reading.map((number) => this.#span(number));
  }

  /** The chunks of the burst that is being read. */
  get reading(): readonly number[] {
    return this.#reading;
  }

  /** The datagrams of the burst whose spans were read. */
  datagrams(spans: readonly Bytes[]): readonly Bytes[] {
    const datagrams = spans.map((payload, i) =>
      encodeClassicChunk(this.#reading[i]!, payload, sha256(payload))
    );
    this.#reading = [];
    this.#hasSentChunks = true;
    return datagrams;
  }

  #span(number: number): ByteSpan {
    const offset = number * this.#chunkBytes;
    return { offset, lengthBytes: Math.min(this.#chunkBytes, this.#sizeBytes - offset) };
  }
}
