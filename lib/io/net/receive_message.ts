/**
 * The argument of `recvmsg`, laid out once and used for every receive: where the datagrams go, where the
 * sender's address goes, and a control message, in which the kernel says how long the datagrams are that
 * it joined (UDP_GRO). The layout is that of Linux on 64-bit processors; see recvmsg(2), cmsg(3), udp(7).
 */
import type { Bytes } from "../../ids.ts";
import type { Received } from "./datagram_transport.ts";
import { SOCKADDR_BYTES, SocketAddress } from "./socket_address.ts";

const SOL_UDP = 17;
const UDP_GRO = 104;
const MSG_CTRUNC = 0x08;
const MSG_TRUNC = 0x20;

/** Offsets in `struct msghdr`. */
const MSG = {
  name: 0,
  nameBytes: 8,
  iov: 16,
  iovCount: 24,
  control: 32,
  controlBytes: 40,
  flags: 48,
};
const IOV = 56;
/** Of the control message: its length, level and type, and the int that it carries. */
const CONTROL = { at: 72, bytes: 24, level: 80, type: 84, value: 88 };
/** Header and value without the padding behind them. */
const CONTROL_LENGTH = 20;
const TOTAL_BYTES = 96;

export class ReceiveMessage {
  /** For `recvmsg`. Memory of its own: the kernel keeps no hold on it, but pointers lead from part to part. */
  readonly header: Bytes = new Uint8Array(new ArrayBuffer(TOTAL_BYTES));
  readonly #view = new DataView(this.header.buffer);
  readonly #source = new SocketAddress();
  #buffer: Bytes = new Uint8Array(0);

  constructor() {
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
    this.#view.setUint32(MSG.nameBytes, SOCKADDR_BYTES, true);
    this.#view.setUint32(MSG.controlBytes, CONTROL.bytes, true);
  }

  /** What `recvmsg` brought, which returned `count`; `undefined` for an error, or if anything was cut off. */
  received(count: number): Received | undefined {
    if (count < 0) return undefined;
    if (this.#view.getUint32(MSG.flags, true) & (MSG_TRUNC | MSG_CTRUNC)) return undefined;
    const segmentBytes = this.#joinedBytes ?? count;
    return { bytes: this.#buffer.subarray(0, count), from: this.#source.endpoint, segmentBytes };
  }

  /** Length of the datagrams that were joined; `undefined` where it was one. */
  get #joinedBytes(): number | undefined {
    const view = this.#view;
    if (view.getUint32(MSG.controlBytes, true) < CONTROL_LENGTH) return undefined;
    if (view.getUint32(CONTROL.level, true) !== SOL_UDP) return undefined;
    if (view.getUint32(CONTROL.type, true) !== UDP_GRO) return undefined;
    return view.getUint32(CONTROL.value, true);
  }
}

function addressOf(bytes: Bytes): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
}
