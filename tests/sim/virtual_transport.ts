/**
 * A datagram socket of a simulated process. Where its config says so, what one sender's datagrams arrive
 * close together is handed over joined, as a kernel does.
 */
import type { Endpoint } from "../../lib/address.ts";
import type { ShoalError } from "../../lib/errors.ts";
import type { Bytes } from "../../lib/ids.ts";
import type {
  DatagramTransport,
  OnReceived,
  SendOutcome,
} from "../../lib/io/net/datagram_transport.ts";
import { RECEIVE_BUFFER_BYTES } from "../../lib/wire/limits.ts";
import type { VirtualClock } from "./virtual_clock.ts";
import type { VirtualThread } from "./virtual_thread.ts";

/** Slots of one joined buffer. */
const JOINED_MAX = 46;

export interface VirtualTransportOptions {
  readonly clock: VirtualClock;
  readonly thread: VirtualThread;
  readonly port: number;
  readonly receiveBufferBytes: number;
  /** Datagrams of one sender that come within this are joined; 0 for none. */
  readonly joinMs: number;
  readonly send: (to: Endpoint, datagram: Bytes) => void;
}

interface Joined {
  readonly from: Endpoint;
  readonly segmentBytes: number;
  readonly datagrams: Bytes[];
}

/** As the kernel's: it holds the next datagram as soon as this one is dealt with. */
const received = new Uint8Array(RECEIVE_BUFFER_BYTES);

export class VirtualTransport implements DatagramTransport {
  readonly isTuned = true;
  readonly overheadBytes = 0;
  readonly waitedMs = 0;
  readonly #options: VirtualTransportOptions;
  #onReceived: OnReceived | undefined;
  #joined: Joined | undefined;
  #isClosed = false;

  constructor(options: VirtualTransportOptions) {
    this.#options = options;
  }

  get port(): number {
    return this.#options.port;
  }

  get receiveBufferBytes(): number {
    return this.#options.receiveBufferBytes;
  }

  listen(onReceived: OnReceived, _onFailure: (error: ShoalError) => void): void {
    this.#onReceived = onReceived;
  }

  takeArrived(): void {}

  send(bytes: Bytes, to: Endpoint, segmentBytes = bytes.length): SendOutcome {
    if (this.#isClosed || this.#options.thread.isOver) return "lost";
    for (let at = 0; at < bytes.length; at += segmentBytes) {
      this.#options.send(to, bytes.slice(at, at + segmentBytes));
    }
    return "sent";
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#joined = undefined;
    await Promise.resolve();
  }

  /** A datagram has come over the network. */
  arrive(datagram: Bytes, from: Endpoint): void {
    const { clock, joinMs } = this.#options;
    const segmentBytes = datagram.length;
    const fresh: Joined = { from, segmentBytes, datagrams: [datagram] };
    if (joinMs === 0) return this.#handOver(fresh);
    const joined = this.#joined;
    const fits = joined !== undefined && joined.from.address === from.address &&
      joined.datagrams.at(-1)!.length === joined.segmentBytes &&
      segmentBytes <= joined.segmentBytes && joined.datagrams.length < JOINED_MAX;
    if (fits) {
      joined.datagrams.push(datagram);
      return;
    }
    if (joined !== undefined) this.#handOver(joined);
    this.#joined = fresh;
    clock.after(joinMs, () => {
      if (this.#joined === fresh) this.#handOver(fresh);
    });
  }

  #handOver({ from, segmentBytes, datagrams }: Joined): void {
    this.#joined = undefined;
    this.#options.thread.run(() => {
      if (this.#isClosed) return;
      let length = 0;
      for (const datagram of datagrams) {
        received.set(datagram, length);
        length += datagram.length;
      }
      const bytes = received.subarray(0, length);
      void this.#onReceived?.({ bytes, from, segmentBytes });
      bytes.fill(0xa5);
    });
  }
}
