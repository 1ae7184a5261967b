/**
 * What Linux can do for a UDP socket and `Deno.listenDatagram` cannot ask for: larger buffers, one
 * send that leaves as many datagrams (UDP_SEGMENT), one receive that brings many (UDP_GRO); a
 * setsockopt each, through FFI, on the descriptor that Deno opened. And sends and receives that do
 * not wait, without a promise for each: where they cannot be done at once, Deno's own wait and tell
 * errors. Everything works without it.
 */
import type { Bytes, Endpoint } from "../../ids.ts";
import {
  DESCRIPTOR_MAX,
  SOCKET_BUFFER_BYTES_UNKNOWN,
  SOCKET_BUFFER_BYTES_WANTED,
} from "./limits.ts";

const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;
const SOCK_DGRAM = 2;
const AF_INET = 2;
const SOCKADDR_BYTES = 16;
const MSG_DONTWAIT = 0x40;

const SYMBOLS = {
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  // Both return an ssize_t, of which a datagram needs no more than the low half.
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "i32" },
  recvfrom: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type Libc = Deno.DynamicLibrary<typeof SYMBOLS>;
let libc: Libc | undefined;

/** One datagram, or several joined ones. */
export interface Received {
  readonly bytes: Bytes;
  readonly from: Endpoint;
}

/** What a socket could be tuned to. */
export interface Tuning {
  readonly receiveBufferBytes: number;
  readonly isTuned: boolean;
  readonly canReceiveNow: boolean;
  /** Cuts later sends into datagrams of this many bytes; 0 switches that off. `false`: not possible. */
  setSegmentBytes(bytes: number): boolean;
  /** `false` when the kernel did not take it, for whatever reason. */
  sendNow(bytes: Bytes, to: Endpoint): boolean;
  /** What has arrived already; `undefined` when nothing has, or for whatever other reason. */
  receiveNow(buffer: Bytes): Received | undefined;
}

const UNTUNED: Tuning = {
  receiveBufferBytes: SOCKET_BUFFER_BYTES_UNKNOWN,
  isTuned: false,
  canReceiveNow: false,
  setSegmentBytes: () => false,
  sendNow: () => false,
  receiveNow: () => undefined,
};

/** Tunes the socket of this process that is bound to `address:port`; silently does nothing where that fails. */
export function tuneSocket(address: string, port: number): Tuning {
  if (Deno.build.os !== "linux") return UNTUNED;
  if (Deno.env.get("SHOAL_TUNE") === "off") return UNTUNED;
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return UNTUNED;
  try {
    libc ??= Deno.dlopen("libc.so.6", SYMBOLS);
    const descriptor = findDescriptor(libc, address, port);
    return descriptor === undefined ? UNTUNED : tune(libc, descriptor);
  } catch {
    return UNTUNED;
  }
}

function tune(library: Libc, descriptor: number): Tuning {
  setOption(library, descriptor, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_BYTES_WANTED);
  setOption(library, descriptor, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES_WANTED);
  const hasOffload = setOption(library, descriptor, SOL_UDP, UDP_GRO, 1) &&
    setOption(library, descriptor, SOL_UDP, UDP_SEGMENT, 0);
  let segmentBytes = 0;
  const target = new SocketAddress();
  const source = new SocketAddress();
  const addressBytes = new Uint32Array(1);
  const { sendto, recvfrom } = library.symbols;
  return {
    receiveBufferBytes: getOption(library, descriptor, SOL_SOCKET, SO_RCVBUF) ??
      SOCKET_BUFFER_BYTES_UNKNOWN,
    isTuned: hasOffload,
    canReceiveNow: true,
    setSegmentBytes(bytes) {
      if (!hasOffload) return false;
      if (bytes === segmentBytes) return true;
      const isSet = setOption(library, descriptor, SOL_UDP, UDP_SEGMENT, bytes);
      if (isSet) segmentBytes = bytes;
      return isSet;
    },
    sendNow(bytes, to) {
      target.endpoint = to;
      const count = BigInt(bytes.length);
      return sendto(descriptor, bytes, count, MSG_DONTWAIT, target.bytes, SOCKADDR_BYTES) >= 0;
    },
    receiveNow(buffer) {
      addressBytes[0] = SOCKADDR_BYTES;
      const room = BigInt(buffer.length);
      const count = recvfrom(descriptor, buffer, room, MSG_DONTWAIT, source.bytes, addressBytes);
      return count < 0 ? undefined : { bytes: buffer.subarray(0, count), from: source.endpoint };
    },
  };
}

/** A `sockaddr_in`, written and read only when the endpoint is another than the last time. */
class SocketAddress {
  readonly bytes = new Uint8Array(SOCKADDR_BYTES);
  readonly #view = new DataView(this.bytes.buffer);
  #endpoint: Endpoint = { address: "0.0.0.0", port: 0 };
  #port = 0;
  #address = 0;

  constructor() {
    // In host order, and every platform that Deno runs on is little-endian.
    this.#view.setUint16(0, AF_INET, true);
  }

  set endpoint(endpoint: Endpoint) {
    if (endpoint === this.#endpoint) return;
    this.#endpoint = endpoint;
    this.#view.setUint16(2, endpoint.port);
    endpoint.address.split(".").forEach((part, i) => this.bytes[4 + i] = Number(part));
  }

  get endpoint(): Endpoint {
    const port = this.#view.getUint16(2);
    const address = this.#view.getUint32(4);
    if (port !== this.#port || address !== this.#address) {
      this.#port = port;
      this.#address = address;
      this.#endpoint = { address: this.bytes.subarray(4, 8).join("."), port };
    }
    return this.#endpoint;
  }
}

function findDescriptor(library: Libc, address: string, port: number): number | undefined {
  const wanted = address.split(".").map(Number);
  const name = new Uint8Array(16);
  const length = new Uint32Array(1);
  for (let descriptor = 3; descriptor < DESCRIPTOR_MAX; descriptor++) {
    length[0] = name.length;
    if (library.symbols.getsockname(descriptor, name, length) !== 0) continue;
    const view = new DataView(name.buffer);
    if (view.getUint16(0, true) !== AF_INET || view.getUint16(2) !== port) continue;
    if (wanted.some((part, i) => name[4 + i] !== part)) continue;
    if (getOption(library, descriptor, SOL_SOCKET, SO_TYPE) === SOCK_DGRAM) return descriptor;
  }
  return undefined;
}

function setOption(
  library: Libc,
  descriptor: number,
  level: number,
  option: number,
  value: number,
): boolean {
  const bytes = new Int32Array([value]);
  return library.symbols.setsockopt(descriptor, level, option, bytes, bytes.byteLength) === 0;
}

function getOption(
  library: Libc,
  descriptor: number,
  level: number,
  option: number,
): number | undefined {
  const value = new Int32Array(1);
  const length = new Uint32Array([value.byteLength]);
  const failed = library.symbols.getsockopt(descriptor, level, option, value, length) !== 0;
  return failed ? undefined : value[0];
}
