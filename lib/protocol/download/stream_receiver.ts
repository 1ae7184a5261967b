/**
 * The machine of a source that brings chunks over TCP (docs/PROTOCOL.md, "Sessions over TCP"): it asks
 * for ranges of its leased chunks by `fetch`, several requests ahead, takes the bodies as they arrive,
 * and proves each chunk as every source does. It promises the same as a receiver of datagrams: what
 * leaves it is what the piece layer says. A connection that breaks is opened again; its leases stay.
 *
 * It knows no socket: bytes go in, and requests come out.
 */
import type { Bytes, Content, SourceId } from "../../ids.ts";
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
import { RateMeter } from "../base/rate_meter.ts";
import type { ByteRun, ChunkBuffer } from "./chunk_buffer.ts";
import { type Fetch, suspectedChunks } from "./fetch.ts";
import type { SourceAction, SourceEvent } from "./source_messages.ts";
import { SourceCore, type Standing } from "./source_core.ts";
import {
  STREAM_NONSENSE_MAX,
  STREAM_REQUEST_BYTES_MAX,
  STREAM_REQUESTS_MAX,
  STREAM_RETRY_MS,
  STREAM_RETRY_MS_MAX,
  STREAM_SILENT_SHARE,
} from "./limits.ts";
import type { StreamRoute } from "./source_route.ts";
import type { WantRange } from "./want_ledger.ts";

export type StreamReceiverEvent =
  | SourceEvent<{ readonly source: SourceId; readonly route: StreamRoute }>
  | { readonly kind: "connected" }
  /** The memory of `bytes` is the caller's again afterwards. */
  | { readonly kind: "arrived"; readonly bytes: Bytes }
  /** The connection is over, or never came about. */
  | { readonly kind: "disconnected" };

export type StreamReceiverAction =
  | SourceAction
  | { readonly kind: "connect"; readonly route: StreamRoute }
  | { readonly kind: "disconnect" }
  | { readonly kind: "transmit"; readonly bytes: Bytes };

/** Refusals that may be others a moment later. */
const PASSING_CODES: ReadonlySet<WireCode> = new Set(["pending", "crowded", "idle"]);

/** One `fetch` that has not been answered in full: neighbouring bytes of one file. */
interface Request {
  /** What is gone if the server has no more of it. */
  readonly about: Pick<Fetch, "transfer" | "chunk" | "parts">;
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
  #actions: StreamReceiverAction[] = [];
  readonly #core = new SourceCore(
    (nowMs) => this.#standing(nowMs),
    (action) => this.#actions.push(action),
  );
  readonly #fetches = this.#core.fetches;
  readonly #counts = this.#core.counts;
  readonly #queue = new ByteQueue();
  readonly #run = new ArrivedBytes();
  /** In the order in which they were sent, which is that of the answers. */
  #requests: Request[] = [];
  #route: StreamRoute | undefined;
  #state: "idle" | "connecting" | "connected" = "idle";
  #meter = new RateMeter(0);
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
    this.#actions = [];
    switch (event.kind) {
      case "assign":
      case "reroute":
        this.#begin(nowMs, event.source, event.route, event.kind === "assign");
        break;
      case "lease":
        if (this.#fetches.leasedBytes === 0) this.#aliveMs = nowMs;
        this.#core.onOrder(event);
        break;
      case "revoke":
      case "allot":
      case "recycle":
        this.#core.onOrder(event);
        break;
      case "release":
        this.#end(nowMs);
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
    this.#core.reportWhenDue(nowMs);
    return this.#actions;
  }

  /** When `handle` wants a wake-up even if nothing arrives. */
  nextWakeupMs(nowMs: number): number {
    if (!this.#core.isAtWork) return Infinity;
    const retryMs = this.#state === "idle" ? this.#retryMs : Infinity;
    const silentMs = this.#isWaiting ? this.#aliveMs + this.#silentMsMax : Infinity;
    return Math.min(this.#core.nextWakeupMs(nowMs), retryMs, silentMs);
  }

  // — The connection ————————————————————————————————————————————————————————————————————————————

  get #isWaiting(): boolean {
    return this.#state !== "idle" && (this.#state === "connecting" || this.#requests.length > 0);
  }

  #begin(nowMs: number, source: SourceId, route: StreamRoute, isNew: boolean): void {
    if (isNew) this.#end(nowMs);
    else this.#disconnect();
    this.#core.begin(source);
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
    this.#disconnect();
    this.#core.end(nowMs);
  }

  /** Requests on a closed connection must be repeated. */
  #loseRequests(): void {
    for (const request of this.#requests) this.#fetches.queueLost(request);
    this.#requests = [];
    this.#queue.skip(Infinity);
  }

  /** A silent connection is given up; a lost one is opened again after a while. */
  #watch(nowMs: number): void {
    if (!this.#core.isAtWork) return;
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
      const roomBytes = inFlightBytes === 0 ? Infinity : this.#core.windowBytesMax - inFlightBytes;
      const bytes = Math.floor(
        Math.min(STREAM_REQUEST_BYTES_MAX, this.#core.ratedBytesMax, roomBytes),
      );
      if (bytes <= 0 || this.#core.rateReadyMs(nowMs) !== Infinity) return;
      const plan = this.#fetches.next(bytes, 1);
      if (plan === undefined) return;
      if (this.#requests.length === 0) this.#aliveMs = nowMs;
      for (const ranges of neighbours(plan.ranges)) {
        const [first, last] = [ranges[0]!, ranges.at(-1)!];
        const offset = first.chunk.offset + first.start;
        const end = last.chunk.offset + last.end;
        const { content } = plan;
        this.#requests.push({
          about: first.chunk,
          content,
          ranges,
          offset,
          end,
          frames: undefined,
        });
        const length = end - offset;
        this.#core.onAsked(nowMs, length);
        const { root, sizeBytes: size, sha256 } = content;
        // Servers that find nothing by its root go by the SHA-256, which units of folders do not have.
        const question = { root, size, ...(first.chunk.parts === undefined && { sha256 }) };
        const bytes = encodeMessage({ command: "fetch", ...question, offset, length });
        this.#actions.push({ kind: "transmit", bytes });
      }
    }
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
    const { offset, end, content } = request;
    const isAnswer = message["status"] === "file" && message["offset"] === offset &&
      message["length"] === end - offset && message["root"] === content.root;
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
    // A stream arrives as it was sent, so its sender is to blame.
    const failure = this.#core.onComplete(chunk, true);
    if (failure === undefined) return;
    const { asked } = failure;
    for (const suspect of suspectedChunks(asked)) this.#strike(asked, suspect);
  }

  /** Tells the server, which looks again whether its file is what it was. */
  #strike(about: Fetch, chunk: number): void {
    const { content } = about;
    const { root, sizeBytes: size } = content;
    this.#requests.push({
      ...{ about, content, ranges: [], offset: 0, end: 0 },
      ...{ isStrike: true, frames: undefined },
    });
    const bytes = encodeMessage({ command: "strike", root, size, chunk });
    this.#actions.push({ kind: "transmit", bytes });
  }

  #onBodyEnd(request: Request, message: JsonObject): void {
    this.#requests.shift();
    if (message["status"] === "sent" && request.offset === request.end) return;
    // The file changed while it was read, or is shorter than it was said to be.
    this.#core.onGone(request.about, "changed");
  }

  #onRefusal(nowMs: number, request: Request, message: JsonObject): void {
    const code = wireCodeIn(message["code"]);
    // It is being hashed again, or the server is full: later.
    if (PASSING_CODES.has(code)) return this.#breakOff(nowMs);
    // It has the content no more, or will not give it: to ask again does not help.
    this.#requests.shift();
    this.#aliveMs = nowMs;
    this.#core.onGone(request.about, code === "changed" ? "changed" : "unknown");
  }

  /** Perhaps the connection was cut off in a bad place; perhaps that is no server of ours. */
  #onNonsense(nowMs: number): void {
    this.#nonsense += 1;
    const [request] = this.#requests;
    this.#breakOff(nowMs);
    if (this.#nonsense >= STREAM_NONSENSE_MAX && request !== undefined) {
      this.#core.onGone(request.about, "unknown");
    }
  }

  /** Nothing more may be requested now. */
  #breakOff(nowMs: number): void {
    this.#actions.push({ kind: "disconnect" });
    this.#onDisconnected(nowMs);
  }

  #standing(nowMs: number): Standing {
    return {
      rateBytesPerS: this.#meter.read(nowMs),
      rttMs: this.#rttMs,
      silentMs: this.#fetches.leasedBytes > 0 ? nowMs - this.#aliveMs : 0,
    };
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
