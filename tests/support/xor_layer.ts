/**
 * The datagrams' half of a layer as encryption will be one, without its cryptography: every byte of a datagram is changed, and each
 * grows by 16. A burst stays one send, because each of its segments grows by as much, and what arrives joined
 * is opened at the size of the segments that comes with it: not a byte of it can be read before.
 */
import type { Endpoint } from "../../lib/address.ts";
import type { Bytes } from "../../lib/ids.ts";
import type { ShoalError } from "../../lib/errors.ts";
import type {
  DatagramTransport,
  OnReceived,
  Received,
  SendOutcome,
} from "../../lib/io/net/datagram_transport.ts";
import { SEND_BYTES_MAX } from "../../lib/io/net/limits.ts";
import type { LayerConfig } from "../../lib/messages/transport_config.ts";
import { RECEIVE_BUFFER_BYTES } from "../../lib/wire/limits.ts";

/** In front of each segment: its length, and nothing of use. */
export const XOR_OVERHEAD_BYTES = 16;
const XOR = 0xa7;

/** What is counted; in memory that threads share, so that a test sees what its workers do. */
const COUNTED = [
  ...["sends", "sentSegments", "receives", "receivedSegments", "refused"] as const,
  ...["streams", "streamBytesSent", "streamBytesReceived"] as const,
];
type Counted = typeof COUNTED[number];

export interface XorConfig extends LayerConfig {
  readonly kind: "xor";
  readonly counts: SharedArrayBuffer;
  /** Longer datagrams are lost. */
  readonly datagramBytesMax: number;
}

export function xorConfig(datagramBytesMax = Infinity): XorConfig {
  return { kind: "xor", counts: new SharedArrayBuffer(4 * COUNTED.length), datagramBytesMax };
}

/** Something has gone through a layer of this config. */
export function countXor({ counts }: XorConfig, what: Counted, times = 1): void {
  Atomics.add(new Uint32Array(counts), COUNTED.indexOf(what), times);
}

/** What has gone through all layers of this config. `refused`: segments that no such layer has sent. */
export function xorCounts({ counts }: XorConfig): Record<Counted, number> {
  const values = new Uint32Array(counts);
  return Object.fromEntries(COUNTED.map((name, i) => [name, values[i]!])) as Record<
    Counted,
    number
  >;
}

export class XorLayer implements DatagramTransport {
  readonly #inner: DatagramTransport;
  readonly #config: XorConfig;
  readonly #sealed: Bytes = new Uint8Array(SEND_BYTES_MAX);
  readonly #opened: Bytes = new Uint8Array(RECEIVE_BUFFER_BYTES);
  /** Sends that wait for the network, or for the buffer that such a one uses. */
  #sendsWaiting = 0;
  #lastSend: Promise<unknown> = Promise.resolve();

  constructor(inner: DatagramTransport, config: XorConfig) {
    this.#inner = inner;
    this.#config = config;
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
    return this.#inner.overheadBytes + XOR_OVERHEAD_BYTES;
  }

  get waitedMs(): number {
    return this.#inner.waitedMs;
  }

  listen(onReceived: OnReceived, onFailure: (error: ShoalError) => void): void {
    this.#inner.listen((received) => {
      const opened = this.#open(received);
      return opened.bytes.length === 0 ? undefined : onReceived(opened);
    }, onFailure);
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
    this.#lastSend = sent.then(() => this.#sendsWaiting -= 1);
    return sent;
  }

  async close(): Promise<void> {
    await this.#inner.close();
  }

  #sendNow(bytes: Bytes, to: Endpoint, segmentBytes: number): SendOutcome | Promise<SendOutcome> {
    const size = segmentBytes === 0 ? bytes.length : segmentBytes;
    const sealed = this.#seal(bytes, size);
    if (size > this.#config.datagramBytesMax) return "sent";
    this.#count("sends");
    this.#count("sentSegments", Math.ceil(bytes.length / size));
    return this.#inner.send(sealed, to, size + XOR_OVERHEAD_BYTES);
  }

  #count(what: Counted, times = 1): void {
    countXor(this.#config, what, times);
  }

  #seal(bytes: Bytes, segmentBytes: number): Bytes {
    const out = this.#sealed;
    let end = 0;
    for (let at = 0; at < bytes.length; at += segmentBytes) {
      const segment = bytes.subarray(at, at + segmentBytes);
      new DataView(out.buffer).setUint32(end, segment.length);
      out.fill(0, end + 4, end + XOR_OVERHEAD_BYTES);
      out.set(segment, end + XOR_OVERHEAD_BYTES);
      const next = end + XOR_OVERHEAD_BYTES + segment.length;
      for (let i = end; i < next; i++) out[i]! ^= XOR;
      end = next;
    }
    return out.subarray(0, end);
  }

  #open({ bytes, from, segmentBytes }: Received): Received {
    this.#count("receives");
    const out = this.#opened;
    let end = 0;
    for (let at = 0; at < bytes.length; at += segmentBytes) {
      const sealed = bytes.subarray(at, at + segmentBytes);
      this.#count("receivedSegments");
      if (lengthIn(sealed) !== sealed.length - XOR_OVERHEAD_BYTES) {
        this.#count("refused");
        continue;
      }
      for (let i = XOR_OVERHEAD_BYTES; i < sealed.length; i++) out[end++] = sealed[i]! ^ XOR;
    }
    return { bytes: out.subarray(0, end), from, segmentBytes: segmentBytes - XOR_OVERHEAD_BYTES };
  }
}

function lengthIn(sealed: Uint8Array): number | undefined {
  if (sealed.length <= XOR_OVERHEAD_BYTES) return undefined;
  return sealed.subarray(0, 4).reduce((length, byte) => length * 256 + (byte ^ XOR), 0);
}
