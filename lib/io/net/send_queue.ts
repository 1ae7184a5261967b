/** Sends datagrams in the order in which they were pushed: sends that nobody awaits overtake each other. */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import { QUEUED_DATAGRAMS_MAX } from "./limits.ts";
import type { DatagramTransport } from "./datagram_transport.ts";

export class SendQueue {
  readonly #transport: DatagramTransport;
  readonly #waiting: { readonly datagram: Bytes; readonly to: Endpoint }[] = [];
  #isSending = false;

  constructor(transport: DatagramTransport) {
    this.#transport = transport;
  }

  /** Leave `datagram` alone from now on. A queue that is full drops it, as the network might. */
  push(datagram: Bytes, to: Endpoint): void {
    if (this.#waiting.length >= QUEUED_DATAGRAMS_MAX) return;
    this.#waiting.push({ datagram, to });
    if (!this.#isSending) this.#drain();
  }

  async #drain(): Promise<void> {
    this.#isSending = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const outcome = this.#transport.send(next.datagram, next.to);
      if (outcome instanceof Promise) await outcome;
    }
    this.#isSending = false;
  }
}
