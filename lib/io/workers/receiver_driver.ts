/**
 * Runs a receiver of datagrams in its worker: one UDP socket towards a server, one port to the main
 * thread, one to the assembler. Receive, step, perform, set the timer again.
 */
import type {
  DatagramsConfig,
  SourceInit,
  SourceReply,
  SourceRequest,
} from "../../messages/chunk_source.ts";
import { Receiver } from "../../protocol/download/receiver.ts";
import type { ReceiverAction, ReceiverEvent } from "../../protocol/download/receiver_messages.ts";
import type { DatagramRoute } from "../../protocol/download/source_route.ts";
import type { ChannelEnd } from "../../messages/channel_end.ts";
import type { Clock, Wakeup } from "../system/clock.ts";
import { SendQueue } from "../net/send_queue.ts";
import type { DatagramTransport, Received } from "../net/datagram_transport.ts";
import type { Runtime } from "../runtime.ts";
import { runDriver } from "./worker_driver.ts";
import type { RandomSource } from "../system/random_source.ts";
import type { WorkerPort } from "../system/worker_port.ts";
import { ChunkOutlet } from "./chunk_outlet.ts";

type Init = SourceInit<DatagramsConfig>;
type Request = SourceRequest<DatagramsConfig, DatagramRoute>;
type Parent = WorkerPort<Request, SourceReply>;
type ReceiverRuntime = Pick<Runtime, "clock" | "net" | "random">;

/**
 * Waits for `init`, then works until `stop`.
 *
 * @param hashedMs how long this thread has hashed so far
 */
export function runReceiver(
  parent: Parent,
  runtime: ReceiverRuntime,
  hashedMs: () => number,
): void {
  runDriver(parent, ({ config, feed }: Init) => {
    return new ReceiverDriver(runtime, parent, config, feed, hashedMs);
  });
}

class ReceiverDriver {
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #parent: Parent;
  readonly #outlet: ChunkOutlet;
  readonly #transport: DatagramTransport;
  readonly #machine: Receiver;
  readonly #queue: SendQueue;
  readonly #timer: Wakeup;
  #isStopped = false;
  readonly #hashedMs: () => number;
  #isShortened = false;
  /** Handling what arrived, with the hashing of it. */
  #handledMs = 0;

  constructor(
    runtime: ReceiverRuntime,
    parent: Parent,
    { transport, mtuBytes }: DatagramsConfig,
    feed: ChannelEnd,
    hashedMs: () => number,
  ) {
    this.#clock = runtime.clock;
    this.#random = runtime.random;
    this.#timer = this.#clock.timer(() => this.#wake());
    this.#parent = parent;
    this.#hashedMs = hashedMs;
    this.#transport = runtime.net.openDatagrams({ ...transport, joins: true });
    this.#queue = new SendQueue(
      this.#transport,
      (refusal, to) => parent.post({ kind: "refused", refusal, to }),
    );
    const { receiveBufferBytes, isTuned, overheadBytes } = this.#transport;
    this.#machine = new Receiver({
      mtuBytes,
      overheadBytes,
      receiveBufferBytes,
      clockOriginMs: this.#clock.originMs(),
    });
    this.#outlet = new ChunkOutlet(feed, (buffers) => this.#step({ kind: "recycle", buffers }));
    const socket = isTuned ? "joined datagrams" : "plain socket";
    parent.post({ kind: "ready", detail: `receive buffer ${receiveBufferBytes} bytes, ${socket}` });
    this.#transport.listen(
      (received) => this.#take(received),
      (error) => parent.post({ kind: "failed", error: error.toMessage() }),
    );
  }

  onRequest(request: Exclude<Request, Init>): void {
    switch (request.kind) {
      case "stop":
        return this.#stop();
      case "assign":
      case "reroute": {
        const { source, route } = request;
        const assignment = { source, route, nonce: this.#random.u64() };
        return this.#step({ kind: request.kind, assignment });
      }
      case "allot":
        this.#outlet.budgetBytes = request.bufferBytesMax;
        return this.#step(request);
      default:
        return this.#step(request);
    }
  }

  #take({ bytes, from, segmentBytes }: Received): void {
    const startMs = this.#clock.nowMs();
    this.#step({ kind: "datagrams", bytes, from, segmentBytes });
    this.#handledMs += this.#clock.nowMs() - startMs;
  }

  /** A late timer must not fire before what has arrived meanwhile is handled: it would count that as lost. */
  async #wake(): Promise<void> {
    await this.#clock.yieldToEvents();
    this.#step({ kind: "wakeup" });
  }

  #step(event: ReceiverEvent): void {
    if (this.#isStopped) return;
    const now = this.#clock.nowMs();
    for (const action of this.#machine.handle(now, event)) this.#perform(action);
    this.#timer.set(this.#machine.nextWakeupMs(now));
    const { isShortened } = this.#machine;
    if (isShortened === this.#isShortened) return;
    this.#isShortened = isShortened;
    this.#transport.setJoining(!isShortened);
  }

  #perform(action: ReceiverAction): void {
    switch (action.kind) {
      case "send":
        return this.#queue.push(action.datagram, action.to);
      case "chunk":
        return this.#outlet.push(action);
      case "report":
        this.#outlet.flush();
        return this.#parent.post(action);
      case "gone":
        return this.#parent.post(action);
      default:
        action satisfies never;
    }
  }

  #stop(): void {
    this.#isStopped = true;
    this.#timer.clear();
    void this.#transport.close();
    this.#outlet.close();
    const hashMs = this.#hashedMs();
    const times = { receiveMs: this.#handledMs - hashMs, hashMs, waitMs: this.#transport.waitedMs };
    const { ignoredSegments, duplicateBytes } = this.#machine;
    const detail = `${ignoredSegments} datagrams ignored, ${duplicateBytes} duplicate bytes`;
    this.#parent.post({ kind: "stopped", times, detail });
  }
}
