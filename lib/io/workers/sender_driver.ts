/**
 * Runs a server's data socket in its worker: gives the range server what arrives, reads and sends what
 * it says, and passes its questions on to the main thread. Receiving and sending take turns, so that a
 * long queue of requests never keeps new ones from being received.
 */
import type { Endpoint } from "../../address.ts";
import { serverId } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { FORESEEN_MAX, REFUSED_PAUSE_MS, TURNS_UNTIL_YIELD } from "./limits.ts";
import type { SenderReply, SenderRequest } from "../../messages/sender_worker.ts";
import { Random } from "../../protocol/base/random.ts";
import { isRefusal, type SendRefusal } from "../../protocol/base/send_refusals.ts";
import { Tokens } from "../../protocol/base/tokens.ts";
import {
  RangeServer,
  type RangeServerAction,
  type RangeServerEvent,
  type ServeOutcome,
} from "../../protocol/serve/range_server.ts";
import type { Turn } from "../../protocol/serve/sender.ts";
import {
  type ContentRef,
  keyOf,
  type LocatedContent,
  type ServedFile,
} from "../../protocol/base/served_file.ts";
import { MTU_BYTES_DEFAULT } from "../../wire/limits.ts";
import { packedFramesIn } from "../../wire/packed_frames.ts";
import type { Clock, Wakeup } from "../system/clock.ts";
import { OPEN_FILES_DESCRIPTORS_SHARE, OPEN_FILES_MAX } from "../files/limits.ts";
import { descriptorShare } from "../system/descriptor_limit.ts";
import { SegmentWriter } from "../files/segment_writer.ts";
import { type ContentState, OpenContents } from "../files/open_contents.ts";
import { SendQueue } from "../net/send_queue.ts";
import type { DatagramTransport, Received, SendOutcome } from "../net/datagram_transport.ts";
import type { Runtime } from "../runtime.ts";
import { runDriver } from "./worker_driver.ts";
import type { WorkerPort } from "../system/worker_port.ts";

type Parent = WorkerPort<SenderRequest, SenderReply>;
type SenderRuntime = Pick<Runtime, "clock" | "random" | "net" | "disk">;
type Init = Extract<SenderRequest, { kind: "init" }>;

/** Waits for `init`, then works until `stop`. */
export function runSender(parent: Parent, runtime: SenderRuntime): void {
  runDriver(parent, (init: Init) => new SenderDriver(runtime, parent, init));
}

class SenderDriver {
  readonly #clock: Clock;
  readonly #parent: Parent;
  readonly #transport: DatagramTransport;
  readonly #queue: SendQueue;
  readonly #machine: RangeServer;
  readonly #writer: SegmentWriter;
  readonly #contents: OpenContents;
  /** Where contents lie that nobody has asked for, by {@linkcode keyOf}. */
  readonly #foreseen = new Map<string, ServedFile>();
  readonly #timer: Wakeup;
  /** What the machine wants to be served now. */
  #turn: Turn | undefined;
  /** Settles when nothing is left to be served for now. */
  #serving: Promise<void> | undefined;
  #refusedMs = -Infinity;
  #receiveMs = 0;
  #readMs = 0;
  #sendMs = 0;

  constructor(runtime: SenderRuntime, parent: Parent, init: Init) {
    this.#clock = runtime.clock;
    this.#timer = this.#clock.timer(() => this.#step({ kind: "wakeup" }));
    this.#parent = parent;
    this.#transport = runtime.net.openDatagrams(init.transport);
    const { port, isTuned, overheadBytes } = this.#transport;
    this.#queue = new SendQueue(
      this.#transport,
      (refusal, to) => this.#onRefused(refusal, to),
    );
    this.#writer = new SegmentWriter(overheadBytes);
    const openMax = descriptorShare(OPEN_FILES_MAX, OPEN_FILES_DESCRIPTORS_SHARE);
    this.#contents = new OpenContents(runtime.disk, openMax);
    this.#machine = new RangeServer({
      server: serverId(init.serverId),
      tokens: new Tokens(init.tokenSecret),
      rateBytesPerS: init.rateBytesPerS,
      random: new Random(runtime.random.u32()),
      overheadBytes,
      tokenClockOffsetMs: this.#clock.originMs() - init.clockOriginMs,
    });
    parent.post({ kind: "ready", port, isTuned });
    this.#transport.listen(
      (received) => {
        this.#take(received);
        // Serving receives what arrives meanwhile, too.
        return this.#serving;
      },
      (error) => parent.post({ kind: "failed", error: error.toMessage() }),
    );
  }

  onRequest(request: Exclude<SenderRequest, Init>): void {
    if (request.kind === "send") {
      for (const datagram of request.datagrams) this.#queue.push(datagram, request.to);
      return;
    }
    if (request.kind === "foreseen") return this.#foresee(request.contents);
    this.#step(request);
    if (request.kind === "stop") this.#stop();
  }

  #take({ bytes, from }: Received): void {
    const startMs = this.#clock.nowMs();
    let frames = 0;
    for (const packed of packedFramesIn(bytes)) {
      frames += 1;
      const { frame } = packed;
      this.#step({ kind: "frame", from, frame, frameBytes: packed.bytes.length });
    }
    if (frames === 0) this.#step({ kind: "noise" });
    this.#receiveMs += this.#clock.nowMs() - startMs;
  }

  #step(event: RangeServerEvent): void {
    const now = this.#clock.nowMs();
    for (const action of this.#machine.handle(now, event)) this.#perform(action);
    this.#timer.set(this.#machine.nextWakeupMs(now));
  }

  #perform(action: RangeServerAction): void {
    switch (action.kind) {
      case "send":
        return this.#queue.push(action.datagram, action.to);
      case "serve":
        this.#turn = action.turn;
        this.#serving ??= this.#serveAll();
        return;
      case "open":
        return this.#open(action.ref, action.file);
      case "close":
        this.#foreseen.delete(keyOf(action.ref));
        return this.#contents.close(action.ref);
      case "question":
      case "locate":
      case "changed":
      case "struck":
      case "flow":
      case "sent":
      case "left":
      case "counts":
        return this.#parent.post(action);
      default:
        action satisfies never;
    }
  }

  /** What was foreseen is opened when its turn comes, so that requests are served in their order. */
  #find(ref: ContentRef): ContentState {
    const nowMs = this.#clock.nowMs();
    const found = this.#contents.find(nowMs, ref);
    const file = this.#foreseen.get(keyOf(ref));
    if (found.kind !== "unknown" || file === undefined) return found;
    // If it is another by now, the main thread is asked.
    this.#foreseen.delete(keyOf(ref));
    return this.#contents.open(nowMs, ref, file) ? this.#contents.find(nowMs, ref) : found;
  }

  #foresee(contents: readonly LocatedContent[]): void {
    for (const { file, ...ref } of contents) this.#foreseen.set(keyOf(ref), file);
    for (const oldest of this.#foreseen.keys()) {
      if (this.#foreseen.size <= FORESEEN_MAX) break;
      this.#foreseen.delete(oldest);
    }
  }

  #open({ root, sizeBytes }: ContentRef, file: ServedFile): void {
    const isAsIndexed = this.#contents.open(this.#clock.nowMs(), { root, sizeBytes }, file);
    this.#step({ kind: "opened", root, sizeBytes, isAsIndexed });
  }

  /** Serves one request after another until none waits in the machine. */
  async #serveAll(): Promise<void> {
    try {
      for (let turns = 1; this.#turn !== undefined; turns++) {
        const turn = this.#turn;
        this.#turn = undefined;
        const served = await this.#serve(turn);
        // A long queue must not keep what arrives meanwhile from being received.
        this.#transport.takeArrived();
        // Sends that need not wait would keep everything else in this thread waiting.
        if (turns % TURNS_UNTIL_YIELD === 0) await this.#clock.yieldToEvents();
        this.#step(served);
      }
    } catch (error) {
      this.#parent.post({ kind: "failed", error: ShoalError.from(error).toMessage() });
    }
    this.#serving = undefined;
  }

  async #serve({ to, want }: Turn): Promise<Extract<RangeServerEvent, { kind: "served" }>> {
    const content = this.#find(want);
    if (content.kind !== "open") return { kind: "served", outcome: content.kind, sentBytes: 0 };
    if (!content.holds(want.ranges)) return { kind: "served", outcome: "lacking", sentBytes: 0 };
    const { nonce, number } = want;
    const segmentBytes = this.#segmentBytesFor(want);
    let outcome: ServeOutcome = "sent";
    let sentBytes = 0;
    const onSent = (startMs: number, sent: SendOutcome): boolean => {
      this.#sendMs += this.#clock.nowMs() - startMs;
      if (sent === "too long") outcome = "tooLong";
      else if (isRefusal(sent)) this.#onRefused(sent, to);
      return outcome === "sent";
    };
    const isSent = await this.#writer.write(
      want.ranges,
      segmentBytes,
      { nonce, number, withCrc: want.withCrc === 1 },
      // It may be closed while a send is awaited: then it gives nothing.
      (target, at, length, position) => {
        const startMs = this.#clock.nowMs();
        const bytes = content.readAt(target, at, length, position);
        this.#readMs += this.#clock.nowMs() - startMs;
        return bytes;
      },
      (bytes) => {
        sentBytes += bytes.length;
        const startMs = this.#clock.nowMs();
        const sending = this.#transport.send(bytes, to, segmentBytes);
        return typeof sending === "string"
          ? onSent(startMs, sending)
          : sending.then((sent) => onSent(startMs, sent));
      },
    );
    // What was closed while a send was awaited is looked for again; only what is open can have changed.
    if (!isSent && outcome === "sent") {
      outcome = content.isClosed ? "unknown" : "changed";
    }
    return { kind: "served", outcome, sentBytes };
  }

  /** As long as was asked for; the usual length where longer ones might leave in fragments that were not to. */
  #segmentBytesFor({ segmentBytes, isWhole }: Turn["want"]): number {
    const { keepsWhole, overheadBytes } = this.#transport;
    return isWhole && !keepsWhole
      ? Math.min(segmentBytes, MTU_BYTES_DEFAULT - overheadBytes)
      : segmentBytes;
  }

  /** Whoever asks on is refused on: that is told now and then, and people hear of it once. */
  #onRefused(refusal: SendRefusal, to: Endpoint): void {
    const now = this.#clock.nowMs();
    if (now < this.#refusedMs + REFUSED_PAUSE_MS) return;
    this.#refusedMs = now;
    this.#parent.post({ kind: "refused", refusal, to });
  }

  #stop(): void {
    this.#timer.clear();
    void this.#transport.close();
    this.#contents.closeAll();
    const times = {
      receiveMs: this.#receiveMs,
      readMs: this.#readMs,
      sendMs: this.#sendMs,
      waitMs: this.#transport.waitedMs,
    };
    this.#parent.post({ kind: "stopped", times });
  }
}
