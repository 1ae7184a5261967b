/** An outgoing connection with callbacks, as the driver of a pure machine needs it. */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import type { Layers } from "../../messages/transport_config.ts";
import type { Clock } from "../system/clock.ts";
import type { ByteStream } from "./byte_stream.ts";
import { STREAM_READ_BYTES } from "./limits.ts";
import type { Net } from "./net.ts";

interface StreamLinkHandlers {
  readonly onOpen: () => void;
  /** The memory of `bytes` is used again afterwards. */
  readonly onBytes: (bytes: Bytes) => void;
  /** Once, however it ended (it may never have begun), unless it was closed from here. */
  readonly onEnd: () => void;
}

/** What it needs of the platform. */
interface LinkRuntime {
  readonly clock: Clock;
  readonly net: Pick<Net, "connect">;
}

/** Where it leads. */
interface LinkTarget {
  readonly endpoint: Endpoint;
  readonly layers: Layers;
  /** How long connecting may take. */
  readonly timeoutMs: number;
}

export class StreamLink {
  readonly #handlers: StreamLinkHandlers;
  #stream: ByteStream | undefined;
  #sent: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(runtime: LinkRuntime, target: LinkTarget, handlers: StreamLinkHandlers) {
    this.#handlers = handlers;
    this.#connect(runtime, target)
      .then((stream) => this.#run(stream), () => this.#end());
  }

  /** In order; what cannot be sent ends the link. Leave `bytes` alone from now on. */
  send(bytes: Bytes): void {
    this.#sent = this.#sent.then(() => this.#write(bytes));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stream?.close();
  }

  async #connect(
    { clock, net }: LinkRuntime,
    { endpoint, layers, timeoutMs }: LinkTarget,
  ): Promise<ByteStream> {
    const connecting = new AbortController();
    const decided = new AbortController();
    clock.sleep(timeoutMs, decided.signal).then(() => connecting.abort());
    try {
      return await net.connect(endpoint, layers, connecting.signal);
    } finally {
      decided.abort();
    }
  }

  async #run(stream: ByteStream): Promise<void> {
    this.#stream = stream;
    if (this.#isClosed) return stream.close();
    this.#handlers.onOpen();
    const buffer = new Uint8Array(STREAM_READ_BYTES);
    while (!this.#isClosed) {
      const count = await stream.read(buffer);
      if (count === 0) break;
      if (!this.#isClosed) this.#handlers.onBytes(buffer.subarray(0, count));
    }
    this.#end();
  }

  async #write(bytes: Bytes): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#isClosed;) {
      const written = await this.#stream?.write(bytes.subarray(at)) ?? 0;
      if (written === 0) return this.#end();
      at += written;
    }
  }

  #end(): void {
    if (this.#isClosed) return;
    this.close();
    this.#handlers.onEnd();
  }
}
