/**
 * Runs a stream receiver in its worker: a TCP connection to a server, one port to the main thread, one
 * to the assembler.
 */
import type {
  SourceInit,
  SourceReply,
  SourceRequest,
  StreamConfig,
} from "../../messages/chunk_source.ts";
import {
  StreamReceiver,
  type StreamReceiverAction,
  type StreamReceiverEvent,
} from "../../protocol/download/stream_receiver.ts";
import type { StreamRoute } from "../../protocol/download/source_route.ts";
import { StreamLink } from "../net/stream_link.ts";
import type { ChannelEnd } from "../../messages/channel_end.ts";
import type { Runtime } from "../runtime.ts";
import type { Clock, Wakeup } from "../system/clock.ts";
import type { WorkerPort } from "../system/worker_port.ts";
import { ChunkOutlet } from "./chunk_outlet.ts";
import { runDriver } from "./worker_driver.ts";

type Init = SourceInit<StreamConfig>;
type Request = SourceRequest<StreamConfig, StreamRoute>;
type Parent = WorkerPort<Request, SourceReply>;
type StreamRuntime = Pick<Runtime, "clock" | "net">;

/**
 * Waits for `init`, then works until `stop`.
 *
 * @param hashedMs how long this thread has hashed so far
 */
export function runStreamReceiver(
  parent: Parent,
  runtime: StreamRuntime,
  hashedMs: () => number,
): void {
  runDriver(parent, ({ config, feed }: Init) => {
    return new StreamDriver(runtime, parent, config, feed, hashedMs);
  });
}

class StreamDriver {
  readonly #runtime: StreamRuntime;
  readonly #clock: Clock;
  readonly #parent: Parent;
  readonly #config: StreamConfig;
  readonly #outlet: ChunkOutlet;
  readonly #machine: StreamReceiver;
  readonly #timer: Wakeup;
  readonly #hashedMs: () => number;
  readonly #startedMs: number;
  /** The current one; what others report is ignored. */
  #connection: StreamLink | undefined;
  #handledMs = 0;
  #isStopped = false;

  constructor(
    runtime: StreamRuntime,
    parent: Parent,
    config: StreamConfig,
    feed: ChannelEnd,
    hashedMs: () => number,
  ) {
    const { clock } = runtime;
    this.#runtime = runtime;
    this.#clock = clock;
    this.#startedMs = clock.nowMs();
    this.#timer = clock.timer(() => this.#step({ kind: "wakeup" }));
    this.#parent = parent;
    this.#config = config;
    this.#machine = new StreamReceiver(config.timeoutMs);
    this.#hashedMs = hashedMs;
    this.#outlet = new ChunkOutlet(feed, (buffers) => this.#step({ kind: "recycle", buffers }));
    parent.post({ kind: "ready", detail: "TCP" });
  }

  onRequest(request: Exclude<Request, Init>): void {
    switch (request.kind) {
      case "stop":
        return this.#stop();
      case "assign":
      case "reroute": {
        const { kind, source, route } = request;
        return this.#step({ kind, source, route });
      }
      case "allot":
        this.#outlet.budgetBytes = request.bufferBytesMax;
        return this.#step(request);
      default:
        return this.#step(request);
    }
  }

  #step(event: StreamReceiverEvent): void {
    if (this.#isStopped) return;
    const now = this.#clock.nowMs();
    for (const action of [...this.#machine.handle(now, event)]) this.#perform(action);
    this.#timer.set(this.#machine.nextWakeupMs(now));
  }

  #perform(action: StreamReceiverAction): void {
    switch (action.kind) {
      case "connect":
        return this.#connect(action.route);
      case "disconnect":
        this.#connection?.close();
        this.#connection = undefined;
        return;
      case "transmit":
        return this.#connection?.send(action.bytes);
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

  #connect(route: StreamRoute): void {
    this.#connection?.close();
    const target = { ...this.#config, endpoint: route.endpoint };
    const connection: StreamLink = new StreamLink(this.#runtime, target, {
      onOpen: () => this.#tell(connection, { kind: "connected" }),
      onBytes: (bytes) => {
        const startMs = this.#clock.nowMs();
        this.#tell(connection, { kind: "arrived", bytes });
        this.#handledMs += this.#clock.nowMs() - startMs;
      },
      onEnd: () => this.#tell(connection, { kind: "disconnected" }),
    });
    this.#connection = connection;
  }

  #tell(connection: StreamLink, event: StreamReceiverEvent): void {
    if (connection === this.#connection) this.#step(event);
  }

  #stop(): void {
    this.#isStopped = true;
    this.#timer.clear();
    this.#connection?.close();
    this.#outlet.close();
    const hashMs = this.#hashedMs();
    const receiveMs = this.#handledMs - hashMs;
    const waitMs = this.#clock.nowMs() - this.#startedMs - this.#handledMs;
    const detail = `${this.#machine.duplicateBytes} duplicate bytes`;
    this.#parent.post({ kind: "stopped", times: { receiveMs, hashMs, waitMs }, detail });
  }
}
