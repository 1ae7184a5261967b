/**
 * The machine of a source that brings chunks over TCP (docs/PROTOCOL.md, "Sessions over TCP"): it asks
 * for ranges of its leased chunks by `fetch`, several requests ahead, takes the bodies as they arrive,
 * and proves each chunk as every source does. It promises the same as a receiver of datagrams: what
 * leaves it is what the piece layer says. A connection that breaks is opened again; its leases stay.
 *
 * It knows no socket: bytes go in, and requests come out.
 */
import type { Bytes, Content, SourceId, TransferId } from "../../ids.ts";
import { SESSION_COMMAND_BYTES_MAX } from "../../wire/limits.ts";
import { ByteQueue } from "../../wire/byte_queue.ts";
import {
  BodyFrames,
  encodeMessage,
  type JsonObject,
  parseMessage,
  takeMessage,
} from "../../wire/session_json.ts";
import { type WireCode, wireCodeIn } from "../../wire/session_codes.ts";
import { RateLimit } from "../base/rate_limit.ts";
import { RateMeter } from "../base/rate_meter.ts";
import type { ByteRun, ChunkBuffer } from "./chunk_buffer.ts";
import { type Fetch, FetchList, type Lease } from "./fetch_list.ts";
import {
  LEASE_STALL_MS_MIN,
  REPORT_INTERVAL_MS,
  STREAM_NONSENSE_MAX,
  STREAM_REQUEST_BYTES_MAX,
  STREAM_REQUESTS_MAX,
  STREAM_RETRY_MS,
  STREAM_RETRY_MS_MAX,
  STREAM_SILENT_SHARE,
} from "./limits.ts";
import type { ReceiverAction } from "./receiver_messages.ts";
import { ReportCounts } from "./receiver_report.ts";
import type { StreamRoute } from "./source_route.ts";
import type { WantRange } from "./want_ledger.ts";

export type StreamReceiverEvent =
  | { readonly kind: "assign"; readonly source: SourceId; readonly route: StreamRoute }
  | { readonly kind: "reroute"; readonly source: SourceId; readonly route: StreamRoute }
  | { readonly kind: "lease"; readonly lease: Lease }
  | { readonly kind: "revoke"; readonly transfer: TransferId; readonly chunks: readonly number[] }
  | {
    readonly kind: "allot";
    readonly windowBytesMax: number;
    readonly bufferBytesMax: number;
    readonly rateBytesPerS: number;
  }
  | { readonly kind: "release" }
  | { readonly kind: "recycle"; readonly buffers: readonly Bytes[] }
  | { readonly kind: "connected" }
  /** The memory of `bytes` is the caller's again afterwards. */
  | { readonly kind: "arrived"; readonly bytes: Bytes }
  /** The connection is over, or never came about. */
  | { readonly kind: "disconnected" }
  | { readonly kind: "wakeup" };

export type StreamReceiverAction =
  | { readonly kind: "connect"; readonly route: StreamRoute }
  | { readonly kind: "disconnect" }
  | { readonly kind: "transmit"; readonly bytes: Bytes }
  | Extract<ReceiverAction, { kind: "chunk" | "report" | "gone" }>;

/** Refusals that may be others a moment later. */
const PASSING_CODES: ReadonlySet<WireCode> = new Set(["pending", "crowded", "idle"]);

/** One `fetch` that has not been answered in full: neighbouring bytes of one file. */
interface Request {
  readonly transfer: TransferId;
  readonly content: Content;
  readonly ranges: readonly WantRange[];
  /** Where the next byte of its body belongs in the file. */
  offset: number;
  readonly end: number;
  /** Whether it is about a chunk that was bad: it asks for nothing, whatever is answered. */
  readonly isStrike?: true;
  /** Reading its body; before that its reply, after that what follows the body. */
  frames: BodyFrames | undefined;
}

export class StreamReceiver {
  readonly #fetches = new FetchList();
  readonly #counts = new ReportCounts();
  readonly #queue = new ByteQueue();
  readonly #run = new ArrivedBytes();
  readonly #actions: StreamReceiverAction[] = [];
  /** In the order in which they were sent, which is that of the answers. */
  #requests: Request[] = [];
  #source: SourceId | undefined;
  #route: StreamRoute | undefined;
  #state: "idle" | "connecting" | "connected" = "idle";
  #meter = new RateMeter(0);
  #windowBytesMax = 0;
  #rateBytesPerS = 0;
  #rateLimit: RateLimit | undefined;
  #connectingMs = 0;
  #rttMs = 0;
  /** When something last arrived, or was first asked for after a pause. */
  #aliveMs = 0;
  #retryMs = 0;
  #failures = 0;
  /** How often in a row a connection ended with what is no answer. */
  #nonsense = 0;
  readonly #silentMsMax: number;
  /** Payload that had arrived before. */
  duplicateBytes = 0;

  /** @param timeoutMs how long a peer may be silent, as far as its user cares */
  constructor(timeoutMs: number) {
    this.#silentMsMax = timeoutMs * STREAM_SILENT_SHARE;
  }

  handle(nowMs: number, event: StreamReceiverEvent): readonly StreamReceiverAction[] {
    this.#actions.length = 0;
    switch (event.kind) {
      case "assign":
      case "reroute":
        this.#begin(nowMs, event.source, event.route, event.kind === "assign");
        break;
      case "lease":
        if (this.#fetches.leasedBytes === 0) this.#aliveMs = nowMs;
        this.#fetches.add(event.lease);
        break;
      case "revoke":
        this.#fetches.revoke(event.transfer, event.chunks);
        break;
      case "allot":
        this.#windowBytesMax = event.windowBytesMax;
        this.#fetches.budgetBytes = event.bufferBytesMax;
        this.#setRate(event.rateBytesPerS);
        break;
      case "release":
        this.#end(nowMs);
        break;
      case "recycle":
        for (const buffer of event.buffers) this.#fetches.recycle(buffer);
        break;
      case "connected":
        this.#onConnected(nowMs);
        break;
      case "arrived":
        this.#onArrived(nowMs, event.bytes);
        break;
      case "disconnected":
        this.#onDisconnected(nowMs);
        break;
      case "wakeup":
        break;
      default:
        event satisfies never;
    }
    this.#watch(nowMs);
    this.#ask(nowMs);
    this.#reportWhenDue(nowMs);
    return this.#actions;
  }

  /** When `handle` wants a wake-up even if nothing arrives. */
  nextWakeupMs(nowMs: number): number {
    if (this.#source === undefined || this.#fetches.leasedBytes === 0) return Infinity;
    const retryMs = this.#state === "idle" ? this.#retryMs : Infinity;
    const silentMs = this.#isWaiting ? this.#aliveMs + this.#silentMsMax : Infinity;
    const rateMs = this.#rateLimit?.readyMs(nowMs) ?? 0;
    return Math.min(
      this.#counts.deadlineMs,
      retryMs,
      silentMs,
      rateMs > nowMs ? rateMs : Infinity,
    );
  }

  // — The connection ————————————————————————————————————————————————————————————————————————————

  get #isWaiting(): boolean {
    return this.#state !== "idle" && (this.#state === "connecting" || this.#requests.length > 0);
  }

  #begin(nowMs: number, source: SourceId, route: StreamRoute, isNew: boolean): void {
    if (isNew) this.#end(nowMs);
    else this.#disconnect();
    this.#source = source;
    this.#route = route;
    this.#rttMs = route.rttMs;
    this.#meter = new RateMeter(nowMs);
    this.#failures = 0;
    this.#nonsense = 0;
    this.#aliveMs = nowMs;
    this.#connect(nowMs);
  }

  #connect(nowMs: number): void {
    this.#state = "connecting";
    this.#connectingMs = nowMs;
    this.#actions.push({ kind: "connect", route: this.#route! });
  }

  #onConnected(nowMs: number): void {
    if (this.#state !== "connecting") return;
    this.#state = "connected";
    this.#rttMs = nowMs - this.#connectingMs;
  }

  #onDisconnected(nowMs: number): void {
    if (this.#state === "idle") return;
    this.#loseRequests();
    this.#state = "idle";
    this.#retryMs = nowMs + Math.min(STREAM_RETRY_MS_MAX, STREAM_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
  }

  #disconnect(): void {
    this.#loseRequests();
    if (this.#state !== "idle") this.#actions.push({ kind: "disconnect" });
    this.#state = "idle";
  }

  #end(nowMs: number): void {
    if (this.#source !== undefined && this.#counts.hasNews) this.#report(nowMs, this.#source);
    this.#disconnect();
    this.#fetches.drop();
    this.#source = undefined;
  }

  /** Requests on a closed connection must be repeated. */
  #loseRequests(): void {
    for (const request of this.#requests) this.#fetches.queueLost(request);
    this.#requests = [];
    this.#queue.skip(Infinity);
  }

  /** A silent connection is given up; a lost one is opened again after a while. */
  #watch(nowMs: number): void {
    if (this.#source === undefined || this.#fetches.leasedBytes === 0) return;
    if (this.#isWaiting && nowMs >= this.#aliveMs + this.#silentMsMax) {
      this.#actions.push({ kind: "disconnect" });
      this.#onDisconnected(nowMs);
    }
    if (this.#state === "idle" && nowMs >= this.#retryMs) {
      this.#aliveMs = Math.max(this.#aliveMs, nowMs - this.#silentMsMax / 2);
      this.#connect(nowMs);
    }
  }

  // — Asking ————————————————————————————————————————————————————————————————————————————————————

  #ask(nowMs: number): void {
    if (this.#state !== "connected") return;
    while (this.#requests.length < STREAM_REQUESTS_MAX) {
      const inFlightBytes = this.#requests.reduce((sum, each) => sum + each.end - each.offset, 0);
      const roomBytes = inFlightBytes === 0 ? Infinity : this.#windowBytesMax - inFlightBytes;
      const bytes = Math.floor(Math.min(STREAM_REQUEST_BYTES_MAX, this.#ratedBytesMax, roomBytes));
      if (bytes <= 0 || (this.#rateLimit?.readyMs(nowMs) ?? nowMs) > nowMs) return;
      const plan = this.#fetches.next(bytes, 1);
      if (plan === undefined) return;
      if (this.#requests.length === 0) this.#aliveMs = nowMs;
      for (const ranges of neighbours(plan.ranges)) {
        const [first, last] = [ranges[0]!, ranges.at(-1)!];
        const offset = first.chunk.offset + first.start;
        const end = last.chunk.offset + last.end;
        const { transfer } = first.chunk;
        const { content } = plan;
        this.#requests.push({ transfer, content, ranges, offset, end, frames: undefined });
        const length = end - offset;
        this.#rateLimit?.take(nowMs, length);
        const { sha256 } = content;
        const bytes = encodeMessage({ command: "fetch", sha256, offset, length });
        this.#actions.push({ kind: "transmit", bytes });
      }
    }
  }

  /** A rate limit splits requests, so that no answer takes as long as a stalled lease. */
  get #ratedBytesMax(): number {
    const bytesPerMs = this.#rateBytesPerS / 1000;
    return bytesPerMs === 0 ? Infinity : Math.max(1, bytesPerMs * LEASE_STALL_MS_MIN / 8);
  }

  #setRate(bytesPerS: number): void {
    if (bytesPerS === this.#rateBytesPerS) return;
    this.#rateBytesPerS = bytesPerS;
    const burstBytes = bytesPerS * REPORT_INTERVAL_MS / 1000;
    this.#rateLimit = bytesPerS === 0 ? undefined : new RateLimit(bytesPerS, burstBytes);
  }

  // — Arrivals ——————————————————————————————————————————————————————————————————————————————————

  #onArrived(nowMs: number, bytes: Bytes): void {
    if (this.#state !== "connected") return;
    this.#queue.push(bytes);
    while (this.#state === "connected" && this.#take(nowMs));
    // The rest is the beginning of a message; its memory is the caller's.
    const rest = this.#queue.take(this.#queue.lengthBytes)!;
    this.#queue.push(rest.slice());
  }

  /** Takes what comes next; `false` while it is incomplete. */
  #take(nowMs: number): boolean {
    const [request] = this.#requests;
    if (request?.frames !== undefined && !request.frames.isAtEnd) {
      return this.#takeBody(nowMs, request, request.frames);
    }
    const taken = takeMessage(this.#queue, SESSION_COMMAND_BYTES_MAX);
    if (taken === undefined) return false;
    const message = taken.kind === "message" ? parseMessage(taken.bytes) : undefined;
    if (message === undefined || request === undefined) this.#onNonsense(nowMs);
    else if (request.isStrike) this.#requests.shift();
    else if (request.frames !== undefined) this.#onBodyEnd(request, message);
    else this.#onReply(nowMs, request, message);
    return true;
  }

  #onReply(nowMs: number, request: Request, message: JsonObject): void {
    if (message["status"] === "error") return this.#onRefusal(nowMs, request, message);
    const { offset, end } = request;
    const isAnswer = message["status"] === "file" && message["offset"] === offset &&
      message["length"] === end - offset && message["sha256"] === request.content.sha256;
    if (isAnswer) request.frames = new BodyFrames();
    else this.#onNonsense(nowMs);
  }

  #takeBody(nowMs: number, request: Request, frames: BodyFrames): boolean {
    const part = frames.take(this.#queue, Infinity);
    if (part === undefined || part.length > request.end - request.offset) {
      this.#onNonsense(nowMs);
      return true;
    }
    if (part.length === 0) return frames.isAtEnd;
    this.#onAlive(nowMs, part.length);
    this.#run.set(part, request.offset);
    const { offset } = request;
    request.offset += part.length;
    for (const { chunk, start, end } of request.ranges) {
      const from = Math.max(start, offset - chunk.offset);
      const to = Math.min(end, request.offset - chunk.offset);
      if (from < to && !chunk.isDropped) this.#onBytes(chunk, from, to);
    }
    return true;
  }

  #onAlive(nowMs: number, bytes: number): void {
    this.#aliveMs = nowMs;
    this.#failures = 0;
    this.#nonsense = 0;
    this.#meter.add(bytes);
    this.#counts.receivedBytes += bytes;
  }

  #onBytes(chunk: ChunkBuffer, from: number, to: number): void {
    const added = chunk.add(this.#run, from, to);
    this.duplicateBytes += to - from - added;
    if (!chunk.isComplete) return;
    const { fetch, isProved } = this.#fetches.complete(chunk);
    const count = { transfer: fetch.transfer, chunk: fetch.chunk, bytes: fetch.lengthBytes };
    if (isProved) {
      this.#counts.verified.push(count);
      this.#actions.push({ kind: "chunk", ...count, buffer: chunk.buffer });
    } else {
      // A stream arrives as it was sent, so its sender is to blame.
      this.#counts.bad.push({ ...count, isIntegrityFailure: true });
      this.#strike(fetch);
    }
  }

  /** Tells the server, which looks again whether its file is what it was. */
  #strike({ transfer, content, chunk }: Fetch): void {
    const { root, sizeBytes: size } = content;
    this.#requests.push({
      ...{ transfer, content, ranges: [], offset: 0, end: 0 },
      ...{ isStrike: true, frames: undefined },
    });
    const bytes = encodeMessage({ command: "strike", root, size, chunk });
    this.#actions.push({ kind: "transmit", bytes });
  }

  #onBodyEnd(request: Request, message: JsonObject): void {
    this.#requests.shift();
    if (message["status"] === "sent" && request.offset === request.end) return;
    // The file changed while it was read, or is shorter than it was said to be.
    this.#tellGone(request, "changed");
  }

  #onRefusal(nowMs: number, request: Request, message: JsonObject): void {
    const code = wireCodeIn(message["code"]);
    // It is being hashed again, or the server is full: later.
    if (PASSING_CODES.has(code)) return this.#breakOff(nowMs);
    // It has the content no more, or will not give it: to ask again does not help.
    this.#requests.shift();
    this.#aliveMs = nowMs;
    this.#tellGone(request, code === "changed" ? "changed" : "unknown");
  }

  #tellGone({ transfer }: Request, reason: "unknown" | "changed"): void {
    this.#fetches.drop(transfer);
    this.#actions.push({ kind: "gone", transfer, source: this.#source!, reason });
  }

  /** Perhaps the connection was cut off in a bad place; perhaps that is no server of ours. */
  #onNonsense(nowMs: number): void {
    this.#nonsense += 1;
    const [request] = this.#requests;
    this.#breakOff(nowMs);
    if (this.#nonsense >= STREAM_NONSENSE_MAX && request !== undefined) {
      this.#tellGone(request, "unknown");
    }
  }

  /** Nothing more may be requested now. */
  #breakOff(nowMs: number): void {
    this.#actions.push({ kind: "disconnect" });
    this.#onDisconnected(nowMs);
  }

  // — Reports ———————————————————————————————————————————————————————————————————————————————————

  /** As a receiver of datagrams does: at once when the leases run out, else at intervals. */
  #reportWhenDue(nowMs: number): void {
    if (this.#source === undefined) return;
    const isHungry = this.#fetches.isAllBegun && this.#counts.verified.length > 0;
    const isDue = nowMs >= this.#counts.deadlineMs &&
      (this.#counts.hasNews || this.#fetches.leasedBytes > 0);
    if (isHungry || this.#counts.bad.length > 0 || isDue) this.#report(nowMs, this.#source);
  }

  #report(nowMs: number, source: SourceId): void {
    const isWaiting = this.#fetches.leasedBytes > 0;
    const report = {
      source,
      rateBytesPerS: this.#meter.read(nowMs),
      rttMs: this.#rttMs,
      leasedBytes: this.#fetches.leasedBytes,
      silentMs: isWaiting ? nowMs - this.#aliveMs : 0,
      ...this.#counts.take(nowMs),
    };
    this.#actions.push({ kind: "report", report });
  }
}

/** Bytes of a file as they arrived, from an offset on. */
class ArrivedBytes implements ByteRun {
  #bytes: Bytes = new Uint8Array(0);
  #offset = 0;

  set(bytes: Bytes, offset: number): void {
    this.#bytes = bytes;
    this.#offset = offset;
  }

  copyTo(target: Bytes, at: number, start: number, end: number): void {
    target.set(this.#bytes.subarray(start - this.#offset, end - this.#offset), at);
  }
}

/** Ranges, split where one does not continue the one before it in the file. */
function neighbours(ranges: readonly WantRange[]): WantRange[][] {
  const groups: WantRange[][] = [];
  let end = -1;
  for (const range of ranges) {
    if (range.chunk.offset + range.start === end) groups.at(-1)!.push(range);
    else groups.push([range]);
    end = range.chunk.offset + range.end;
  }
  return groups;
}
