/**
 * Runs a receiver of datagrams in its worker: one UDP socket towards a server.
 */
import type { DatagramsConfig, SourceInit } from "../../messages/chunk_source.ts";
import { Receiver } from "../../protocol/download/receiver.ts";
import type { ReceiverAction, ReceiverEvent } from "../../protocol/download/receiver_messages.ts";
import type { SourceAction } from "../../protocol/download/source_messages.ts";
import type { DatagramRoute } from "../../protocol/download/source_route.ts";
import type { DatagramTransport } from "../net/datagram_transport.ts";
import { SendQueue } from "../net/send_queue.ts";
import type { Runtime } from "../runtime.ts";
import type { RandomSource } from "../system/random_source.ts";
import {
  type AssignOrder,
  SourceDriver,
  type SourceParent,
  type SourceSocket,
} from "./source_driver.ts";
import { runDriver } from "./worker_driver.ts";

type Parent = SourceParent<DatagramsConfig, DatagramRoute>;
type Action = Exclude<ReceiverAction, SourceAction>;
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
  runDriver(parent, ({ config, feed }: SourceInit<DatagramsConfig>) => {
    const { transport: transportConfig, mtuBytes, packs } = config;
    const { clock, net, random } = runtime;
    const transport = net.openDatagrams({ ...transportConfig, joins: true });
    const { receiveBufferBytes, isTuned, overheadBytes } = transport;
    const clockOriginMs = clock.originMs();
    const machine = new Receiver({
      ...{ overheadBytes, receiveBufferBytes, clockOriginMs, packs },
      ...(mtuBytes !== undefined && { mtuBytes }),
    });
    const queue = new SendQueue(
      transport,
      (refusal, to) => parent.post({ kind: "refused", refusal, to }),
    );
    const socket = new ReceiverSocket(transport, queue, machine, random);
    const driver = new SourceDriver<DatagramRoute, ReceiverEvent, Action>({
      ...{ clock, parent, feed, hashedMs, machine, socket },
    });
    const kind = isTuned ? "joined datagrams" : "plain socket";
    parent.post({ kind: "ready", detail: `receive buffer ${receiveBufferBytes} bytes, ${kind}` });
    transport.listen(
      ({ bytes, from, segmentBytes }) =>
        driver.onArrival({ kind: "datagrams", bytes, from, segmentBytes }),
      (error) => parent.post({ kind: "failed", error: error.toMessage() }),
    );
    return driver;
  });
}

class ReceiverSocket implements SourceSocket<DatagramRoute, ReceiverEvent, Action> {
  readonly #transport: DatagramTransport;
  readonly #machine: Receiver;
  readonly #random: RandomSource;
  readonly #queue: SendQueue;
  #isShortened = false;

  constructor(
    transport: DatagramTransport,
    queue: SendQueue,
    machine: Receiver,
    random: RandomSource,
  ) {
    this.#transport = transport;
    this.#queue = queue;
    this.#machine = machine;
    this.#random = random;
  }

  assigned({ kind, source, route }: AssignOrder<DatagramRoute>): ReceiverEvent {
    const routeBytes = this.#transport.routeBytes(route.endpoint);
    const nonce = this.#random.u64();
    return {
      kind,
      assignment: { source, route, nonce, ...(routeBytes !== undefined && { routeBytes }) },
    };
  }

  perform({ datagram, to }: Action): void {
    this.#queue.push(datagram, to);
  }

  afterStep(): void {
    const { isShortened } = this.#machine;
    if (isShortened === this.#isShortened) return;
    this.#isShortened = isShortened;
    this.#transport.setJoining(!isShortened);
  }

  close() {
    void this.#transport.close();
    const { ignoredSegments, duplicateBytes } = this.#machine;
    const detail = `${ignoredSegments} datagrams ignored, ${duplicateBytes} duplicate bytes`;
    return { waitMs: this.#transport.waitedMs, detail };
  }
}
