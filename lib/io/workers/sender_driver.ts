/**
 * Runs a server's data socket in its worker: answers WANTs by itself, hands every other good frame to
 * the main thread, and sends what that answers. Receiving and sending take turns, so that a long
 * queue of requests never keeps new ones from being heard.
 */
import { type Bytes, type Endpoint, endpointText, type ServerId, serverId } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { FLOWS_MAX } from "../../protocol/serve/limits.ts";
import { FORWARDED_DATAGRAMS_MAX } from "../net/limits.ts";
import { STATS_INTERVAL_MS, TURNS_UNTIL_YIELD } from "./limits.ts";
import type { SenderReply, SenderRequest } from "../../messages/sender.ts";
import { ParkedTurns } from "../../protocol/serve/parked_turns.ts";
import { retryFor } from "../../protocol/serve/retry.ts";
import { Sender, type Turn, type WantFrame } from "../../protocol/serve/sender.ts";
import { Tokens } from "../../protocol/base/tokens.ts";
import { encodeFrame } from "../../wire/frames.ts";
import { type PackedFrame, packedFramesIn } from "../../wire/packed_frames.ts";
import { clockOriginMs, nowMs, sleep, WakeupTimer, yieldToEvents } from "../system/clock.ts";
import { denoDisk } from "../files/deno_disk.ts";
import { SegmentWriter } from "../files/segment_writer.ts";
import { SendQueue } from "../net/send_queue.ts";
import { type ContentRef, keyOf, ServedFiles } from "../files/served_files.ts";
import type { DatagramTransport, Received } from "../net/datagram_transport.ts";
import type { Runtime } from "../runtime.ts";
import { runDriver } from "./worker_driver.ts";
import type { WorkerPort } from "../system/worker_port.ts";

type Parent = WorkerPort<SenderRequest, SenderReply>;
type Init = Extract<SenderRequest, { kind: "init" }>;

/** Waits for `init`, then works until `stop`. */
export function runSender(parent: Parent, runtime: Runtime): void {
  runDriver(parent, (init: Init) => new SenderDriver(runtime, parent, init));
}

class SenderDriver {
  readonly #parent: Parent;
  readonly #transport: DatagramTransport;
  readonly #queue: SendQueue;
  readonly #server: ServerId;
  readonly #tokens: Tokens;
  readonly #machine: Sender;
  readonly #writer: SegmentWriter;
  readonly #files = new ServedFiles(denoDisk);
  /** Requests for contents that the main thread is being asked about. */
  readonly #unlocated = new ParkedTurns();
  /** Flows that the main thread has been told of; all are forgotten when there are too many. */
  readonly #toldFlows = new Set<string>();
  readonly #timer = new WakeupTimer(() => this.#serveAll());
  readonly #stopping = new AbortController();
  /** Add to this thread's clock to get the main thread's. */
  readonly #clockOffsetMs: number;
  #isPumping = false;
  /** Frames that the main thread has not dealt with. */
  #forwarded = 0;
  #sentBytes = 0;
  #malformed = 0;
  #dropped = 0;
  #tooLong = 0;
  #receiveMs = 0;
  #readMs = 0;
  #sendMs = 0;

  constructor(runtime: Runtime, parent: Parent, init: Init) {
    this.#parent = parent;
    this.#transport = runtime.net.openDatagrams(init.transport);
    this.#queue = new SendQueue(this.#transport);
    this.#server = serverId(init.serverId);
    this.#tokens = new Tokens(init.tokenSecret);
    this.#machine = new Sender(init.rateBytesPerS, this.#transport.overheadBytes);
    this.#writer = new SegmentWriter(this.#transport.overheadBytes);
    this.#clockOffsetMs = clockOriginMs() - init.clockOriginMs;
    const { port, isTuned } = this.#transport;
    parent.post({ kind: "ready", port, isTuned });
    this.#report();
    this.#transport.listen(
      (received) => {
        this.#take(received);
        // Who serves takes what arrives meanwhile itself.
        return this.#serveAll();
      },
      (error) => parent.post({ kind: "failed", error: error.toMessage() }),
    );
  }

  onRequest(request: Exclude<SenderRequest, Init>): void {
    switch (request.kind) {
      case "send":
        for (const datagram of request.datagrams) this.#queue.push(datagram, request.to);
        return;
      case "handled":
        this.#forwarded -= 1;
        return;
      case "located":
        return this.#onLocated(request);
      case "forget":
        return this.#files.close(request);
      case "stop":
        return this.#stop();
      default:
        request satisfies never;
    }
  }

  #take({ bytes, from }: Received): void {
    const startMs = nowMs();
    let frames = 0;
    for (const packed of packedFramesIn(bytes)) {
      frames += 1;
      this.#onFrame(from, packed);
    }
    if (frames === 0) this.#malformed += 1;
    this.#receiveMs += nowMs() - startMs;
  }

  #onFrame(from: Endpoint, { frame, bytes }: PackedFrame): void {
    switch (frame.kind) {
      case "want":
        return this.#onWant(from, frame, bytes.length);
      case "find":
      case "list":
      case "layer_want":
      case "strike":
        return this.#forward(from, bytes);
      default:
        // What only servers send.
        this.#malformed += 1;
    }
  }

  /** The main thread has so many before it at most: a flood must not pile up there. */
  #forward(from: Endpoint, bytes: Uint8Array): void {
    if (this.#forwarded >= FORWARDED_DATAGRAMS_MAX) {
      this.#dropped += 1;
      return;
    }
    this.#forwarded += 1;
    const copy = bytes.slice() as Bytes;
    this.#parent.post({ kind: "frame", from, bytes: copy }, [copy.buffer]);
  }

  #onWant(from: Endpoint, want: WantFrame, wantBytes: number): void {
    const now = nowMs() + this.#clockOffsetMs;
    if (this.#tokens.judge(now, from.address, want.token) !== "valid") {
      const token = this.#tokens.issue(now, from.address);
      const retry = retryFor(want, wantBytes, this.#server, token);
      if (retry !== undefined) this.#queue.push(retry, from);
      return;
    }
    const isTaken = this.#unlocated.has(keyOf(want))
      ? this.#unlocated.park(keyOf(want), { to: from, want })
      : this.#machine.add(from, want);
    if (!isTaken) this.#dropped += 1;
  }

  // — Sending ———————————————————————————————————————————————————————————————————————————————————

  async #serveAll(): Promise<void> {
    try {
      await this.#pump();
    } catch (error) {
      this.#parent.post({ kind: "failed", error: ShoalError.from(error).toMessage() });
    }
  }

  /** Serves what waits, until nothing does or the rate says wait. */
  async #pump(): Promise<void> {
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (let turns = 1;; turns++) {
      const turn = this.#machine.next(nowMs());
      if (turn === undefined || this.#stopping.signal.aborted) break;
      await this.#serve(turn);
      // A long queue must not keep what arrives meanwhile from being heard.
      this.#transport.takeArrived();
      // Sends that need not wait would keep everything else in this thread waiting.
      if (turns % TURNS_UNTIL_YIELD === 0) await yieldToEvents();
    }
    this.#isPumping = false;
    if (!this.#stopping.signal.aborted) this.#timer.set(this.#machine.nextWakeupMs(nowMs()));
  }

  async #serve(turn: Turn): Promise<void> {
    const { to, want } = turn;
    const state = this.#files.find(nowMs(), want);
    if (state.kind === "unknown") return this.#locate(turn);
    if (state.kind === "changed") return this.#onChanged(turn);
    this.#tellFlow(turn);
    const { nonce, number, segmentBytes } = want;
    const header = { nonce, number, withCrc: want.withCrc === 1 };
    let isCut = false;
    const isSent = await this.#writer.write(
      want.ranges,
      segmentBytes,
      header,
      // Looked up for each read: while a send is awaited the file may be closed.
      (...read) => {
        const startMs = nowMs();
        const bytes = this.#files.readAt(want, ...read);
        this.#readMs += nowMs() - startMs;
        return bytes;
      },
      async (bytes) => {
        this.#sentBytes += bytes.length;
        const startMs = nowMs();
        isCut = await this.#transport.send(bytes, to, segmentBytes) === "too long";
        this.#sendMs += nowMs() - startMs;
        return !isCut;
      },
    );
    if (isSent) return;
    // Too long for this machine's interface: the client will ask for shorter segments.
    if (isCut) this.#tooLong += 1;
    else this.#onChanged(turn);
  }

  /** What is read is not what was indexed: nobody gets any more of it. */
  #onChanged({ to, want }: Turn): void {
    this.#files.close(want);
    this.#sayGone(to, want, "changed");
    this.#parent.post({ kind: "changed", root: want.root, sizeBytes: want.sizeBytes });
  }

  #sayGone(to: Endpoint, want: WantFrame, reason: "changed" | "unknown"): void {
    const { nonce, number, root } = want;
    this.#queue.push(encodeFrame({ kind: "gone", nonce, number, root, reason }), to);
  }

  #tellFlow({ to, want }: Turn): void {
    const key = `${endpointText(to)} ${want.nonce} ${keyOf(want)}`;
    if (this.#toldFlows.has(key)) return;
    this.#toldFlows.add(key);
    if (this.#toldFlows.size > FLOWS_MAX) this.#toldFlows.clear();
    this.#parent.post({ kind: "flow", to, root: want.root, sizeBytes: want.sizeBytes });
  }

  // — Finding files —————————————————————————————————————————————————————————————————————————————

  #locate(turn: Turn): void {
    const { root, sizeBytes } = turn.want;
    const isAsked = this.#unlocated.has(keyOf(turn.want));
    if (!this.#unlocated.park(keyOf(turn.want), turn)) this.#dropped += 1;
    else if (!isAsked) this.#parent.post({ kind: "locate", root, sizeBytes });
  }

  #onLocated(located: Extract<SenderRequest, { kind: "located" }>): void {
    const ref: ContentRef = located;
    const waiting = this.#unlocated.take(keyOf(ref));
    const isOpen = located.file !== undefined && this.#files.open(nowMs(), ref, located.file);
    if (located.file !== undefined && !isOpen) {
      this.#parent.post({ kind: "changed", root: ref.root, sizeBytes: ref.sizeBytes });
    }
    for (const { to, want } of waiting) {
      if (isOpen) this.#machine.add(to, want);
      else this.#sayGone(to, want, located.file === undefined ? "unknown" : "changed");
    }
    this.#serveAll();
  }

  // — Reports and the end ———————————————————————————————————————————————————————————————————————

  async #report(): Promise<void> {
    const { signal } = this.#stopping;
    let reportedFlows = 0;
    for (;;) {
      await sleep(STATS_INTERVAL_MS, signal);
      if (signal.aborted) return;
      const counted = this.#sentBytes + this.#malformed + this.#dropped + this.#tooLong;
      const { flowCount } = this.#machine;
      if (counted === 0 && flowCount === reportedFlows) continue;
      reportedFlows = flowCount;
      this.#parent.post({
        kind: "served",
        sentBytes: this.#sentBytes,
        flows: flowCount,
        malformed: this.#malformed,
        dropped: this.#dropped,
        tooLong: this.#tooLong,
      });
      this.#sentBytes = 0;
      this.#malformed = 0;
      this.#dropped = 0;
      this.#tooLong = 0;
    }
  }

  #stop(): void {
    this.#stopping.abort();
    this.#timer.clear();
    void this.#transport.close();
    this.#files.closeAll();
    const times = {
      receiveMs: this.#receiveMs,
      readMs: this.#readMs,
      sendMs: this.#sendMs,
      waitMs: this.#transport.waitedMs,
    };
    this.#parent.post({ kind: "stopped", times });
  }
}
