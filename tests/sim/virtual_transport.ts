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

/** ConcurrencyLimit of one joined buffer. */
const JOINED_MAX = 46;

export interface VirtualTransportOptions {
  readonly clock: VirtualClock;
  readonly thread: VirtualThread;
  readonly port: number;
  readonly receiveBufferBytes: number;
  /** Datagrams of one sender that come within this are joined; 0 for none. */
  readonly joinMs: number;
  /** How fast it gets rid of bursts; at once where absent. */
  readonly bytesPerMs?: number;
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
  readonly keepsWhole = true;
  readonly overheadBytes = 0;
  readonly waitedMs = 0;
  readonly #options: VirtualTransportOptions;
  #onReceived: OnReceived | undefined;
  #joined: Joined | undefined;
  /** What has come and nobody has taken. */
  readonly #arrived: Joined[] = [];
  #arrivedBytes = 0;
  /** Whether the listener is still at what it was handed last. */
  #isHeld = false;
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
    this.#giveNext();
  }

  setJoining(): void {}

  routeBytes(): undefined {}

  takeArrived(): void {
    for (const joined of this.#arrived.splice(0)) this.#give(joined);
  }

  send(
    bytes: Bytes,
    to: Endpoint,
    segmentBytes = bytes.length,
  ): SendOutcome | Promise<SendOutcome> {
    const { thread, bytesPerMs } = this.#options;
    if (this.#isClosed || thread.isOver) return "lost";
    for (let at = 0; at < bytes.length; at += segmentBytes) {
      this.#options.send(to, bytes.slice(at, at + segmentBytes));
    }
    if (bytesPerMs === undefined || segmentBytes === bytes.length) return "sent";
    return thread.clock.sleep(bytes.length / bytesPerMs).then(() => "sent");
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

  #handOver(joined: Joined): void {
    this.#joined = undefined;
    const bytes = lengthOf(joined);
    // As the kernel does with what it has no room for.
    if (this.#arrivedBytes + bytes > this.receiveBufferBytes) return;
    this.#arrivedBytes += bytes;
    this.#options.thread.run(() => {
      this.#arrived.push(joined);
      this.#giveNext();
    });
  }

  #giveNext(): void {
    while (!this.#isHeld && this.#onReceived !== undefined) {
      const next = this.#arrived.shift();
      if (next === undefined) return;
      const taken = this.#give(next);
      if (taken === undefined) continue;
      this.#isHeld = true;
      taken.then(() => {
        this.#isHeld = false;
        this.#giveNext();
      });
    }
  }

  #give(joined: Joined): void | Promise<void> {
    const { from, segmentBytes, datagrams } = joined;
    this.#arrivedBytes -= lengthOf(joined);
    if (this.#isClosed) return;
    let length = 0;
    for (const datagram of datagrams) {
      received.set(datagram, length);
      length += datagram.length;
    }
    const bytes = received.subarray(0, length);
    const taken = this.#onReceived?.({ bytes, from, segmentBytes });
    bytes.fill(0xa5);
    return taken;
  }
}

function lengthOf({ datagrams }: Joined): number {
  return datagrams.reduce((length, datagram) => length + datagram.length, 0);
}
