/**
 * A server's shared socket: FINDs and classic requests come in here; classic data and the answers to
 * every other repeat of a FIND leave from here.
 */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import type { ShoalError } from "../../errors.ts";
import type { DatagramTransport } from "../../io/net/datagram_transport.ts";
import { type OnRefused, SendQueue } from "../../io/net/send_queue.ts";
import { decodeClassicRequest } from "../../wire/classic.ts";
import { isQuestion, type QuestionFrame } from "../../protocol/serve/questions.ts";
import { packedFramesIn } from "../../wire/packed_frames.ts";

interface DiscoveryHandlers {
  /** Whether what comes from an address is for us. */
  readonly isHeard: (address: string) => boolean;
  readonly onQuestion: (from: Endpoint, frame: QuestionFrame, frameBytes: number) => void;
  /** `name` is unchecked. */
  readonly onClassicRequest: (from: Endpoint, name: string) => void;
  readonly onRefused: OnRefused;
  readonly onFailure: (error: ShoalError) => void;
}

export class DiscoverySocket {
  readonly #queue: SendQueue;
  readonly #handlers: DiscoveryHandlers;
  #noiseCount = 0;

  constructor(transport: DatagramTransport, handlers: DiscoveryHandlers) {
    this.#queue = new SendQueue(transport, handlers.onRefused);
    this.#handlers = handlers;
    transport.listen(({ from, bytes }) => this.#onDatagram(from, bytes), handlers.onFailure);
  }

  /** Datagrams that were neither a frame nor a request. */
  get noiseCount(): number {
    return this.#noiseCount;
  }

  /** Sends in order; leave `datagrams` alone from now on. */
  send(to: Endpoint, datagrams: readonly Bytes[]): void {
    for (const datagram of datagrams) this.#queue.push(datagram, to);
  }

  /** What is neither is noise, which programs of all sorts may broadcast to this port. */
  #onDatagram(from: Endpoint, bytes: Bytes): void {
    if (!this.#handlers.isHeard(from.address)) return;
    const name = decodeClassicRequest(bytes);
    if (name !== undefined) return this.#handlers.onClassicRequest(from, name);
    let isNoise = true;
    for (const packed of packedFramesIn(bytes)) {
      isNoise = false;
      const { frame } = packed;
      // Answers of other servers that share this port are none of ours, and are no noise either.
      if (isQuestion(frame)) this.#handlers.onQuestion(from, frame, packed.bytes.length);
    }
    if (isNoise) this.#noiseCount += 1;
  }
}
