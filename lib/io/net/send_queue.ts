/**
 * Sends datagrams in the order in which they were pushed: sends that nobody awaits overtake each other. What the system
 * refuses is passed on to whoever tells people.
 */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import { isRefusal, type SendRefusal } from "../../protocol/base/send_refusals.ts";
import { QUEUED_DATAGRAMS_MAX } from "./limits.ts";
import type { DatagramTransport } from "./datagram_transport.ts";

export type OnRefused = (refusal: SendRefusal, to: Endpoint) => void;

interface Waiting {
  readonly datagram: Bytes;
  readonly to: Endpoint;
  readonly onRefused: OnRefused;
}

export class SendQueue {
  readonly #transport: DatagramTransport;
  readonly #waiting: Waiting[] = [];
  readonly #onRefused: OnRefused;
  #isSending = false;

  constructor(transport: DatagramTransport, onRefused: OnRefused) {
    this.#transport = transport;
    this.#onRefused = onRefused;
  }

  /**
   * Leave `datagram` alone from now on. A queue that is full drops it, as the network might.
   *
   * @param onRefused is told of this one; by default who is told of all
   */
  push(datagram: Bytes, to: Endpoint, onRefused = this.#onRefused): void {
    if (this.#waiting.length >= QUEUED_DATAGRAMS_MAX) return;
    this.#waiting.push({ datagram, to, onRefused });
    if (!this.#isSending) this.#drain();
  }

  async #drain(): Promise<void> {
    this.#isSending = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const outcome = this.#transport.send(next.datagram, next.to);
      const settled = outcome instanceof Promise ? await outcome : outcome;
      if (isRefusal(settled)) next.onRefused(settled, next.to);
    }
    this.#isSending = false;
  }
}
