/**
 * Runs a receiver's machine in its worker: one UDP socket towards a server, one port to the main
 * thread, one to the assembler. Receive, step, perform, set the timer again.
 */
import { HELD_BUFFER_SHARE } from "./limits.ts";
import type { ChunksMessage, RecycleMessage } from "../../messages/chunk_feed.ts";
import type { VerifiedChunk } from "../../protocol/download/assembler_steps.ts";
import type { ReceiverReply, ReceiverRequest } from "../../messages/receiver.ts";
import {
  Receiver,
  type ReceiverAction,
  type ReceiverEvent,
} from "../../protocol/download/receiver.ts";
import { clockOriginMs, nowMs, WakeupTimer, yieldToEvents } from "../system/clock.ts";
import { startHashClock } from "../hash/hash_clock.ts";
import { useFastestSha256 } from "../hash/fastest_sha256.ts";
import { SendQueue } from "../net/send_queue.ts";
import type { DatagramTransport, Received } from "../net/datagram_transport.ts";
import { openTransport } from "../net/transport_factory.ts";
import { runDriver } from "./worker_driver.ts";
import { channelPort, type WorkerPort } from "../system/worker_port.ts";

type Parent = WorkerPort<ReceiverRequest, ReceiverReply>;
type Feed = WorkerPort<RecycleMessage, ChunksMessage>;
type Init = Extract<ReceiverRequest, { kind: "init" }>;

/** Waits for `init`, then works until `stop`. */
export function runReceiver(parent: Parent): void {
  useFastestSha256();
  const hashedMs = startHashClock();
  runDriver(parent, (init: Init) => new ReceiverDriver(parent, init, hashedMs));
}

class ReceiverDriver {
  readonly #parent: Parent;
  readonly #feed: Feed;
  readonly #transport: DatagramTransport;
  readonly #machine: Receiver;
  readonly #queue: SendQueue;
  readonly #timer = new WakeupTimer(() => this.#wake());
  /** Verified chunks that the assembler has not been given. */
  #held: VerifiedChunk[] = [];
  #heldBytes = 0;
  #heldBytesMax = 0;
  #isStopped = false;
  readonly #hashedMs: () => number;
  /** Handling what arrived, with the hashing of it. */
  #handledMs = 0;

  constructor(parent: Parent, init: Init, hashedMs: () => number) {
    this.#parent = parent;
    this.#hashedMs = hashedMs;
    this.#transport = openTransport(init.transport);
    this.#queue = new SendQueue(this.#transport);
    const { receiveBufferBytes, isTuned, overheadBytes } = this.#transport;
    this.#machine = new Receiver({
      mtuBytes: init.transport.mtuBytes,
      overheadBytes,
      receiveBufferBytes,
      clockOriginMs: clockOriginMs(),
    });
    this.#feed = channelPort<RecycleMessage, ChunksMessage>(init.feed);
    this.#feed.onMessage((message) => this.#step(message));
    parent.post({ kind: "ready", receiveBufferBytes, isTuned });
    this.#transport.listen(
      (received) => this.#take(received),
      (error) => parent.post({ kind: "failed", error: error.toMessage() }),
    );
  }

  onRequest(request: Exclude<ReceiverRequest, Init>): void {
    if (request.kind === "stop") this.#stop();
    else {
      if (request.kind === "allot") {
        this.#heldBytesMax = request.bufferBytesMax * HELD_BUFFER_SHARE;
      }
      this.#step(request);
    }
  }

  #take({ bytes, from, segmentBytes }: Received): void {
    const startMs = nowMs();
    this.#step({ kind: "datagrams", bytes, from, segmentBytes });
    this.#handledMs += nowMs() - startMs;
  }

  /** A late timer must not speak before what has arrived meanwhile: it would call that lost. */
  async #wake(): Promise<void> {
    await yieldToEvents();
    this.#step({ kind: "wakeup" });
  }

  #step(event: ReceiverEvent): void {
    if (this.#isStopped) return;
    const now = nowMs();
    for (const action of this.#machine.handle(now, event)) this.#perform(action);
    this.#timer.set(this.#machine.nextWakeupMs(now));
  }

  #perform(action: ReceiverAction): void {
    switch (action.kind) {
      case "send":
        return this.#queue.push(action.datagram, action.to);
      case "chunk":
        return this.#hold(action);
      case "report":
        this.#handOver();
        return this.#parent.post(action);
      case "gone":
        return this.#parent.post(action);
      default:
        action satisfies never;
    }
  }

  #hold(chunk: VerifiedChunk): void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.bytes;
    if (this.#heldBytes >= this.#heldBytesMax) this.#handOver();
  }

  /** Hands what is verified to the assembler: when it is worth a message, and with each report. */
  #handOver(): void {
    if (this.#held.length === 0) return;
    this.#feed.post({ kind: "chunks", chunks: this.#held }, this.#held.map((e) => e.buffer.buffer));
    this.#held = [];
    this.#heldBytes = 0;
  }

  #stop(): void {
    this.#isStopped = true;
    this.#handOver();
    this.#timer.clear();
    void this.#transport.close();
    this.#feed.close();
    const hashMs = this.#hashedMs();
    const times = { receiveMs: this.#handledMs - hashMs, hashMs, waitMs: this.#transport.waitedMs };
    const { ignoredSegments: ignored, duplicateBytes } = this.#machine;
    this.#parent.post({ kind: "stopped", times, ignored, duplicateBytes });
  }
}
