/**
 * A layer that seals every datagram (docs/PROTOCOL.md, "Seal"), and hears nothing else: what comes unsealed, or under another secret,
 * is dropped. Each segment of a burst is sealed by itself and grows by as much, so that a burst is still one send.
 */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import type { ShoalError } from "../../errors.ts";
import type { GroupKey } from "../../protocol/seal/key_schedule.ts";
import { SealedPeers, type Towards } from "../../protocol/seal/sealed_peers.ts";
import type { SealSuite } from "../../protocol/seal/suite.ts";
import { SEAL_OVERHEAD_BYTES } from "../../wire/limits.ts";
import type { DatagramTransport, OnReceived, SendOutcome } from "./datagram_transport.ts";
import { OpenedSegments } from "./opened_segments.ts";
import { SealedSegments } from "./sealed_segments.ts";

interface SealedTransportOptions {
  /** What the valid secrets come to. */
  readonly groups: readonly GroupKey[];
  readonly suite: SealSuite;
  readonly nowMs: () => number;
}

export class SealedTransport implements DatagramTransport {
  readonly #inner: DatagramTransport;
  readonly #nowMs: () => number;
  readonly #peers: SealedPeers;
  readonly #sealed: SealedSegments;
  readonly #opened: OpenedSegments;
  /** Sends that wait for the network, or for the buffer that such a one uses. */
  #sendsWaiting = 0;
  #lastSend: Promise<unknown> = Promise.resolve();

  constructor(inner: DatagramTransport, { groups, suite, nowMs }: SealedTransportOptions) {
    this.#inner = inner;
    this.#nowMs = nowMs;
    this.#peers = new SealedPeers(suite, groups);
    this.#sealed = new SealedSegments(this.#peers);
    this.#opened = new OpenedSegments(this.#peers);
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
    return this.#inner.overheadBytes + SEAL_OVERHEAD_BYTES;
  }

  get waitedMs(): number {
    return this.#inner.waitedMs;
  }

  listen(onReceived: OnReceived, onFailure: (error: ShoalError) => void): void {
    this.#inner.listen(
      (received) => this.#opened.open(this.#nowMs(), received, onReceived),
      onFailure,
    );
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

  send(bytes: Bytes, to: Endpoint, segmentBytes = 0): SendOutcome | Promise<SendOutcome> {
    const sent = this.#sendsWaiting === 0
      ? this.#sendNow(bytes, to, segmentBytes)
      : this.#lastSend.then(() => this.#sendNow(bytes, to, segmentBytes));
    if (!(sent instanceof Promise)) return sent;
    this.#sendsWaiting += 1;
    // A send that failed keeps none back that come after it.
    const ended = (): void => void (this.#sendsWaiting -= 1);
    this.#lastSend = sent.then(ended, ended);
    return sent;
  }

  async close(): Promise<void> {
    await this.#inner.close();
    this.#peers.close();
  }

  #sendNow(bytes: Bytes, to: Endpoint, segmentBytes: number): SendOutcome | Promise<SendOutcome> {
    const towards = this.#peers.towards(this.#nowMs(), to);
    if (towards.kind !== "sealed") return this.#sendOpening(towards, bytes, to, segmentBytes);
    const { session } = towards;
    if (segmentBytes === 0) return this.#inner.send(this.#sealed.control(session, bytes), to);
    const burst = this.#sealed.burst(session, bytes, segmentBytes);
    return this.#inner.send(burst, to, segmentBytes + SEAL_OVERHEAD_BYTES);
  }

  /** Datagrams that open a session, one after another. */
  async #sendOpening(
    towards: Exclude<Towards, { kind: "sealed" }>,
    bytes: Bytes,
    to: Endpoint,
    segmentBytes: number,
  ): Promise<SendOutcome> {
    if (towards.kind === "nobody") return "lost";
    if (towards.kind === "answer" && segmentBytes > 0) {
      // Segments are as long as their way allows, with what a session adds and no more.
      await this.#inner.send(this.#sealed.second(towards.answering, new Uint8Array(0)), to);
      const burst = this.#sealed.burst(towards.session, bytes, segmentBytes);
      return await this.#inner.send(burst, to, segmentBytes + SEAL_OVERHEAD_BYTES);
    }
    if (towards.kind === "answer") {
      return await this.#inner.send(this.#sealed.second(towards.answering, bytes), to);
    }
    let outcome: SendOutcome = "lost";
    for (const datagram of this.#sealed.firsts(bytes)) {
      outcome = await this.#inner.send(datagram, to);
    }
    return outcome;
  }
}
