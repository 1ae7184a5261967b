/** Runs a stream receiver in its worker: a TCP connection to a server. */
import type { SourceInit, StreamConfig } from "../../messages/chunk_source.ts";
import {
  StreamReceiver,
  type StreamReceiverAction,
  type StreamReceiverEvent,
} from "../../protocol/download/stream_receiver.ts";
import type { SourceAction } from "../../protocol/download/source_messages.ts";
import type { StreamRoute } from "../../protocol/download/source_route.ts";
import { StreamLink } from "../net/stream_link.ts";
import type { Runtime } from "../runtime.ts";
import {
  type AssignOrder,
  SourceDriver,
  type SourceParent,
  type SourceSocket,
} from "./source_driver.ts";
import { runDriver } from "./worker_driver.ts";

type Parent = SourceParent<StreamConfig, StreamRoute>;
type Action = Exclude<StreamReceiverAction, SourceAction>;
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
  runDriver(parent, ({ config, feed }: SourceInit<StreamConfig>) => {
    const { clock } = runtime;
    const machine = new StreamReceiver(config.timeoutMs);
    const socket: StreamSocket = new StreamSocket(runtime, config, machine, {
      onEvent: (event) => driver.onSocket(event),
      onBytes: (bytes) => driver.onArrival({ kind: "arrived", bytes }),
    });
    const driver = new SourceDriver<StreamRoute, StreamReceiverEvent, Action>({
      ...{ clock, parent, feed, hashedMs, machine, socket },
    });
    parent.post({ kind: "ready", detail: "TCP" });
    return driver;
  });
}

interface Told {
  readonly onEvent: (event: StreamReceiverEvent) => void;
  readonly onBytes: (bytes: Uint8Array<ArrayBuffer>) => void;
}

class StreamSocket implements SourceSocket<StreamRoute, StreamReceiverEvent, Action> {
  readonly #runtime: StreamRuntime;
  readonly #config: StreamConfig;
  readonly #machine: StreamReceiver;
  readonly #told: Told;
  readonly #startedMs: number;
  /** The current one; what others report is ignored. */
  #connection: StreamLink | undefined;

  constructor(runtime: StreamRuntime, config: StreamConfig, machine: StreamReceiver, told: Told) {
    this.#runtime = runtime;
    this.#config = config;
    this.#machine = machine;
    this.#told = told;
    this.#startedMs = runtime.clock.nowMs();
  }

  assigned({ kind, source, route }: AssignOrder<StreamRoute>): StreamReceiverEvent {
    return { kind, source, route };
  }

  perform(action: Action): void {
    switch (action.kind) {
      case "connect":
        return this.#connect(action.route);
      case "disconnect":
        this.#connection?.close();
        this.#connection = undefined;
        return;
      case "transmit":
        return this.#connection?.send(action.bytes);
      default:
        action satisfies never;
    }
  }

  close(handledMs: number) {
    this.#connection?.close();
    const waitMs = this.#runtime.clock.nowMs() - this.#startedMs - handledMs;
    return { waitMs, detail: `${this.#machine.duplicateBytes} duplicate bytes` };
  }

  #connect(route: StreamRoute): void {
    this.#connection?.close();
    const target = { ...this.#config, endpoint: route.endpoint };
    const tell = (event: StreamReceiverEvent): void => {
      if (connection === this.#connection) this.#told.onEvent(event);
    };
    const connection: StreamLink = new StreamLink(this.#runtime, target, {
      onOpen: () => tell({ kind: "connected" }),
      onBytes: (bytes) => {
        if (connection === this.#connection) this.#told.onBytes(bytes);
      },
      onEnd: () => tell({ kind: "disconnected" }),
    });
    this.#connection = connection;
  }
}
