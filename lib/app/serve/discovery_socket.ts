/** A server's shared socket: FINDs and classic requests come in here, classic data leaves from here. */
import type { Bytes, Endpoint } from "../../ids.ts";
import type { ShoalError } from "../../errors.ts";
import type { DatagramTransport } from "../../io/net/datagram_transport.ts";
import { decodeClassicRequest } from "../../wire/classic.ts";
import { type PackedFrame, packedFramesIn } from "../../wire/packed_frames.ts";

export interface DiscoveryHandlers {
  readonly onFrame: (from: Endpoint, packed: PackedFrame) => void;
  /** `name` is unchecked. */
  readonly onClassicRequest: (from: Endpoint, name: string) => void;
  readonly onFailure: (error: ShoalError) => void;
}

export class DiscoverySocket {
  readonly #transport: DatagramTransport;
  readonly #handlers: DiscoveryHandlers;
  #noiseCount = 0;

  constructor(transport: DatagramTransport, handlers: DiscoveryHandlers) {
    this.#transport = transport;
    this.#handlers = handlers;
    transport.listen(({ from, bytes }) => this.#onDatagram(from, bytes), handlers.onFailure);
  }

  /** Datagrams that were neither a frame nor a request. */
  get noiseCount(): number {
    return this.#noiseCount;
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  /** What is neither is noise, which programs of all sorts may broadcast to this port. */
  #onDatagram(from: Endpoint, bytes: Bytes): void {
    const name = decodeClassicRequest(bytes);
    if (name !== undefined) return this.#handlers.onClassicRequest(from, name);
    let isNoise = true;
    for (const packed of packedFramesIn(bytes)) {
      isNoise = false;
      this.#handlers.onFrame(from, packed);
    }
    if (isNoise) this.#noiseCount += 1;
  }
}
