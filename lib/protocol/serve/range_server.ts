/**
 * What a server does with what arrives on its data port. Requests for ranges are answered here, by
 * turns of proved addresses: a peer without a valid token is told how to get one, requests for a content that nobody has
 * located yet wait until somebody has, and files that changed are given up. Questions are handed on, so
 * much at a time, by turns of those who have proved their address. A chunk that a client
 * found bad is passed on only if it was sent to that client's flow.
 *
 * One request is served at a time; reading, sending and opening files are the driver's.
 */
import { FlowNews } from "./flow_news.ts";
import { type Endpoint, isSameEndpoint, partyOf } from "../../address.ts";
import type { Bytes, ServerId } from "../../ids.ts";
import { encodeFrame, type Frame, type FrameOf } from "../../wire/frames.ts";
import type { Random } from "../base/random.ts";
import type { Tokens } from "../base/tokens.ts";
import { EARLY_STRIKES_MAX, QUESTIONS_FORWARDED_WORK_MAX, STATS_INTERVAL_MS } from "./limits.ts";
import { PendingRequests } from "./pending_requests.ts";
import { isQuestion, type QuestionFrame } from "./questions.ts";
import { QuestionQueue, type WaitingQuestion } from "./question_queue.ts";
import { QuestionGate } from "./question_gate.ts";
import { type GuardedFrame, retryFor } from "./retry.ts";
import { SentChunks } from "./sent_chunks.ts";
import { type SentShare, SentTally } from "./sent_tally.ts";
import { type QueuedTurn, Sender, type Turn, type WantFrame } from "./sender.ts";
import { type ContentRef, keyOf, type ServedFile } from "../base/served_file.ts";

/** Counts since they were told last. */
export interface ServedCounts {
  readonly sentBytes: number;
  /** Flows with requests waiting, now. */
  readonly flows: number;
  readonly malformed: number;
  readonly dropped: number;
  /** Sends that were too long for the network interface. */
  readonly tooLong: number;
}

/**
 * How a request was served. `unknown`: the content's file is not open. `changed`: what is open or was
 * read is not what was indexed. `lacking`: some of it has not come yet. `tooLong`: the network interface does not take such segments.
 */
export type ServeOutcome = "sent" | "unknown" | "changed" | "lacking" | "tooLong";

export type RangeServerEvent =
  /** A good frame, `frameBytes` long. */
  | {
    readonly kind: "frame";
    readonly from: Endpoint;
    readonly frame: Frame;
    readonly frameBytes: number;
  }
  /** A datagram without one. */
  | { readonly kind: "noise" }
  /** A question that was handed on, and cost so much, has been dealt with. */
  | { readonly kind: "handled"; readonly work: number }
  /** Answer to `locate`. */
  | ({ readonly kind: "located"; readonly file?: ServedFile } & ContentRef)
  /** Outcome of `open`. */
  | ({ readonly kind: "opened"; readonly isAsIndexed: boolean } & ContentRef)
  /** Outcome of `serve`; `sentBytes` is what went out, headers included. */
  | { readonly kind: "served"; readonly outcome: ServeOutcome; readonly sentBytes: number }
  /** A file that had this content has it no more. */
  | ({ readonly kind: "forget" } & ContentRef)
  /** What was asked for by now is still sent, and nothing more: `left` follows. */
  | { readonly kind: "leave" }
  | { readonly kind: "wakeup" }
  | { readonly kind: "stop" };

export type RangeServerAction =
  /** Send one datagram. */
  | { readonly kind: "send"; readonly to: Endpoint; readonly datagram: Bytes }
  /** A question for the main thread; `handled` must follow. */
  | ({ readonly kind: "question" } & WaitingQuestion)
  /** Which file has this content? */
  | ({ readonly kind: "locate" } & ContentRef)
  /** Open what has been located. */
  | { readonly kind: "open"; readonly ref: ContentRef; readonly file: ServedFile }
  /** Close what is open of this content. */
  | { readonly kind: "close"; readonly ref: ContentRef }
  /** Read and send what this request asks for. */
  | { readonly kind: "serve"; readonly turn: Turn }
  /** The file of this content is not what was indexed any more. */
  | ({ readonly kind: "changed" } & ContentRef)
  /** A client of the proved address `party`, which was sent this chunk, found it bad. */
  | ({ readonly kind: "struck"; readonly party: string; readonly chunk: number } & ContentRef)
  /** A client begins to be sent this content. */
  | ({ readonly kind: "flow"; readonly to: Endpoint } & ContentRef)
  /** What was sent whom since this was told last. */
  | { readonly kind: "sent"; readonly shares: readonly SentShare[] }
  /** Nothing is left that was promised. */
  | { readonly kind: "left" }
  | ({ readonly kind: "counts" } & ServedCounts);

interface RangeServerOptions {
  readonly server: ServerId;
  readonly tokens: Tokens;
  /** 0 for no cap. */
  readonly rateBytesPerS: number;
  readonly random: Random;
  /** What the transport adds to a datagram; 0 by default. */
  readonly overheadBytes?: number;
  /** Add to this machine's time to get the one that tokens are issued by; 0 by default. */
  readonly tokenClockOffsetMs?: number;
}

export class RangeServer {
  readonly #server: ServerId;
  readonly #tokens: Tokens;
  readonly #tokenClockOffsetMs: number;
  readonly #sender: Sender;
  /** For contents that the main thread is being asked about. */
  readonly #pending = new PendingRequests();
  readonly #sent = new SentChunks();
  readonly #tally = new SentTally();
  readonly #news = new FlowNews();
  #actions: RangeServerAction[] = [];
  /** What is being served. */
  #turn: QueuedTurn | undefined;
  /** What its client said before it was known here that all of it was sent. */
  readonly #earlyStrikes: FrameOf<"strike">[] = [];
  readonly #gate: QuestionGate;
  readonly #questions: QuestionQueue;
  /** The work of questions that the main thread has not dealt with. */
  #forwardedWork = 0;
  #sentBytes = 0;
  #malformed = 0;
  #dropped = 0;
  #tooLong = 0;
  #countsDueMs = Infinity;
  /** Whether nothing more is promised, and whether all that was is sent. */
  #leaving: "no" | "sending" | "left" = "no";
  #isStopped = false;

  constructor(options: RangeServerOptions) {
    this.#server = options.server;
    this.#tokens = options.tokens;
    this.#tokenClockOffsetMs = options.tokenClockOffsetMs ?? 0;
    this.#gate = new QuestionGate(options);
    this.#questions = new QuestionQueue(options.random);
    this.#sender = new Sender(options.rateBytesPerS, options.overheadBytes ?? 0);
  }

  get flowCount(): number {
    return this.#sender.flowCount;
  }

  get forwardedWork(): number {
    return this.#forwardedWork;
  }

  handle(nowMs: number, event: RangeServerEvent): readonly RangeServerAction[] {
    this.#actions = [];
    if (this.#isStopped) return this.#actions;
    switch (event.kind) {
      case "frame":
        this.#onFrame(nowMs, event.from, event.frame, event.frameBytes);
        break;
      case "noise":
        this.#malformed += 1;
        break;
      case "handled":
        this.#forwardedWork -= event.work;
        break;
      case "located":
        this.#onLocated(event, event.file);
        break;
      case "opened":
        this.#onOpened(event, event.isAsIndexed);
        break;
      case "served":
        this.#onServed(nowMs, event.outcome, event.sentBytes);
        break;
      case "forget":
        this.#actions.push({ kind: "close", ref: event });
        break;
      case "leave":
        this.#leaving = "sending";
        break;
      case "wakeup":
        break;
      case "stop":
        this.#isStopped = true;
        this.#takeSent(nowMs);
        return this.#actions;
      default:
        event satisfies never;
    }
    this.#forward();
    this.#serveNext(nowMs);
    this.#tellSent(nowMs);
    this.#tellLeft(nowMs);
    this.#count(nowMs);
    return this.#actions;
  }

  /** When the rate allows the next request, or counts are due. */
  nextWakeupMs(nowMs: number): number {
    if (this.#isStopped) return Infinity;
    const turnMs = this.#turn === undefined ? this.#sender.nextWakeupMs(nowMs) : Infinity;
    return Math.min(turnMs, this.#countsDueMs, this.#tally.nextWakeupMs);
  }

  // — What comes in —————————————————————————————————————————————————————————————————————————————

  #onFrame(nowMs: number, from: Endpoint, frame: Frame, frameBytes: number): void {
    if (frame.kind === "want") this.#onWant(nowMs, from, frame, frameBytes);
    else if (isQuestion(frame)) this.#onQuestion(nowMs, from, frame, frameBytes);
    else if (frame.kind === "strike") this.#onStrike(nowMs, from, frame, frameBytes);
    // What only servers send.
    else this.#malformed += 1;
  }

  #onWant(nowMs: number, from: Endpoint, want: WantFrame, wantBytes: number): void {
    if (!this.#isValidated(nowMs, from, want)) return this.#sendRetry(nowMs, from, want, wantBytes);
    // Whoever asks learns at once that others have to be asked.
    if (this.#leaving !== "no") return this.#sendGone(from, want, "unknown");
    const key = keyOf(want);
    const isTaken = this.#pending.has(key)
      ? this.#pending.add(key, { to: from, want })
      : this.#sender.add(from, want);
    if (!isTaken) this.#dropped += 1;
  }

  /** What is more than the asker may cause goes no further. */
  #onQuestion(nowMs: number, from: Endpoint, frame: QuestionFrame, frameBytes: number): void {
    const passage = this.#gate.pass(nowMs, from, frame, frameBytes);
    if (passage.isAdmitted) {
      const { work, hasProved } = passage;
      const question = { from, frame, frameBytes, work };
      if (!this.#questions.add(question, hasProved)) this.#dropped += 1;
      return;
    }
    this.#dropped += 1;
    if (passage.answer === undefined) return;
    this.#actions.push({ kind: "send", to: from, datagram: passage.answer });
  }

  /** A flood must not pile up at the main thread. */
  #forward(): void {
    while (this.#forwardedWork < QUESTIONS_FORWARDED_WORK_MAX) {
      const question = this.#questions.take();
      if (question === undefined) return;
      this.#forwardedWork += question.work;
      this.#actions.push({ kind: "question", ...question });
    }
  }

  #onStrike(nowMs: number, from: Endpoint, strike: FrameOf<"strike">, frameBytes: number): void {
    if (!this.#isValidated(nowMs, from, strike)) {
      return this.#sendRetry(nowMs, from, strike, frameBytes);
    }
    // What was sent may be there, and proved bad, before the sending of it has returned.
    if (this.#isBeingSent(from, strike) && this.#earlyStrikes.length < EARLY_STRIKES_MAX) {
      this.#earlyStrikes.push(strike);
    } else this.#takeStrike(from, strike);
  }

  #isBeingSent(from: Endpoint, { nonce, root }: FrameOf<"strike">): boolean {
    const turn = this.#turn;
    return turn !== undefined && isSameEndpoint(turn.to, from) &&
      turn.want.nonce === nonce && turn.want.root === root;
  }

  #takeStrike(from: Endpoint, strike: FrameOf<"strike">): void {
    if (!this.#sent.takeStrike(from, strike)) {
      this.#dropped += 1;
      return;
    }
    const { root, sizeBytes, chunk } = strike;
    this.#actions.push({ kind: "struck", party: partyOf(from.address), root, sizeBytes, chunk });
  }

  #sendRetry(nowMs: number, to: Endpoint, frame: GuardedFrame, frameBytes: number): void {
    const token = this.#tokens.issue(nowMs + this.#tokenClockOffsetMs, to.address);
    const datagram = retryFor(frame, frameBytes, this.#server, token);
    if (datagram !== undefined) this.#actions.push({ kind: "send", to, datagram });
  }

  #isValidated(nowMs: number, from: Endpoint, frame: GuardedFrame): boolean {
    const atMs = nowMs + this.#tokenClockOffsetMs;
    return this.#tokens.judge(atMs, from.address, frame.token) === "valid";
  }

  // — Serving ———————————————————————————————————————————————————————————————————————————————————

  #serveNext(nowMs: number): void {
    if (this.#turn !== undefined) return;
    this.#turn = this.#sender.next(nowMs);
    if (this.#turn !== undefined) this.#actions.push({ kind: "serve", turn: this.#turn });
  }

  #onServed(nowMs: number, outcome: ServeOutcome, sentBytes: number): void {
    const turn = this.#turn!;
    this.#turn = undefined;
    this.#sentBytes += sentBytes;
    this.#settle(nowMs, turn, outcome);
    for (const strike of this.#earlyStrikes.splice(0)) this.#takeStrike(turn.to, strike);
  }

  #settle(nowMs: number, turn: QueuedTurn, outcome: ServeOutcome): void {
    switch (outcome) {
      case "sent":
        this.#sender.onAnswered(turn);
        this.#onSent(nowMs, turn);
        return this.#tellFlow(nowMs, turn);
      case "tooLong":
        // The client will ask for shorter segments.
        this.#tooLong += 1;
        return this.#tellFlow(nowMs, turn);
      case "changed":
        return this.#onChanged(turn);
      case "unknown":
        return this.#locate(turn);
      case "lacking":
        return this.#sendGone(turn.to, turn.want, "unknown");
      default:
        outcome satisfies never;
    }
  }

  #onSent(nowMs: number, { to, want }: Turn): void {
    this.#sent.onSent(to, want);
    this.#tally.onSent(nowMs, to, `${to.port} ${want.nonce}`, want, want.ranges);
  }

  #tellSent(nowMs: number): void {
    if (nowMs >= this.#tally.nextWakeupMs) this.#takeSent(nowMs);
  }

  #tellLeft(nowMs: number): void {
    if (this.#leaving !== "sending" || this.#turn !== undefined || !this.#sender.isIdle) return;
    this.#leaving = "left";
    this.#takeSent(nowMs);
    this.#actions.push({ kind: "left" });
  }

  #takeSent(nowMs: number): void {
    const shares = this.#tally.take(nowMs);
    if (shares.length > 0) this.#actions.push({ kind: "sent", shares });
  }

  /** Ports and nonces are the client's to choose: they make no news. */
  #tellFlow(nowMs: number, { to, want }: Turn): void {
    if (!this.#news.isNew(nowMs, to.address, keyOf(want))) return;
    this.#actions.push({ kind: "flow", to, root: want.root, sizeBytes: want.sizeBytes });
  }

  /** What was read is not what was indexed: nobody gets any more of it. */
  #onChanged({ to, want }: Turn): void {
    this.#actions.push({ kind: "close", ref: want });
    this.#sendGone(to, want, "changed");
    this.#tellChanged(want);
  }

  #tellChanged({ root, sizeBytes }: ContentRef): void {
    this.#actions.push({ kind: "changed", root, sizeBytes });
  }

  #sendGone(to: Endpoint, want: WantFrame, reason: FrameOf<"gone">["reason"]): void {
    const { nonce, number, root } = want;
    const datagram = encodeFrame({ kind: "gone", nonce, number, root, reason });
    this.#actions.push({ kind: "send", to, datagram });
  }

  // — Finding files —————————————————————————————————————————————————————————————————————————————

  #locate(turn: Turn): void {
    const { root, sizeBytes } = turn.want;
    const isAsked = this.#pending.has(keyOf(turn.want));
    if (!this.#pending.add(keyOf(turn.want), turn)) this.#dropped += 1;
    else if (!isAsked) this.#actions.push({ kind: "locate", root, sizeBytes });
  }

  #onLocated({ root, sizeBytes }: ContentRef, file: ServedFile | undefined): void {
    const ref = { root, sizeBytes };
    if (file !== undefined) this.#actions.push({ kind: "open", ref, file });
    else {
      for (const { to, want } of this.#pending.take(keyOf(ref))) {
        this.#sendGone(to, want, "unknown");
      }
    }
  }

  #onOpened(ref: ContentRef, isAsIndexed: boolean): void {
    if (!isAsIndexed) this.#tellChanged(ref);
    for (const { to, want } of this.#pending.take(keyOf(ref))) {
      if (!isAsIndexed) this.#sendGone(to, want, "changed");
      else if (!this.#sender.add(to, want)) this.#dropped += 1;
    }
  }

  // — Counts ————————————————————————————————————————————————————————————————————————————————————

  #count(nowMs: number): void {
    const flows = this.#sender.flowCount;
    if (this.#countsDueMs === Infinity) {
      const counted = this.#sentBytes + this.#malformed + this.#dropped + this.#tooLong + flows;
      if (counted > 0) this.#countsDueMs = nowMs + STATS_INTERVAL_MS;
    }
    if (nowMs < this.#countsDueMs) return;
    this.#actions.push({
      kind: "counts",
      sentBytes: this.#sentBytes,
      flows,
      malformed: this.#malformed,
      dropped: this.#dropped,
      tooLong: this.#tooLong,
    });
    this.#sentBytes =
      this.#malformed =
      this.#dropped =
      this.#tooLong =
        0;
    // That no flow waits any more is news as well.
    this.#countsDueMs = flows > 0 ? nowMs + STATS_INTERVAL_MS : Infinity;
  }
}
