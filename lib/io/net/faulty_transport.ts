/** A layer whose sends suffer simulated errors, for `--simulate-errors`. Receiving is untouched. */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import type { ShoalError } from "../../errors.ts";
import type { FaultInjector } from "../../protocol/base/faults.ts";
import { isRefusal } from "../../protocol/base/send_refusals.ts";
import type { DatagramTransport, OnReceived, SendOutcome } from "./datagram_transport.ts";
import { FAULT_DELAYED_DATAGRAMS_MAX } from "./limits.ts";

export class FaultyTransport implements DatagramTransport {
  readonly #inner: DatagramTransport;
  readonly #faults: FaultInjector;
  readonly #held = new Set<ReturnType<typeof setTimeout>>();

  constructor(inner: DatagramTransport, faults: FaultInjector) {
    this.#inner = inner;
    this.#faults = faults;
  }

  get port(): number {
    return this.#inner.port;
  }

  get receiveBufferBytes(): number {
    return this.#inner.receiveBufferBytes;
  }

  get isTuned(): boolean {
    return this.#inner.isTuned;
  }

  get keepsWhole(): boolean {
    return this.#inner.keepsWhole;
  }

  get overheadBytes(): number {
    return this.#inner.overheadBytes;
  }

  get waitedMs(): number {
    return this.#inner.waitedMs;
  }

  listen(onReceived: OnReceived, onFailure: (error: ShoalError) => void): void {
    this.#inner.listen(onReceived, onFailure);
  }

  takeArrived(): void {
    this.#inner.takeArrived();
  }

  routeBytes(to: Endpoint): number | undefined {
    return this.#inner.routeBytes(to);
  }

  setJoining(isJoining: boolean): void {
    this.#inner.setJoining(isJoining);
  }

  /** Cuts a burst into its datagrams first, so that each is hit, or spared, by itself. */
  async send(bytes: Bytes, to: Endpoint, segmentBytes = 0): Promise<SendOutcome> {
    const stepBytes = segmentBytes === 0 ? Math.max(1, bytes.length) : segmentBytes;
    for (let at = 0; at < bytes.length; at += stepBytes) {
      for (const delivery of this.#faults.deliveries(bytes.subarray(at, at + stepBytes))) {
        if (delivery.delayMs > 0) {
          this.#sendLater(delivery.bytes.slice(), to, segmentBytes, delivery.delayMs);
          continue;
        }
        const outcome = await this.#inner.send(delivery.bytes, to, segmentBytes);
        if (isRefusal(outcome)) return outcome;
      }
    }
    return "sent";
  }

  /** What was held back is lost. */
  async close(): Promise<void> {
    for (const timer of this.#held) clearTimeout(timer);
    this.#held.clear();
    await this.#inner.close();
  }

  #sendLater(bytes: Bytes, to: Endpoint, segmentBytes: number, delayMs: number): void {
    if (this.#held.size >= FAULT_DELAYED_DATAGRAMS_MAX) return;
    const timer = setTimeout(() => {
      this.#held.delete(timer);
      // Never rejects: a transport reports what the network refuses, it does not throw.
      void this.#inner.send(bytes, to, segmentBytes);
    }, delayMs);
    this.#held.add(timer);
  }
}
