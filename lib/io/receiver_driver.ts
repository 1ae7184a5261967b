/**
 * Runs a receiver's machine in its worker: one UDP socket towards a server, one port to the main
 * thread, one to the assembler. Receive, step, perform, set the timer again.
 */
import type { Bytes } from "../ids.ts";
import { ShoalError } from "../errors.ts";
import { RECEIVE_BUFFER_BYTES, RECEIVES_PER_TURN } from "../limits.ts";
import type { ChunkMessage, RecycleMessage } from "../messages/chunk_feed.ts";
import type { ReceiverReply, ReceiverRequest } from "../messages/receiver.ts";
import { Receiver, type ReceiverAction, type ReceiverEvent } from "../protocol/receiver.ts";
import { nowMs, WakeupTimer, yieldToEvents } from "./clock.ts";
import { useNativeSha256 } from "./native_sha256.ts";
import { SendQueue } from "./send_queue.ts";
import { openUdpPort, type Received, type UdpPort } from "./udp_port.ts";
import { runDriver } from "./worker_driver.ts";
import { channelPort, type WorkerPort } from "./worker_port.ts";

type Parent = WorkerPort<ReceiverRequest, ReceiverReply>;
type Feed = WorkerPort<RecycleMessage, ChunkMessage>;
type Init = Extract<ReceiverRequest, { kind: "init" }>;

/** Waits for `init`, then works until `stop`. */
export function runReceiver(parent: Parent): void {
  useNativeSha256();
  runDriver(parent, (init: Init) => new ReceiverDriver(parent, init));
}

class ReceiverDriver {
  readonly #parent: Parent;
  readonly #feed: Feed;
  readonly #port: UdpPort;
  readonly #machine: Receiver;
  readonly #queue: SendQueue;
  readonly #timer = new WakeupTimer(() => this.#wake());
  #isStopped = false;
  #receiveMs = 0;
  #waitMs = 0;

  constructor(parent: Parent, init: Init) {
    this.#parent = parent;
    this.#port = openUdpPort({ port: 0, tune: init.tune });
    this.#queue = new SendQueue(this.#port);
    const { receiveBufferBytes, isTuned } = this.#port;
    this.#machine = new Receiver({ mtuBytes: init.mtuBytes, receiveBufferBytes });
    this.#feed = channelPort<RecycleMessage, ChunkMessage>(init.feed);
    this.#feed.onMessage(({ buffer }) => this.#step({ kind: "recycle", buffer }));
    parent.post({ kind: "ready", receiveBufferBytes, isTuned });
    this.#receive().catch((error: unknown) => {
      parent.post({ kind: "failed", error: ShoalError.from(error).toMessage() });
    });
  }

  onRequest(request: Exclude<ReceiverRequest, Init>): void {
    if (request.kind === "stop") this.#stop();
    else this.#step(request);
  }

  async #receive(): Promise<void> {
    const buffer = new Uint8Array(RECEIVE_BUFFER_BYTES);
    for (;;) {
      const startMs = nowMs();
      const received = await this.#port.receive(buffer);
      if (received === undefined) return;
      const arrivedMs = nowMs();
      this.#waitMs += arrivedMs - startMs;
      const hasMore = this.#take(received, buffer);
      this.#receiveMs += nowMs() - arrivedMs;
      // Whatever else happens in this thread gets its turn, however fast datagrams come.
      if (hasMore) await yieldToEvents();
    }
  }

  /** Handles what was received and what has arrived meanwhile; says whether there may be more. */
  #take(received: Received, buffer: Bytes): boolean {
    let next: Received | undefined = received;
    for (let receives = 1; next !== undefined && !this.#isStopped; receives++) {
      this.#step({ kind: "datagrams", bytes: next.bytes, from: next.from });
      if (receives === RECEIVES_PER_TURN) return true;
      next = this.#port.receiveNow(buffer);
    }
    return false;
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
        return this.#feed.post(action, [action.buffer.buffer]);
      case "report":
      case "gone":
        return this.#parent.post(action);
      default:
        action satisfies never;
    }
  }

  #stop(): void {
    this.#isStopped = true;
    this.#timer.clear();
    this.#port.close();
    this.#feed.close();
    const times = { receiveMs: this.#receiveMs, waitMs: this.#waitMs };
    const { ignoredSegments: ignored, duplicateBytes } = this.#machine;
    this.#parent.post({ kind: "stopped", times, ignored, duplicateBytes });
  }
}
