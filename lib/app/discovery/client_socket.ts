/**
 * The client's main socket: frames go to the exchange that asked for them, other datagrams are dropped, and one
 * timer wakes the exchange that is due next.
 */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { Clock, Wakeup } from "../../io/system/clock.ts";
import { type OnRefused, SendQueue } from "../../io/net/send_queue.ts";
import type { DatagramTransport } from "../../io/net/datagram_transport.ts";
import type { Runtime } from "../../io/runtime.ts";
import type { TransportConfig } from "../../messages/transport_config.ts";
import type { Frame } from "../../wire/frames.ts";
import { framesIn } from "../../wire/packed_frames.ts";

/** Who asks, and what the answers are known by. */
export interface Listener {
  /** Whether answers that echo this query id or nonce are for it. */
  owns(echo: bigint): boolean;
  receive(frame: Frame, from: Endpoint): void;
  wake(): void;
  nextWakeupMs(): number;
}

export class ClientSocket {
  onError: ((error: ShoalError) => void) | undefined;
  readonly clock: Clock;
  readonly #transport: DatagramTransport;
  readonly #queue: SendQueue;
  readonly #listeners = new Set<Listener>();
  readonly #timer: Wakeup;

  /** Throws a ShoalError where no socket can be opened. */
  constructor(runtime: Runtime, config: TransportConfig, onRefused: OnRefused) {
    this.clock = runtime.clock;
    this.#timer = this.clock.timer(() => this.#guard(() => this.#wake()));
    this.#transport = runtime.net.openDatagrams(config);
    this.#queue = new SendQueue(this.#transport, onRefused);
    this.#transport.listen(
      ({ bytes, from }) => this.#guard(() => this.#onDatagrams(bytes, from)),
      (error) => this.onError?.(error),
    );
  }

  /** What the transport adds to a datagram. */
  get overheadBytes(): number {
    return this.#transport.overheadBytes;
  }

  /**
   * Leave `bytes` alone from now on.
   *
   * @param onRefused is told instead of who is told of all others
   */
  send(bytes: Bytes, to: Endpoint, onRefused?: OnRefused): void {
    this.#queue.push(bytes, to, onRefused);
  }

  attach(listener: Listener): void {
    this.#listeners.add(listener);
    this.rearm();
  }

  detach(listener: Listener): void {
    this.#listeners.delete(listener);
    this.rearm();
  }

  /** To be called when a listener's next wake-up may have changed. */
  rearm(): void {
    let nextMs = Infinity;
    for (const each of this.#listeners) nextMs = Math.min(nextMs, each.nextWakeupMs());
    this.#timer.set(nextMs);
  }

  /** Settles when nothing of the socket is left. */
  async close(): Promise<void> {
    this.#listeners.clear();
    this.#timer.clear();
    await this.#transport.close();
  }

  #onDatagrams(bytes: Bytes, from: Endpoint): void {
    for (const frame of framesIn(bytes)) {
      const echo = echoOf(frame);
      if (echo === undefined) continue;
      for (const each of this.#listeners) {
        if (!each.owns(echo)) continue;
        each.receive(frame, from);
        break;
      }
    }
  }

  #wake(): void {
    const now = this.clock.nowMs();
    for (const each of this.#listeners) {
      if (each.nextWakeupMs() <= now) each.wake();
    }
    this.rearm();
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.onError?.(ShoalError.from(error));
    }
  }
}

/** What an answer is known by: the query id or nonce of its question. */
function echoOf(frame: Frame): bigint | undefined {
  switch (frame.kind) {
    case "offer":
    case "pending":
    case "absent":
    case "listing":
    case "alias":
      return frame.queryId;
    case "layer":
    case "have":
    case "layer_part":
    case "gone":
      return frame.nonce;
    case "retry":
    case "busy":
      return frame.echo;
    default:
      return undefined;
  }
}
