/**
 * The receiver's machine: one server at a time, any number of files on it. It asks for the ranges of
 * its leased chunks within the window, takes segments as they come, proves each chunk and hands it
 * on. It promises that a chunk which leaves it is what the layer says, whatever arrived; it does not
 * promise that a chunk arrives: leases, not receivers, see to that.
 *
 * `handle` is given one received buffer at a time (up to dozens of segments) and returns what to do;
 * the returned list is reused by the next call.
 */
import {
  type Bytes,
  type Endpoint,
  type HashHex,
  toHex,
  type Token,
  type TransferId,
} from "../ids.ts";
import {
  HASH_BYTES,
  LEASE_STALL_MS_MIN,
  MTU_BYTES_FALLBACK,
  RECEIVE_BUFFER_SHARE,
  REPORT_INTERVAL_MS,
  WANT_RANGES_MAX,
} from "../limits.ts";
import { DataReader, isData, payloadBytesOf } from "../wire/data_frame.ts";
import { decodeFrame, encodeFrame, type Frame } from "../wire/frames.ts";
import { slotBytesOf } from "../wire/slots.ts";
import { BufferPool } from "./buffer_pool.ts";
import { ChunkBuffer } from "./chunk_buffer.ts";
import { Congestion } from "./congestion.ts";
import { chunkBytesFor, chunkLength } from "./merkle.ts";
import { type Want, WantLedger, type WantRange } from "./want_ledger.ts";

export interface Assignment {
  readonly endpoint: Endpoint;
  readonly token: Token;
  readonly nonce: bigint;
  /** 0 if not known. */
  readonly rttMs: number;
}

/** Chunks of one file, with the hash that each must have. */
export interface Lease {
  readonly transfer: TransferId;
  readonly root: HashHex;
  readonly sizeBytes: number;
  readonly chunks: readonly number[];
  /** 32 bytes a chunk. */
  readonly hashes: Bytes;
}

export type ReceiverEvent =
  | { readonly kind: "assign"; readonly assignment: Assignment }
  | { readonly kind: "path"; readonly assignment: Assignment }
  | { readonly kind: "lease"; readonly lease: Lease }
  | { readonly kind: "revoke"; readonly transfer: TransferId; readonly chunks: readonly number[] }
  | {
    readonly kind: "allot";
    readonly windowBytesMax: number;
    readonly bufferBytesMax: number;
    readonly rateBytesPerS: number;
  }
  | { readonly kind: "release" }
  /** One datagram, or several that arrived joined. */
  | { readonly kind: "datagrams"; readonly bytes: Bytes; readonly from: Endpoint }
  /** A buffer comes back from the assembler. */
  | { readonly kind: "recycle"; readonly buffer: Bytes }
  | { readonly kind: "wakeup" };

export interface ChunkCount {
  readonly transfer: TransferId;
  readonly chunk: number;
  readonly bytes: number;
}

/** Counts since the last report, and where things stand. */
export interface Report {
  readonly verified: readonly ChunkCount[];
  readonly bad: readonly (ChunkCount & { readonly isStrike: boolean })[];
  readonly receivedBytes: number;
  readonly retransmits: number;
  readonly rateBytesPerS: number;
  readonly rttMs: number;
  readonly leasedBytes: number;
  readonly silentMs: number;
}

export type ReceiverAction =
  | { readonly kind: "send"; readonly datagram: Bytes; readonly to: Endpoint }
  /** A verified chunk; its buffer changes hands. */
  | {
    readonly kind: "chunk";
    readonly transfer: TransferId;
    readonly chunk: number;
    readonly bytes: number;
    readonly buffer: Bytes;
  }
  | { readonly kind: "report"; readonly report: Report }
  | {
    readonly kind: "gone";
    readonly transfer: TransferId;
    readonly reason: "unknown" | "changed" | "unreadable";
  };

/** A leased chunk, before and while it is fetched. */
interface Fetch {
  readonly transfer: TransferId;
  readonly root: HashHex;
  readonly sizeBytes: number;
  readonly chunk: number;
  readonly hash: Bytes;
  readonly lengthBytes: number;
  buffer?: ChunkBuffer;
}

/** What is remembered of the server that this receiver works for, and of the path to it. */
interface Flow {
  readonly endpoint: Endpoint;
  readonly nonce: bigint;
  readonly nonceHigh: number;
  readonly nonceLow: number;
  token: Token;
  segmentBytes: number;
  congestion: Congestion;
  hasData: boolean;
  /** Tail timers that fired since something arrived. */
  timeouts: number;
  /** When something last arrived, or was first asked for after a silence. */
  aliveMs: number;
}

export class Receiver {
  readonly #mtuBytes: number;
  readonly #inFlightBytesMax: number;
  readonly #pool = new BufferPool();
  readonly #ledger = new WantLedger();
  readonly #actions: ReceiverAction[] = [];
  /** Leased and not begun, in order. */
  #waiting: Fetch[] = [];
  /** Begun: a buffer is taken. */
  #fetching: Fetch[] = [];
  /** Ranges that were asked for and lost. */
  #lost: WantRange[] = [];
  #flow: Flow | undefined;
  #nextNumber = 1;
  /** After a chunk that failed, this server's segments must carry a CRC. */
  #wantsCrc = false;
  #windowBytesMax = Infinity;
  #rateBytesPerMs = 0;
  #rateCreditBytes = 0;
  #rateCreditMs = 0;
  #leasedBytes = 0;

  #verified: ChunkCount[] = [];
  #bad: (ChunkCount & { isStrike: boolean })[] = [];
  #receivedBytes = 0;
  #retransmits = 0;
  #reportedMs = 0;
  /** Datagrams that were not ours, not whole or not asked for. */
  ignoredSegments = 0;
  /** Payload that had arrived before. */
  duplicateBytes = 0;

  constructor(options: { readonly mtuBytes: number; readonly receiveBufferBytes: number }) {
    this.#mtuBytes = options.mtuBytes;
    this.#inFlightBytesMax = RECEIVE_BUFFER_SHARE * options.receiveBufferBytes;
  }

  handle(nowMs: number, event: ReceiverEvent): readonly ReceiverAction[] {
    this.#actions.length = 0;
    switch (event.kind) {
      case "assign":
        this.#release();
        this.#wantsCrc = false;
        this.#startFlow(nowMs, event.assignment);
        break;
      case "path":
        this.#loseAll();
        this.#startFlow(nowMs, event.assignment);
        break;
      case "lease":
        this.#addLease(event.lease);
        break;
      case "revoke":
        this.#revoke(event.transfer, event.chunks);
        break;
      case "allot":
        this.#windowBytesMax = event.windowBytesMax;
        this.#pool.budgetBytes = event.bufferBytesMax;
        this.#rateBytesPerMs = event.rateBytesPerS / 1000;
        break;
      case "release":
        this.#release();
        this.#flow = undefined;
        break;
      case "datagrams":
        this.#onDatagrams(nowMs, event.bytes, event.from);
        break;
      case "recycle":
        this.#pool.give(event.buffer);
        break;
      case "wakeup":
        break;
      default:
        event satisfies never;
    }
    this.#findLostTail(nowMs);
    this.#ask(nowMs);
    this.#reportWhenDue(nowMs);
    return this.#actions;
  }

  /** When `handle` wants a wake-up even if nothing arrives. */
  nextWakeupMs(nowMs: number): number {
    const flow = this.#flow;
    if (flow === undefined || this.#leasedBytes === 0) return Infinity;
    const reportMs = this.#reportedMs +
      (this.#hasNews() ? REPORT_INTERVAL_MS : LEASE_STALL_MS_MIN / 2);
    const tailMs = this.#ledger.count > 0 ? this.#tailDeadlineMs(flow) : Infinity;
    return Math.min(reportMs, tailMs, this.#rateCreditedMs(nowMs));
  }

  // — Leases ————————————————————————————————————————————————————————————————————————————————————

  #addLease(lease: Lease): void {
    lease.chunks.forEach((chunk, i) => {
      const lengthBytes = chunkLength(lease.sizeBytes, chunk);
      this.#waiting.push({
        transfer: lease.transfer,
        root: lease.root,
        sizeBytes: lease.sizeBytes,
        chunk,
        hash: lease.hashes.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES),
        lengthBytes,
      });
      this.#leasedBytes += lengthBytes;
    });
  }

  #revoke(transfer: TransferId, chunks: readonly number[]): void {
    const isRevoked = (fetch: Fetch): boolean =>
      fetch.transfer === transfer && chunks.includes(fetch.chunk);
    this.#drop(isRevoked);
  }

  #release(): void {
    this.#drop(() => true);
    this.#ledger.clear();
    this.#lost = [];
  }

  /** Takes back the right to fetch, and the buffers. */
  #drop(isDropped: (fetch: Fetch) => boolean): void {
    for (const fetch of [...this.#waiting, ...this.#fetching]) {
      if (isDropped(fetch)) this.#end(fetch, fetch.buffer?.buffer);
    }
    this.#waiting = this.#waiting.filter((fetch) => !isDropped(fetch));
    this.#fetching = this.#fetching.filter((fetch) => !isDropped(fetch));
  }

  /** Ends a fetch; gives `buffer` back unless it has changed hands. */
  #end(fetch: Fetch, buffer: Bytes | undefined): void {
    this.#leasedBytes -= fetch.lengthBytes;
    if (fetch.buffer !== undefined) fetch.buffer.isDropped = true;
    if (buffer !== undefined) this.#pool.give(buffer);
  }

  // — Flow ——————————————————————————————————————————————————————————————————————————————————————

  #startFlow(nowMs: number, assignment: Assignment): void {
    const { endpoint, nonce, token, rttMs } = assignment;
    this.#flow = {
      endpoint,
      nonce,
      nonceHigh: Number(nonce >> 32n),
      nonceLow: Number(nonce & 0xffff_ffffn),
      token,
      segmentBytes: this.#mtuBytes,
      congestion: new Congestion(this.#mtuBytes, rttMs),
      hasData: false,
      timeouts: 0,
      aliveMs: nowMs,
    };
  }

  #tailDeadlineMs(flow: Flow): number {
    const sentMs = this.#ledger.oldestSentMs ?? Infinity;
    const timerMs = flow.congestion.tailTimerMs * 2 ** Math.min(flow.timeouts, 6);
    return Math.max(sentMs, flow.hasData ? flow.aliveMs : 0) + Math.min(timerMs, 1_000);
  }

  /** Nothing has come for so long that all that is in flight counts as lost. */
  #findLostTail(nowMs: number): void {
    const flow = this.#flow;
    if (flow === undefined || this.#ledger.count === 0) return;
    if (nowMs < this.#tailDeadlineMs(flow)) return;
    flow.timeouts += 1;
    this.#loseAll();
    if (!flow.hasData && flow.timeouts >= 2 && flow.segmentBytes > MTU_BYTES_FALLBACK) {
      // Small frames passed while probing and no full-size segment ever did.
      flow.segmentBytes = MTU_BYTES_FALLBACK;
      flow.congestion = new Congestion(MTU_BYTES_FALLBACK, flow.congestion.rttMs);
    }
  }

  #loseAll(): void {
    for (const want of this.#ledger.giveUpAll()) this.#queueLost(want);
  }

  #queueLost(want: Want): void {
    for (const range of want.ranges) {
      if (!range.chunk.isDropped) this.#lost.push(range);
    }
  }

  // — Asking ————————————————————————————————————————————————————————————————————————————————————

  #ask(nowMs: number): void {
    const flow = this.#flow;
    if (flow === undefined) return;
    this.#refillRate(nowMs);
    for (;;) {
      const quantumBytes = this.#quantumBytes(flow);
      if (!this.#mayAsk(flow, nowMs, quantumBytes)) return;
      const ranges = this.#nextRanges(flow, quantumBytes);
      if (ranges.length === 0) return;
      this.#send(flow, nowMs, ranges);
    }
  }

  /** Whole segments, so that all but the last of a send are equally long. */
  #quantumBytes(flow: Flow): number {
    const payloadBytes = payloadBytesOf(flow.segmentBytes);
    const segments = Math.floor(flow.congestion.quantumBytes / flow.segmentBytes);
    return Math.max(1, segments) * payloadBytes;
  }

  #mayAsk(flow: Flow, nowMs: number, quantumBytes: number): boolean {
    if (this.#rateBytesPerMs > 0 && this.#rateCreditBytes < 0) return false;
    const inFlight = this.#ledger.inFlightBytes;
    // After a silence one request at a time, until something answers.
    if (flow.timeouts > 0) return inFlight === 0;
    const window = Math.min(
      flow.congestion.windowBytes(nowMs),
      this.#windowBytesMax,
      this.#inFlightBytesMax,
    );
    return inFlight === 0 || inFlight + quantumBytes <= window;
  }

  /**
   * What is lost first, then what was never asked for, then the next chunk for which there is a
   * buffer; of one file only, because a request names one.
   */
  #nextRanges(flow: Flow, quantumBytes: number): WantRange[] {
    const ranges: WantRange[] = [];
    const leftBytes = quantumBytes - this.#takeLost(flow, quantumBytes, ranges);
    this.#takeNew(flow, leftBytes, ranges);
    return ranges;
  }

  /** Adds lost ranges up to `bytes`; returns how much that is. */
  #takeLost(flow: Flow, bytes: number, ranges: WantRange[]): number {
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
        this.#retransmits += Math.ceil((takenEnd - start) / payloadBytesOf(flow.segmentBytes));
      });
    }
    return bytes - leftBytes;
  }

  /** Adds ranges that were never asked for, up to `bytes`. */
  #takeNew(flow: Flow, bytes: number, ranges: WantRange[]): void {
    const payloadBytes = payloadBytesOf(flow.segmentBytes);
    let leftBytes = bytes;
    while (leftBytes > 0 && ranges.length < WANT_RANGES_MAX) {
      const chunk = this.#chunkToAsk(ranges[0]?.chunk.transfer);
      if (chunk === undefined) return;
      const start = chunk.askedBytes;
      // A range that stops inside its chunk stops at a whole segment.
      const end = chunk.lengthBytes - start <= leftBytes
        ? chunk.lengthBytes
        : start + Math.floor(leftBytes / payloadBytes) * payloadBytes;
      if (end === start) return;
      chunk.askedBytes = end;
      ranges.push({ chunk, start, end });
      leftBytes -= end - start;
    }
  }

  /** The chunk that was begun last, while parts of it were never asked for; else the next one. */
  #chunkToAsk(transfer: TransferId | undefined): ChunkBuffer | undefined {
    const current = this.#fetching.at(-1)?.buffer;
    if (current !== undefined && current.askedBytes < current.lengthBytes) {
      return transfer === undefined || current.transfer === transfer ? current : undefined;
    }
    const next = this.#waiting[0];
    if (next === undefined) return undefined;
    if (transfer !== undefined && next.transfer !== transfer) return undefined;
    const buffer = this.#pool.take(Math.min(chunkBytesFor(next.sizeBytes), next.sizeBytes));
    if (buffer === undefined) return undefined;
    this.#waiting.shift();
    const offset = next.chunk * chunkBytesFor(next.sizeBytes);
    next.buffer = new ChunkBuffer(next.transfer, next.chunk, offset, next.lengthBytes, buffer);
    this.#fetching.push(next);
    return next.buffer;
  }

  #send(flow: Flow, nowMs: number, ranges: readonly WantRange[]): void {
    const fetch = this.#fetching.find((each) => each.transfer === ranges[0]!.chunk.transfer)!;
    const isAppLimited = this.#lost.length === 0 && this.#waiting.length === 0;
    if (this.#ledger.count === 0 && flow.timeouts === 0) flow.aliveMs = nowMs;
    const number = this.#nextNumber++;
    this.#ledger.add(number, ranges, flow.congestion.onSent(nowMs, isAppLimited));
    for (const range of ranges) this.#rateCreditBytes -= range.end - range.start;
    const datagram = encodeFrame({
      kind: "want",
      nonce: flow.nonce,
      token: flow.token,
      number,
      root: fetch.root,
      sizeBytes: fetch.sizeBytes,
      segmentBytes: flow.segmentBytes,
      withCrc: this.#wantsCrc ? 1 : 0,
      ranges: ranges.map(({ chunk, start, end }) => ({
        offset: chunk.offset + start,
        lengthBytes: end - start,
      })),
    });
    this.#actions.push({ kind: "send", datagram, to: flow.endpoint });
  }

  /** When `--rate` allows the next request, if it is what holds it back. */
  #rateCreditedMs(nowMs: number): number {
    if (this.#rateBytesPerMs === 0 || this.#rateCreditBytes >= 0) return Infinity;
    return nowMs - this.#rateCreditBytes / this.#rateBytesPerMs;
  }

  #refillRate(nowMs: number): void {
    if (this.#rateBytesPerMs === 0) return;
    const burstBytes = Math.max(this.#rateBytesPerMs * REPORT_INTERVAL_MS, 1);
    const creditBytes = this.#rateCreditBytes + (nowMs - this.#rateCreditMs) * this.#rateBytesPerMs;
    this.#rateCreditBytes = Math.min(creditBytes, burstBytes);
    this.#rateCreditMs = nowMs;
  }

  // — Arrivals ——————————————————————————————————————————————————————————————————————————————————

  #onDatagrams(nowMs: number, bytes: Bytes, from: Endpoint): void {
    const flow = this.#flow;
    if (
      flow === undefined || from.port !== flow.endpoint.port ||
      from.address !== flow.endpoint.address
    ) {
      this.ignoredSegments += 1;
      return;
    }
    const reader = new DataReader(bytes);
    const slotBytes = slotBytesOf(bytes, flow.segmentBytes);
    let newest = 0;
    let newestSegments = 0;
    for (let at = 0; at < bytes.length; at += slotBytes) {
      reader.at = at;
      reader.slotBytes = Math.min(slotBytes, bytes.length - at);
      if (!isData(bytes, at)) {
        this.#onControl(nowMs, flow, bytes.subarray(at, at + reader.slotBytes));
        continue;
      }
      const number = this.#onSegment(nowMs, flow, bytes, reader);
      if (number > newest) {
        newest = number;
        newestSegments = 0;
      }
      if (number === newest) newestSegments += 1;
    }
    if (newest === 0) return;
    const reorderMs = flow.congestion.rttMs / 4;
    for (const want of this.#ledger.onProof(nowMs, newest, newestSegments, reorderMs)) {
      flow.congestion.onAnswered(nowMs, want.mark);
      this.#queueLost(want);
    }
  }

  /** Takes one segment; returns the number of the request it belongs to, 0 if it is not ours. */
  #onSegment(nowMs: number, flow: Flow, bytes: Bytes, reader: DataReader): number {
    const want = reader.isWhole() && reader.nonceLow === flow.nonceLow &&
        reader.nonceHigh === flow.nonceHigh && (reader.hasCrc || !this.#wantsCrc)
      ? this.#ledger.find(reader.number)
      : undefined;
    const range = want === undefined ? undefined : rangeOf(want, reader);
    if (want === undefined || range === undefined) {
      this.ignoredSegments += 1;
      return 0;
    }
    flow.hasData = true;
    flow.timeouts = 0;
    flow.aliveMs = nowMs;
    if (!want.hasArrivals) {
      want.hasArrivals = true;
      flow.congestion.onRtt(nowMs, want.mark);
    }
    const chunk = range.chunk;
    const length = reader.payloadLength;
    const start = reader.offset - chunk.offset;
    const added = chunk.isDropped ? length : chunk.add(start, bytes, reader.payloadStart, length);
    this.duplicateBytes += length - added;
    flow.congestion.onDelivered(added);
    this.#receivedBytes += added;
    if (this.#ledger.onArrival(want, added)) flow.congestion.onAnswered(nowMs, want.mark);
    if (chunk.isDropped) return want.number;
    if (!reader.hasCrc) chunk.hasOnlyCheckedSegments = false;
    if (chunk.isComplete) this.#onComplete(flow, chunk);
    return want.number;
  }

  #onComplete(flow: Flow, chunk: ChunkBuffer): void {
    const i = this.#fetching.findIndex((fetch) => fetch.buffer === chunk);
    const fetch = this.#fetching[i]!;
    this.#fetching.splice(i, 1);
    const count = { transfer: fetch.transfer, chunk: fetch.chunk, bytes: fetch.lengthBytes };
    if (toHex(chunk.hash(fetch.sizeBytes)) === toHex(fetch.hash)) {
      this.#end(fetch, undefined);
      this.#verified.push(count);
      this.#actions.push({ kind: "chunk", ...count, buffer: chunk.buffer });
      return;
    }
    this.#end(fetch, chunk.buffer);
    const isStrike = chunk.hasOnlyCheckedSegments;
    this.#bad.push({ ...count, isStrike });
    this.#wantsCrc = true;
    if (!isStrike) return;
    const datagram = encodeFrame({
      kind: "strike",
      nonce: flow.nonce,
      token: flow.token,
      root: fetch.root,
      sizeBytes: fetch.sizeBytes,
      chunk: fetch.chunk,
    });
    this.#actions.push({ kind: "send", datagram, to: flow.endpoint });
  }

  #onControl(nowMs: number, flow: Flow, bytes: Uint8Array): void {
    const frame = decodeFrame(bytes);
    if (frame.kind === "gone" && frame.nonce === flow.nonce) this.#onGone(frame);
    else if (frame.kind === "retry" && frame.echo === flow.nonce) {
      flow.token = frame.token;
      flow.aliveMs = nowMs;
      const want = this.#ledger.find(frame.number);
      if (want === undefined || want.outstandingBytes === 0) return;
      this.#ledger.giveUp(want);
      this.#queueLost(want);
    } else this.ignoredSegments += 1;
  }

  #onGone(frame: Extract<Frame, { kind: "gone" }>): void {
    const gone = [...this.#waiting, ...this.#fetching].find((fetch) => fetch.root === frame.root);
    if (gone === undefined) return;
    this.#drop((fetch) => fetch.transfer === gone.transfer);
    this.#actions.push({ kind: "gone", transfer: gone.transfer, reason: frame.reason });
  }

  // — Reports ———————————————————————————————————————————————————————————————————————————————————

  #hasNews(): boolean {
    return this.#verified.length > 0 || this.#bad.length > 0 || this.#receivedBytes > 0;
  }

  /** At once when the leases run out, else at intervals: while there is news, and while there is silence. */
  #reportWhenDue(nowMs: number): void {
    const flow = this.#flow;
    if (flow === undefined) return;
    const sinceMs = nowMs - this.#reportedMs;
    const isHungry = this.#waiting.length === 0 && this.#verified.length > 0;
    const isDue = this.#hasNews() &&
      (isHungry || this.#bad.length > 0 || sinceMs >= REPORT_INTERVAL_MS);
    const isSilent = this.#leasedBytes > 0 && sinceMs >= LEASE_STALL_MS_MIN / 2;
    if (!isDue && !isSilent) return;
    const isWaiting = this.#ledger.count > 0 || flow.timeouts > 0;
    this.#actions.push({
      kind: "report",
      report: {
        verified: this.#verified,
        bad: this.#bad,
        receivedBytes: this.#receivedBytes,
        retransmits: this.#retransmits,
        rateBytesPerS: flow.congestion.rateBytesPerMs * 1000,
        rttMs: flow.congestion.rttMs,
        leasedBytes: this.#leasedBytes,
        silentMs: isWaiting ? nowMs - flow.aliveMs : 0,
      },
    });
    this.#verified = [];
    this.#bad = [];
    this.#receivedBytes = 0;
    this.#retransmits = 0;
    this.#reportedMs = nowMs;
  }
}

/** The range of `want` that the segment lies in. */
function rangeOf(want: Want, reader: DataReader): WantRange | undefined {
  const start = reader.offset;
  const end = start + reader.payloadLength;
  for (const range of want.ranges) {
    if (start >= range.chunk.offset + range.start && end <= range.chunk.offset + range.end) {
      return range;
    }
  }
  return undefined;
}

/** The hashes of `chunks`, for a lease. */
export function hashesOf(layer: Bytes, chunks: readonly number[]): Bytes {
  const hashes = new Uint8Array(chunks.length * HASH_BYTES);
  chunks.forEach((chunk, i) => {
    hashes.set(layer.subarray(chunk * HASH_BYTES, (chunk + 1) * HASH_BYTES), i * HASH_BYTES);
  });
  return hashes;
}
