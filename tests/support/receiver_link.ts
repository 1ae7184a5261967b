/**
 * A real receiver and a model of the server that it asks, over a shared {@linkcode BottleneckLink}.
 * The content is all zeros and endless: what is looked at here is when bytes move, not which.
 */
import type { Endpoint } from "../../lib/address.ts";
import { hash } from "node:crypto";
import {
  type Bytes,
  hashHex,
  serverId,
  type SourceId,
  sourceId,
  transferId,
} from "../../lib/ids.ts";
import { BLOCK_BYTES, HASH_BYTES } from "../../lib/limits.ts";
import { MTU_BYTES_DEFAULT } from "../../lib/wire/limits.ts";
import { CHUNK_BYTES_MIN, CHUNKS_WANTED_MAX } from "../../lib/protocol/merkle/limits.ts";
import {
  CHUNK_BUFFER_BYTES_MAX,
  CLIENT_WINDOW_BYTES_MAX,
} from "../../lib/protocol/download/limits.ts";
import { SOCKET_BUFFER_BYTES_WANTED } from "../../lib/io/net/limits.ts";
import { chunkHash } from "../../lib/protocol/merkle/merkle.ts";
import { Receiver } from "../../lib/protocol/download/receiver.ts";
import type {
  ReceiverAction,
  ReceiverEvent,
} from "../../lib/protocol/download/receiver_messages.ts";
import type { Report } from "../../lib/protocol/download/receiver_report.ts";
import { useSha256 } from "../../lib/protocol/base/sha256.ts";
import { DATA_HEADER_BYTES, DataWriter, payloadBytesOf } from "../../lib/wire/data_frame.ts";
import { decodeFrame, type FrameOf } from "../../lib/wire/frames.ts";
import { type BottleneckLink, type Party, Pipe, UDP_OVERHEAD_BYTES } from "./bottleneck_link.ts";

const ZERO_BLOCK_HASH = hash("sha256", new Uint8Array(BLOCK_BYTES), "buffer");
useSha256((bytes, target, at) => {
  // Every block that these runs move is the same.
  if (bytes.length === BLOCK_BYTES) target.set(ZERO_BLOCK_HASH, at);
  else target.set(hash("sha256", bytes, "buffer"), at);
});

/** A file of as many of the smallest chunks as there can be. */
export const ZEROS = {
  transfer: transferId(1),
  content: {
    sizeBytes: CHUNKS_WANTED_MAX * CHUNK_BYTES_MIN,
    sha256: hashHex("00".repeat(HASH_BYTES)),
    root: hashHex("00".repeat(HASH_BYTES)),
  },
  layer: zerosLayer(),
} as const;

function zerosLayer(): Bytes {
  const blockHashes = new Uint8Array(CHUNK_BYTES_MIN / BLOCK_BYTES * HASH_BYTES);
  for (let at = 0; at < blockHashes.length; at += HASH_BYTES) blockHashes.set(ZERO_BLOCK_HASH, at);
  const chunk = chunkHash(blockHashes, CHUNKS_WANTED_MAX * CHUNK_BYTES_MIN);
  const layer = new Uint8Array(CHUNKS_WANTED_MAX * HASH_BYTES);
  for (let at = 0; at < layer.length; at += HASH_BYTES) layer.set(chunk, at);
  return layer;
}

/** Chunks that are leased ahead of the asking: more than any window. */
const LEASED_CHUNKS = 512;
const DEFAULT_SOURCE = sourceId(serverId("5e".repeat(16)), "datagrams");

interface Segment {
  readonly nonce: bigint;
  readonly number: number;
  readonly offset: number;
  readonly payloadBytes: number;
  readonly from: Endpoint;
}

interface Request {
  readonly want: FrameOf<"want">;
  readonly from: Endpoint;
}

export interface ReceiverFlowOptions {
  readonly baseRttMs: number;
  /** What the server's own line carries; without limit, one answer comes to the queue at once. */
  readonly accessBytesPerMs?: number;
  readonly startMs?: number;
  /** The wall clock when the run begins. */
  readonly clockOriginMs?: number;
  /** Who does the leasing, if it is not to be endless. */
  readonly onReport?: (nowMs: number, report: Report) => void;
}

export class ReceiverFlow implements Party {
  readonly receiver: Receiver;
  readonly #link: BottleneckLink;
  readonly #options: ReceiverFlowOptions;
  readonly #requests = new Pipe<Request>();
  readonly #answers = new Pipe<Segment>();
  readonly #arrivals = new Pipe<Segment>();
  readonly #buffer: Bytes = new Uint8Array(MTU_BYTES_DEFAULT);
  readonly #writer = new DataWriter(this.#buffer);
  readonly #sentMs = new Map<number, number>();
  #accessFreeMs = 0;
  #nextChunk = 0;
  #verifiedChunks = 0;
  #hasStarted = false;
  /** Payload that has arrived, each byte as often as it did. */
  arrivedBytes = 0;
  /** From the sending of each request to its first segment, in the order of arrival. */
  readonly rtts: { readonly atMs: number; readonly rttMs: number }[] = [];

  constructor(link: BottleneckLink, options: ReceiverFlowOptions) {
    this.#link = link;
    this.#options = options;
    this.receiver = new Receiver({
      mtuBytes: MTU_BYTES_DEFAULT,
      receiveBufferBytes: SOCKET_BUFFER_BYTES_WANTED,
      clockOriginMs: options.clockOriginMs ?? 0,
    });
    if (options.onReport !== undefined) this.#hasStarted = true;
  }

  nextMs(nowMs: number): number {
    if (!this.#hasStarted) return this.#options.startMs ?? 0;
    return Math.min(
      this.#requests.nextMs,
      this.#answers.nextMs,
      this.#arrivals.nextMs,
      this.receiver.nextWakeupMs(nowMs),
    );
  }

  step(nowMs: number): void {
    if (!this.#hasStarted) this.#start(nowMs);
    else if (this.#requests.nextMs <= nowMs) this.#answer(nowMs, this.#requests.take());
    else if (this.#answers.nextMs <= nowMs) this.#cross(nowMs, this.#answers.take());
    else if (this.#arrivals.nextMs <= nowMs) this.#arrive(nowMs, this.#arrivals.take());
    else this.handle(nowMs, { kind: "wakeup" });
  }

  handle(nowMs: number, event: ReceiverEvent): void {
    for (const action of [...this.receiver.handle(nowMs, event)]) this.#perform(nowMs, action);
  }

  assign(nowMs: number, source: SourceId, endpoint: Endpoint, nonce: bigint, rttMs = 0): void {
    const route = { kind: "datagrams" as const, endpoint, token: new Uint8Array(16), rttMs };
    this.handle(nowMs, { kind: "assign", assignment: { source, route, nonce } });
  }

  #start(nowMs: number): void {
    this.#hasStarted = true;
    this.handle(nowMs, {
      kind: "allot",
      windowBytesMax: CLIENT_WINDOW_BYTES_MAX,
      bufferBytesMax: CHUNK_BUFFER_BYTES_MAX,
      rateBytesPerS: 0,
    });
    this.assign(nowMs, DEFAULT_SOURCE, { address: "10.0.0.2", port: 10530 }, 1n);
    this.#lease(nowMs);
  }

  #lease(nowMs: number): void {
    const count = LEASED_CHUNKS - (this.#nextChunk - this.#verifiedChunks);
    if (count < LEASED_CHUNKS / 2) return;
    const { transfer, content, layer } = ZEROS;
    const chunks = Array.from({ length: count }, () => this.#nextChunk++ % CHUNKS_WANTED_MAX);
    const hashes = layer.slice(0, count * HASH_BYTES);
    this.handle(nowMs, { kind: "lease", lease: { transfer, content, chunks, hashes } });
  }

  #perform(nowMs: number, action: ReceiverAction): void {
    switch (action.kind) {
      case "send":
        return this.#ask(nowMs, action.datagram, action.to);
      case "chunk":
        this.#verifiedChunks += 1;
        this.handle(nowMs, { kind: "recycle", buffers: [action.buffer] });
        if (this.#options.onReport === undefined) this.#lease(nowMs);
        return;
      case "report":
        this.#options.onReport?.(nowMs, action.report);
        return;
      case "gone":
        throw new Error("nothing here goes away");
    }
  }

  #ask(nowMs: number, datagram: Bytes, from: Endpoint): void {
    const want = decodeFrame(datagram);
    if (want.kind !== "want") throw new Error(`a ${want.kind} was not expected`);
    this.#sentMs.set(want.number, nowMs);
    if (this.#link.loses()) return;
    const travelMs = this.#options.baseRttMs / 2 + this.#link.delayMs();
    this.#requests.push(nowMs + travelMs, { want, from });
  }

  #answer(nowMs: number, { want, from }: Request): void {
    const { nonce, number } = want;
    const segmentPayloadBytes = payloadBytesOf(want.segmentBytes);
    for (const { offset, lengthBytes } of want.ranges) {
      for (let at = 0; at < lengthBytes; at += segmentPayloadBytes) {
        const payloadBytes = Math.min(segmentPayloadBytes, lengthBytes - at);
        const segment = { nonce, number, offset: offset + at, payloadBytes, from };
        const wireMs = wireBytesOf(segment) / (this.#options.accessBytesPerMs ?? Infinity);
        this.#accessFreeMs = Math.max(this.#accessFreeMs, nowMs) + wireMs;
        this.#answers.push(this.#accessFreeMs, segment);
      }
    }
  }

  #cross(nowMs: number, segment: Segment): void {
    const crossedMs = this.#link.cross(nowMs, wireBytesOf(segment));
    if (crossedMs === undefined) return;
    const travelMs = this.#options.baseRttMs / 2 + this.#link.delayMs();
    this.#arrivals.push(crossedMs + travelMs, segment);
  }

  #arrive(nowMs: number, segment: Segment): void {
    const { nonce, number, offset, payloadBytes, from } = segment;
    this.arrivedBytes += payloadBytes;
    const sentMs = this.#sentMs.get(number);
    if (sentMs !== undefined) {
      this.#sentMs.delete(number);
      this.rtts.push({ atMs: nowMs, rttMs: nowMs - sentMs });
    }
    this.#writer.header = { nonce, number, withCrc: false };
    this.#writer.write(0, payloadBytes, offset);
    const bytes = this.#buffer.subarray(0, DATA_HEADER_BYTES + payloadBytes);
    this.handle(nowMs, { kind: "datagrams", bytes, from, segmentBytes: bytes.length });
  }
}

function wireBytesOf({ payloadBytes }: { readonly payloadBytes: number }): number {
  return DATA_HEADER_BYTES + payloadBytes + UDP_OVERHEAD_BYTES;
}
