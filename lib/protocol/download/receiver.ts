/**
 * The receiver's machine: one server at a time, any number of files on it. It asks for the ranges of
 * its leased chunks within the window, takes segments as they come, proves each chunk and hands it
 * on. It promises that a chunk which leaves it is what the layer says, whatever arrived; it does not
 * promise that a chunk arrives: leases, not receivers, see to that.
 *
 * `handle` is given one received buffer at a time (up to dozens of segments) and returns what to do;
 * the returned list is reused by the next call.
 */
import { type Endpoint, endpointKey } from "../../address.ts";
import type { Bytes, Token } from "../../ids.ts";
import { BURST_BYTES, MTU_BYTES_DEFAULT } from "../../wire/limits.ts";
import { TAIL_TIMER_MS_MAX } from "../base/limits.ts";
import { MTU_LONG_MS_MAX, RECEIVE_BUFFER_SHARE, REQUESTS_IN_FLIGHT_MIN } from "./limits.ts";
import { payloadBytesOf } from "../../wire/data_frame.ts";
import { decodeFrame, encodeFrame, type Frame, wantRangesIn } from "../../wire/frames.ts";
import { SegmentRuns } from "../../wire/segment_runs.ts";
import type { ChunkBuffer } from "./chunk_buffer.ts";
import { Congestion } from "./congestion.ts";
import { suspectedChunks } from "./fetch.ts";
import type { Plan } from "./fetch_list.ts";
import { type FlowPace, PackAsks } from "./pack_asks.ts";
import { SourceCore, type Standing } from "./source_core.ts";
import { Reordering } from "./reordering.ts";
import { longestTriedBytes, PathMtu } from "./path_mtu.ts";
import type { Assignment, ReceiverAction, ReceiverEvent } from "./receiver_messages.ts";
import { bytesOf, rangesOfFile, type Want, WantLedger } from "./want_ledger.ts";

/** What is remembered of the server that this receiver works for, and of the path to it. */
interface Flow {
  readonly endpoint: Endpoint;
  readonly nonce: bigint;
  readonly nonceHigh: number;
  readonly nonceLow: number;
  token: Token;
  readonly mtu: PathMtu;
  readonly reordering: Reordering;
  readonly congestion: Congestion;
  hasData: boolean;
  /** Tail timers that fired since something arrived. */
  timeouts: number;
  /** Whether the last of them has not been followed by a request yet. */
  mayProbe: boolean;
  /** When something last arrived, or was first asked for after a silence. */
  aliveMs: number;
}

export class Receiver {
  readonly #mtuBytes: number | undefined;
  readonly #overheadBytes: number;
  readonly #inFlightBytesMax: number;
  readonly #clockOriginMs: number;
  readonly #actions: ReceiverAction[] = [];
  readonly #core = new SourceCore(
    (nowMs) => this.#standing(nowMs),
    (action) => this.#actions.push(action),
  );
  readonly #fetches = this.#core.fetches;
  readonly #counts = this.#core.counts;
  readonly #ledger = new WantLedger();
  readonly #runs = new SegmentRuns();
  /** Absent where nothing is to come packed. */
  readonly #packs: PackAsks | undefined;
  #flow: Flow | undefined;
  #nextNumber = 1;
  /** After a chunk that failed, this server's segments must carry a CRC. */
  #wantsCrc = false;
  /** Datagrams that were not ours, not whole or not asked for. */
  ignoredSegments = 0;
  /** Payload that had arrived before. */
  duplicateBytes = 0;

  /**
   * @param options the transport needs `overheadBytes` (0 by default) of each datagram, which are no longer than `mtuBytes`, or
   *   as long as they pass in one piece where that is left out; `clockOriginMs` is the wall clock when `nowMs` was 0: flows probe by it, together; `packs` is whether servers are asked for packs, false
   *   by default
   */
  constructor(options: {
    readonly mtuBytes?: number;
    readonly overheadBytes?: number;
    readonly receiveBufferBytes: number;
    readonly clockOriginMs: number;
    readonly packs?: boolean;
  }) {
    if (options.packs) this.#packs = new PackAsks(this.#fetches);
    this.#overheadBytes = options.overheadBytes ?? 0;
    this.#mtuBytes = options.mtuBytes;
    this.#clockOriginMs = options.clockOriginMs;
    this.#inFlightBytesMax = RECEIVE_BUFFER_SHARE * options.receiveBufferBytes;
  }

  /**
   * Whether datagrams of full length vanish on the way: what drops them may see several as one that were joined
   * before it.
   */
  get isShortened(): boolean {
    return this.#flow?.mtu.isShortened ?? false;
  }

  handle(nowMs: number, event: ReceiverEvent): readonly ReceiverAction[] {
    this.#actions.length = 0;
    switch (event.kind) {
      case "assign":
        this.#release(nowMs);
        this.#wantsCrc = false;
        this.#startFlow(nowMs, event.assignment);
        break;
      case "reroute":
        this.#loseAll();
        this.#startFlow(nowMs, event.assignment);
        break;
      case "lease":
      case "allot":
      case "recycle":
        this.#core.onOrder(event);
        break;
      case "revoke":
        this.#core.onOrder(event);
        this.#ledger.settle();
        break;
      case "release":
        this.#release(nowMs);
        this.#flow = undefined;
        break;
      case "datagrams":
        this.#onDatagrams(nowMs, event.bytes, event.from, event.segmentBytes);
        break;
      case "wakeup":
        break;
      default:
        event satisfies never;
    }
    this.#findLost(nowMs);
    this.#findLostTail(nowMs);
    this.#askForPacks(nowMs);
    this.#ask(nowMs);
    this.#core.reportWhenDue(nowMs);
    return this.#actions;
  }

  /** When `handle` wants a wake-up even if nothing arrives. */
  nextWakeupMs(nowMs: number): number {
    const flow = this.#flow;
    if (flow === undefined || !this.#core.isAtWork) return Infinity;
    const tailMs = this.#ledger.count > 0 ? this.#tailDeadlineMs(flow) : Infinity;
    const lateMs = this.#ledger.lateDeadlineMs(lateMsMax(flow));
    return Math.min(this.#core.nextWakeupMs(nowMs), tailMs, lateMs);
  }

  // — Flow ——————————————————————————————————————————————————————————————————————————————————————

  #release(nowMs: number): void {
    this.#core.end(nowMs);
    this.#ledger.clear();
  }

  #startFlow(nowMs: number, assignment: Assignment): void {
    const { source, nonce, route: { endpoint, token, rttMs }, routeBytes } = assignment;
    this.#core.begin(source);
    this.#packs?.begin();
    const reordering = new Reordering();
    const overheadBytes = this.#overheadBytes;
    const last = this.#flow;
    const isSamePath = last !== undefined && endpointKey(last.endpoint) === endpointKey(endpoint);
    const mtuBytes = this.#mtuBytes ?? longestTriedBytes(routeBytes);
    const mtu = isSamePath ? last.mtu : new PathMtu(nowMs, mtuBytes, overheadBytes);
    const congestion = new Congestion(
      mtu.segmentBytes,
      rttMs,
      this.#clockOriginMs,
      reordering,
      overheadBytes,
    );
    this.#flow = {
      endpoint,
      nonce,
      nonceHigh: Number(nonce >> 32n),
      nonceLow: Number(nonce & 0xffff_ffffn),
      token,
      mtu,
      reordering,
      congestion,
      hasData: false,
      timeouts: 0,
      mayProbe: false,
      aliveMs: nowMs,
    };
  }

  #tailDeadlineMs(flow: Flow): number {
    const sentMs = (flow.timeouts > 0 ? this.#ledger.newestSentMs : this.#ledger.oldestSentMs) ??
      Infinity;
    const timerMs = flow.congestion.tailTimerMs * 2 ** Math.min(flow.timeouts, 6);
    return Math.max(sentMs, flow.hasData ? flow.aliveMs : 0) + Math.min(timerMs, TAIL_TIMER_MS_MAX);
  }

  /**
   * Nothing has come for a while. The first time only the oldest request counts as lost: whatever
   * answers its repetition proves the others lost as well, and a server that was merely busy has not
   * been asked for everything twice. The next time all that is in flight is lost.
   */
  #findLostTail(nowMs: number): void {
    const flow = this.#flow;
    if (flow === undefined || this.#ledger.count === 0) return;
    if (nowMs < this.#tailDeadlineMs(flow)) return;
    flow.timeouts += 1;
    flow.mayProbe = true;
    if (flow.timeouts > 1) this.#loseAll();
    else for (const want of this.#ledger.giveUpOldest()) this.#fetches.queueLost(want);
    flow.mtu.onTimeout(nowMs);
  }

  /** What was late for as long as the path makes nothing late is lost. */
  #findLost(nowMs: number): void {
    const flow = this.#flow;
    if (flow === undefined) return;
    flow.reordering.onTime(nowMs);
    this.#lose(nowMs, flow, this.#ledger.giveUpLate(nowMs, lateMsMax(flow)));
  }

  #lose(nowMs: number, flow: Flow, lost: readonly Want[]): void {
    if (lost.length === 0) return;
    for (const want of lost) {
      flow.congestion.onAnswered(nowMs, want.mark);
      this.#fetches.queueLost(want);
    }
    flow.mtu.onLost(nowMs, lost.filter(lacksSegment).map(({ segmentBytes }) => segmentBytes));
  }

  #loseAll(): void {
    for (const want of this.#ledger.giveUpAll()) this.#fetches.queueLost(want);
  }

  // — Asking ————————————————————————————————————————————————————————————————————————————————————

  #ask(nowMs: number): void {
    const flow = this.#flow;
    if (flow === undefined) return;
    flow.congestion.segmentBytes = flow.mtu.segmentBytes;
    for (;;) {
      const { segmentBytes } = flow.mtu;
      const requestBytes = this.#requestBytes(flow, segmentBytes);
      if (!this.#mayAsk(flow, nowMs, requestBytes)) return;
      const probeBytes = this.#probeBytes(flow, nowMs);
      const payloadBytes = payloadBytesOf(probeBytes ?? segmentBytes);
      const bytes = probeBytes === undefined ? requestBytes : payloadBytes;
      // A request that is longer than segments are would vanish where longer ones do.
      const plan = this.#fetches.next(bytes, payloadBytes, wantRangesIn(segmentBytes));
      if (plan === undefined) return;
      this.#send(flow, nowMs, plan, probeBytes);
    }
  }

  /**
   * What longer segments are tried now. Those that are longer than usual spare processors work, and are not
   * tried where they would not: on slow paths, and at the end, where what is lost is waited for.
   */
  #probeBytes(flow: Flow, nowMs: number): number | undefined {
    const probeBytes = flow.timeouts > 0 ? undefined : flow.mtu.probeBytes(nowMs);
    if (probeBytes === undefined || probeBytes <= MTU_BYTES_DEFAULT) return probeBytes;
    const isWorthIt = flow.congestion.rateBytesPerMs * MTU_LONG_MS_MAX >= probeBytes;
    return isWorthIt && !this.#fetches.isAllBegun ? probeBytes : undefined;
  }

  /** Ahead of their turn; nothing waits for the answers. */
  #askForPacks(nowMs: number): void {
    const flow = this.#flow;
    const packs = this.#packs;
    if (flow === undefined || packs === undefined || flow.timeouts > 0) return;
    const pace = (): FlowPace => this.#paceOf(flow);
    for (let ask = packs.next(nowMs, pace); ask !== undefined; ask = packs.next(nowMs, pace)) {
      const { nonce, token } = flow;
      const number = this.#nextNumber++;
      const datagram = encodeFrame({ kind: "pack_want", nonce, token, number, ...ask });
      this.#actions.push({ kind: "send", datagram, to: flow.endpoint });
      packs.onSent(nowMs, number);
    }
  }

  #paceOf({ congestion: { rateBytesPerMs, isInStartup } }: Flow): FlowPace {
    const wireBytesPerS = isInStartup ? 0 : rateBytesPerMs * 1_000;
    return { wireBytesPerS, plainBytesPerS: wireBytesPerS * this.#core.gain };
  }

  /** Whole segments, so that all but the last of a send are equally long. */
  #requestBytes(flow: Flow, segmentBytes: number): number {
    const payloadBytes = payloadBytesOf(segmentBytes);
    const bytesMax = Math.max(BURST_BYTES, this.#inFlightBytesMax / REQUESTS_IN_FLIGHT_MIN);
    const bytes = Math.min(flow.congestion.requestBytes, bytesMax, this.#core.ratedBytesMax);
    const segments = Math.floor(bytes / (segmentBytes + this.#overheadBytes));
    return Math.max(1, segments) * payloadBytes;
  }

  #mayAsk(flow: Flow, nowMs: number, requestBytes: number): boolean {
    if (this.#core.rateReadyMs(nowMs) !== Infinity) return false;
    const inFlight = this.#ledger.inFlightBytes;
    // During a silence, one request per timer, until something answers.
    if (flow.timeouts > 0) return flow.mayProbe || this.#ledger.count === 0;
    const limitBytes = Math.min(this.#core.windowBytesMax, this.#inFlightBytesMax);
    return inFlight === 0 ||
      (inFlight + requestBytes <= limitBytes && flow.congestion.hasRoom(nowMs, inFlight));
  }

  /** Sends a request, for longer segments than usual where they can be tried with it. */
  #send(flow: Flow, nowMs: number, plan: Plan, probeBytes: number | undefined): void {
    const ranges = rangesOfFile(plan.ranges);
    const isProbe = probeBytes !== undefined &&
      ranges.some(({ lengthBytes }) => lengthBytes >= payloadBytesOf(probeBytes));
    if (isProbe) flow.mtu.onProbe(nowMs);
    const segmentBytes = isProbe ? probeBytes : flow.mtu.segmentBytes;
    if (this.#ledger.count === 0 && flow.timeouts === 0) flow.aliveMs = nowMs;
    flow.mayProbe = false;
    const number = this.#nextNumber++;
    const mark = flow.congestion.onSent(nowMs, this.#fetches.isAllAsked);
    const askedBytes = this.#ledger.add(number, plan.ranges, mark, segmentBytes);
    this.#core.onAsked(nowMs, askedBytes);
    this.#counts.retransmits += Math.ceil(plan.repeatedBytes / payloadBytesOf(segmentBytes));
    const datagram = encodeFrame({
      kind: "want",
      nonce: flow.nonce,
      token: flow.token,
      number,
      root: plan.content.root,
      sizeBytes: plan.content.sizeBytes,
      segmentBytes,
      withCrc: this.#wantsCrc ? 1 : 0,
      ranges,
      ...(this.#mtuBytes === undefined && segmentBytes > MTU_BYTES_DEFAULT && { isWhole: true }),
    });
    this.#actions.push({ kind: "send", datagram, to: flow.endpoint });
  }

  // — Arrivals ——————————————————————————————————————————————————————————————————————————————————

  #onDatagrams(nowMs: number, bytes: Bytes, from: Endpoint, segmentBytes: number): void {
    const flow = this.#flow;
    if (
      flow === undefined || from.port !== flow.endpoint.port ||
      from.address !== flow.endpoint.address
    ) {
      this.ignoredSegments += 1;
      return;
    }
    const runs = this.#runs;
    runs.read(bytes, segmentBytes);
    let newest = 0;
    let newestSegments = 0;
    while (!runs.isAtEnd) {
      if (!runs.isData) {
        this.#onControl(nowMs, flow, runs.takeSlot());
        continue;
      }
      const number = this.#onSegments(nowMs, flow, runs);
      if (number > newest) {
        newest = number;
        newestSegments = 0;
      }
      if (number === newest) newestSegments += runs.segments;
    }
    if (newest === 0) return;
    const keepsOrder = flow.reordering.windowMs === 0;
    this.#lose(nowMs, flow, this.#ledger.onProof(nowMs, newest, newestSegments, keepsOrder));
  }

  /** Takes the run at hand; returns the number of its request, 0 if what is at hand is not ours. */
  #onSegments(nowMs: number, flow: Flow, runs: SegmentRuns): number {
    const want = runs.isOfFlow(flow.nonceHigh, flow.nonceLow, this.#wantsCrc)
      ? this.#ledger.find(runs.segment.number)
      : undefined;
    if (want === undefined) {
      this.ignoredSegments += 1;
      runs.takeSlot();
      return 0;
    }
    runs.takeRun();
    const payloadBytes = payloadBytesOf(want.segmentBytes);
    const isFull = runs.end - runs.start >= payloadBytes;
    // Shorter ones show nothing about those, and where those vanish they are no sign of life.
    if (isFull) flow.mtu.onFull(nowMs, want.segmentBytes);
    const isLife = isFull || !flow.mtu.isUnproved || bytesOf(want.ranges) < payloadBytes;
    let isAskedFor = false;
    for (const { chunk, start, end } of want.ranges) {
      const from = Math.max(start, runs.start - chunk.offset);
      const to = Math.min(end, runs.end - chunk.offset);
      if (from >= to) continue;
      if (!isAskedFor && isLife) this.#onAlive(nowMs, flow, want);
      isAskedFor = true;
      this.#onBytes(nowMs, flow, want, chunk, from, to);
    }
    if (isAskedFor) return want.number;
    this.ignoredSegments += runs.segments;
    return 0;
  }

  #onAlive(nowMs: number, flow: Flow, want: Want): void {
    flow.hasData = true;
    flow.timeouts = 0;
    flow.aliveMs = nowMs;
    if (want.hasArrivals) return;
    want.hasArrivals = true;
    flow.congestion.onRtt(nowMs, want.mark);
  }

  /** The run at hand brings `[from, to)` of a chunk, which `want` asked for. */
  #onBytes(
    nowMs: number,
    flow: Flow,
    want: Want,
    chunk: ChunkBuffer,
    from: number,
    to: number,
  ): void {
    const added = chunk.isDropped ? 0 : chunk.add(this.#runs, from, to);
    this.duplicateBytes += to - from - added;
    this.#counts.receivedBytes += added;
    const { pathBytes, lateMs, isAnswered } = this.#ledger.onArrival(nowMs, want, to - from, added);
    flow.congestion.onDelivered(nowMs, want.mark, pathBytes);
    if (lateMs > 0) flow.reordering.onLate(nowMs, lateMs, flow.congestion.rttMs);
    if (isAnswered) flow.congestion.onAnswered(nowMs, want.mark);
    if (chunk.isDropped) return;
    if (!this.#runs.hasOnlyCrcs) chunk.hasOnlyCheckedSegments = false;
    if (chunk.isComplete) this.#onComplete(nowMs, flow, chunk);
  }

  #onComplete(nowMs: number, flow: Flow, chunk: ChunkBuffer): void {
    const span = this.#fetches.spanOf(this.#fetches.fetchOf(chunk)!);
    const failure = this.#core.onComplete(chunk, chunk.hasOnlyCheckedSegments);
    this.#ledger.settle();
    if (failure === undefined) {
      const { lengthBytes } = span ?? chunk;
      this.#packs?.onBrought(nowMs, lengthBytes, span !== undefined);
      return;
    }
    this.#wantsCrc = true;
    if (!failure.isIntegrityFailure) return;
    const { asked } = failure;
    if (span !== undefined) this.#packs?.refuse();
    const { nonce, token } = flow;
    const { root, sizeBytes } = asked.content;
    for (const chunk of suspectedChunks(asked)) {
      const datagram = encodeFrame({ kind: "strike", nonce, token, root, sizeBytes, chunk });
      this.#actions.push({ kind: "send", datagram, to: flow.endpoint });
    }
  }

  #onControl(nowMs: number, flow: Flow, bytes: Uint8Array): void {
    const frame = decodeFrame(bytes);
    if (frame.kind === "gone" && frame.nonce === flow.nonce) this.#onGone(frame);
    else if (frame.kind === "packed" && frame.nonce === flow.nonce) this.#packs?.onAnswer(frame);
    else if (frame.kind === "busy" && frame.echo === flow.nonce) {
      this.#packs?.onBusy(nowMs, frame.number, frame.waitMs);
    } else if (frame.kind === "retry" && frame.echo === flow.nonce) {
      flow.token = frame.token;
      flow.aliveMs = nowMs;
      if (this.#packs?.onRetry(frame.number)) return;
      const want = this.#ledger.find(frame.number);
      if (want === undefined || want.outstandingBytes === 0) return;
      this.#ledger.giveUp(want);
      this.#fetches.queueLost(want);
    } else this.ignoredSegments += 1;
  }

  #onGone(frame: Extract<Frame, { kind: "gone" }>): void {
    const gone = this.#fetches.findByRoot(frame.root);
    if (gone === undefined) return;
    this.#core.onGone(gone, frame.reason);
    this.#ledger.settle();
  }

  #standing(nowMs: number): Standing {
    const flow = this.#flow;
    if (flow === undefined) return { rateBytesPerS: 0, rttMs: 0, silentMs: 0 };
    const isWaiting = this.#ledger.count > 0 || flow.timeouts > 0;
    return {
      rateBytesPerS: flow.congestion.rateBytesPerMs * 1000,
      rttMs: flow.congestion.rttMs,
      silentMs: isWaiting ? nowMs - flow.aliveMs : 0,
    };
  }
}

/** Whether no less than a segment is missing of what was given up. */
function lacksSegment({ ranges, segmentBytes }: Want): boolean {
  return bytesOf(ranges) >= payloadBytesOf(segmentBytes);
}

/** How late something may be that is not lost. */
function lateMsMax({ congestion, reordering }: Flow): number {
  return Math.max(congestion.rttMs / 4, reordering.windowMs);
}
