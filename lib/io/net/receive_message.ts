/**
 * The argument of `recvmsg`, laid out once and used for every receive: where the datagrams go, where the
 * sender's address goes, and control messages, in which the kernel says how long the datagrams are that
 * it joined (UDP_GRO), and which address of ours they were sent to (IP_PKTINFO), if the socket has asked for that.
 * The layout is that of Linux on 64-bit processors; see recvmsg(2), cmsg(3), udp(7), ip(7).
 */
import { type Endpoint, ipv4Text, isSameEndpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import type { Received } from "./datagram_transport.ts";
import type { SocketAddress } from "./socket_address.ts";

export const SOL_IP = 0;
export const IP_PKTINFO = 8;
const SOL_UDP = 17;
const UDP_GRO = 104;
const MSG_CTRUNC = 0x08;
const MSG_TRUNC = 0x20;

/** Offsets in `struct msghdr`. */
export const MSG = {
  name: 0,
  nameBytes: 8,
  iov: 16,
  iovCount: 24,
  control: 32,
  controlBytes: 40,
  flags: 48,
};
const IOV = 56;
/** Room for a UDP_GRO of 24 bytes and an IP_PKTINFO of 32. */
const CONTROL = { at: 72, bytes: 56 };
/** Offsets in `struct cmsghdr`: the length of header and value, level and type; each begins at a multiple of 8. */
export const CMSG = { length: 0, level: 8, type: 12, value: 16, alignment: 8 };
/** In `struct in_pktinfo`: our address, where a broadcast also has one, and the length of the whole. */
export const PKTINFO = { ourAddress: 4, bytes: 12 };
const TOTAL_BYTES = CONTROL.at + CONTROL.bytes;

export class ReceiveMessage {
  /** For `recvmsg`. Memory of its own: the kernel keeps no hold on it, but pointers lead from part to part. */
  readonly header: Bytes = new Uint8Array(new ArrayBuffer(TOTAL_BYTES));
  readonly #view = new DataView(this.header.buffer);
  readonly #source: SocketAddress;
  /** What the control messages of this receive say: 0 for what they do not. */
  #joinedBytes = 0;
  #ourAddress = 0;
  #from: Endpoint = { address: "", port: 0 };
  #fromOurAddress = 0;
  #buffer: Bytes = new Uint8Array(0);

  /** @param source of the family of the socket; holds who has sent what was received last */
  constructor(source: SocketAddress) {
    this.#source = source;
    const at = addressOf(this.header);
    this.#view.setBigUint64(MSG.name, addressOf(this.#source.bytes), true);
    this.#view.setBigUint64(MSG.iov, at + BigInt(IOV), true);
    this.#view.setBigUint64(MSG.iovCount, 1n, true);
    this.#view.setBigUint64(MSG.control, at + BigInt(CONTROL.at), true);
  }

  /** To be called before each receive: the kernel writes over the sizes. */
  prepare(buffer: Bytes): void {
    if (buffer !== this.#buffer) {
      this.#buffer = buffer;
      this.#view.setBigUint64(IOV, addressOf(buffer), true);
      this.#view.setBigUint64(IOV + 8, BigInt(buffer.length), true);
    }
    this.#view.setUint32(MSG.nameBytes, this.#source.bytes.length, true);
    this.#view.setUint32(MSG.controlBytes, CONTROL.bytes, true);
  }

  /** What `recvmsg` brought, which returned `count`; `undefined` for an error, or if anything was cut off. */
  received(count: number): Received | undefined {
    if (count < 0) return undefined;
    if (this.#view.getUint32(MSG.flags, true) & (MSG_TRUNC | MSG_CTRUNC)) return undefined;
    this.#readControl();
    const segmentBytes = this.#joinedBytes === 0 ? count : this.#joinedBytes;
    return { bytes: this.#buffer.subarray(0, count), from: this.#sender(), segmentBytes };
  }

  #readControl(): void {
    this.#joinedBytes = 0;
    this.#ourAddress = 0;
    const view = this.#view;
    const end = CONTROL.at + view.getUint32(MSG.controlBytes, true);
    for (let at = CONTROL.at; at + CMSG.value <= end;) {
      const length = view.getUint32(at + CMSG.length, true);
      const level = view.getUint32(at + CMSG.level, true);
      const type = view.getUint32(at + CMSG.type, true);
      if (level === SOL_UDP && type === UDP_GRO) {
        this.#joinedBytes = view.getUint32(at + CMSG.value, true);
      } else if (level === SOL_IP && type === IP_PKTINFO) {
        this.#ourAddress = view.getUint32(at + CMSG.value + PKTINFO.ourAddress);
      }
      at += Math.max(CMSG.value, Math.ceil(length / CMSG.alignment) * CMSG.alignment);
    }
  }

  /** The same object as long as it is the same: most of what follows one another comes from one sender. */
  #sender(): Endpoint {
    const source = this.#source.endpoint;
    if (this.#ourAddress === 0) return source;
    const isKnown = this.#ourAddress === this.#fromOurAddress &&
      isSameEndpoint(source, this.#from);
    if (isKnown) return this.#from;
    this.#fromOurAddress = this.#ourAddress;
    this.#from = { ...source, askedAt: ipv4Text(u32Bytes(this.#ourAddress)) };
    return this.#from;
  }
}

function u32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** Where in memory `bytes` begin. */
export function addressOf(bytes: Bytes): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
}
