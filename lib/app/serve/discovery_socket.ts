/** A server's shared socket: FINDs and classic requests come in here, classic data leaves from here. */
import type { Bytes, Endpoint } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { UdpPort } from "../../io/net/udp_port.ts";
import { RECEIVE_BUFFER_BYTES } from "../../wire/limits.ts";
import { decodeClassicRequest } from "../../wire/classic.ts";
import { type PackedFrame, packedFramesIn } from "../../wire/packed_frames.ts";

export interface DiscoveryHandlers {
  readonly onFrame: (from: Endpoint, packed: PackedFrame) => void;
  /** `name` is unchecked. */
  readonly onClassicRequest: (from: Endpoint, name: string) => void;
  readonly onFailure: (error: ShoalError) => void;
}

export class DiscoverySocket {
  readonly #port: UdpPort;
  readonly #handlers: DiscoveryHandlers;
  readonly #received: Promise<void>;
  #noiseCount = 0;

  constructor(port: UdpPort, handlers: DiscoveryHandlers) {
    this.#port = port;
    this.#handlers = handlers;
    this.#received = this.#receive();
  }

  /** Datagrams that were neither a frame nor a request. */
  get noiseCount(): number {
    return this.#noiseCount;
  }

  async close(): Promise<void> {
    this.#port.close();
    await this.#received;
  }

  async #receive(): Promise<void> {
    const buffer = new Uint8Array(RECEIVE_BUFFER_BYTES);
    for (;;) {
      const received = await this.#port.receive(buffer);
      if (received === undefined) return;
      try {
        this.#onDatagram(received.from, received.bytes);
      } catch (error) {
        return this.#handlers.onFailure(ShoalError.from(error));
      }
    }
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
