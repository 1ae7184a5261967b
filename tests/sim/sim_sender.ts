/**
 * The sender worker of a simulated server and the data socket before it: the driver and the wiring that
 * ship, over virtual time, a transport into the simulated network and a disk in memory.
 */
import type { Endpoint } from "../../lib/address.ts";
import type { Bytes } from "../../lib/ids.ts";
import { ShoalError } from "../../lib/errors.ts";
import { DataSocket, type DataSocketOptions } from "../../lib/app/serve/data_socket.ts";
import type {
  DatagramTransport,
  OnReceived,
  SendOutcome,
} from "../../lib/io/net/datagram_transport.ts";
import type { Runtime } from "../../lib/io/runtime.ts";
import type { WorkerPort } from "../../lib/io/system/worker_port.ts";
import { runSender } from "../../lib/io/workers/sender_driver.ts";
import type { SenderReply, SenderRequest } from "../../lib/messages/sender.ts";
import { transportConfig } from "../../lib/messages/transport_config.ts";
import type { MemoryDisk } from "./memory_disk.ts";
import type { Channel, Gate, VirtualClock } from "./virtual_clock.ts";

/** What others in a thread have the time for when it yields. */
const YIELD_MS = 0.01;
const RECEIVE_BUFFER_BYTES = 212_992;

export interface SenderWorld {
  readonly clock: VirtualClock;
  readonly disk: MemoryDisk;
  readonly port: number;
  /** Of the sender's process. */
  readonly gate: Gate;
  readonly toMain: Channel;
  readonly toSender: Channel;
  /** How fast it gets rid of what it sends; control datagrams take no time. */
  readonly bytesPerMs: number;
  readonly send: (to: Endpoint, datagram: Bytes) => void;
}

type SocketOptions = Omit<DataSocketOptions, "runtime" | "transport">;

export class SimSender {
  readonly socket: DataSocket;
  /** Questions that the main thread has not dealt with. */
  questionsWaiting = 0;
  readonly #world: SenderWorld;
  #onReceived: OnReceived = () => {};

  constructor(world: SenderWorld, options: SocketOptions) {
    this.#world = world;
    const clock = world.clock.clockOf(YIELD_MS, world.gate);
    const none = (): never => {
      throw new ShoalError("internal", "a sender has nothing else");
    };
    const net = { openDatagrams: () => this.#transport(), connect: none, listen: none };
    const inner: Runtime = {
      clock,
      disk: world.disk,
      net,
      random: { bytes: none, u64: none, u32: none },
      workers: { start: none, channel: none },
    };
    const start = <In, Out>() => this.#start(inner) as unknown as WorkerPort<In, Out>;
    const runtime: Runtime = { ...inner, workers: { start, channel: none } };
    this.socket = new DataSocket({ ...options, runtime, transport: transportConfig({}) });
  }

  /** A datagram has come to its port. */
  arrive(bytes: Bytes, from: Endpoint): void {
    this.#world.clock.settle();
    void this.#onReceived({ bytes, from, segmentBytes: bytes.length });
  }

  #start(runtime: Runtime): WorkerPort<SenderReply, SenderRequest> {
    const { toMain, toSender, gate } = this.#world;
    let onReply = (_reply: SenderReply): void => {};
    let onRequest = (_request: SenderRequest): void => {};
    const rest = { onError() {}, close() {} };
    runSender({
      post: (reply) => {
        if (reply.kind === "question") this.questionsWaiting += 1;
        toMain.post(() => onReply(reply));
      },
      onMessage: (handler) => onRequest = handler,
      ...rest,
    }, runtime);
    return {
      post: (request) => {
        if (request.kind === "handled") this.questionsWaiting -= 1;
        // It is there from the beginning.
        if (request.kind === "init") return onRequest(request);
        toSender.post(() =>
          gate(() => {
            this.#world.clock.settle();
            onRequest(request);
          })
        );
      },
      onMessage: (handler) => onReply = handler,
      ...rest,
    };
  }

  #transport(): DatagramTransport {
    return {
      port: this.#world.port,
      receiveBufferBytes: RECEIVE_BUFFER_BYTES,
      isTuned: false,
      overheadBytes: 0,
      waitedMs: 0,
      listen: (onReceived) => this.#onReceived = onReceived,
      takeArrived() {},
      send: (bytes, to, segmentBytes) => this.#send(bytes, to, segmentBytes),
      close: () => Promise.resolve(),
    };
  }

  #send(
    bytes: Bytes,
    to: Endpoint,
    segmentBytes = bytes.length,
  ): SendOutcome | Promise<SendOutcome> {
    const { clock, gate, bytesPerMs, send } = this.#world;
    for (let at = 0; at < bytes.length; at += segmentBytes) {
      send(to, bytes.slice(at, at + segmentBytes));
    }
    if (segmentBytes === bytes.length) return "sent";
    return clock.elapsed(bytes.length / bytesPerMs, gate).then(() => "sent");
  }
}
