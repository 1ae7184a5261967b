/**
 * The argument of `sendmsg` for what shall leave from a given address of ours: datagrams, whom they are for, and a
 * control message that names the address (IP_PKTINFO). Of IPv4: in IPv6, sockets are bound to one address. The layout is that of Linux on 64-bit processors; see
 * sendmsg(2), cmsg(3), ip(7).
 */
import { type Endpoint, ipv4Bytes, UNSPECIFIED_ADDRESS } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import { addressOf, CMSG, IP_PKTINFO, MSG, PKTINFO, SOL_IP } from "./receive_message.ts";
import { socketAddress } from "./socket_address.ts";

const IOV = 56;
const CONTROL = { at: 72, length: CMSG.value + PKTINFO.bytes, bytes: 32 };

export class AnswerMessage {
  /** For `sendmsg`. */
  readonly header: Bytes = new Uint8Array(new ArrayBuffer(CONTROL.at + CONTROL.bytes));
  readonly #view = new DataView(this.header.buffer);
  readonly #target = socketAddress(UNSPECIFIED_ADDRESS);
  #bytes: ArrayBufferLike | undefined;
  #bytesAt = 0;
  #askedAt = "";

  constructor() {
    const at = addressOf(this.header);
    const view = this.#view;
    view.setBigUint64(MSG.name, addressOf(this.#target.bytes), true);
    view.setUint32(MSG.nameBytes, this.#target.bytes.length, true);
    view.setBigUint64(MSG.iov, at + BigInt(IOV), true);
    view.setBigUint64(MSG.iovCount, 1n, true);
    view.setBigUint64(MSG.control, at + BigInt(CONTROL.at), true);
    view.setBigUint64(MSG.controlBytes, BigInt(CONTROL.bytes), true);
    view.setBigUint64(CONTROL.at + CMSG.length, BigInt(CONTROL.length), true);
    view.setUint32(CONTROL.at + CMSG.level, SOL_IP, true);
    view.setUint32(CONTROL.at + CMSG.type, IP_PKTINFO, true);
  }

  /** To be called before each send; the interface is the one that routes say. */
  prepare(bytes: Bytes, to: Endpoint, askedAt: string): void {
    this.#target.endpoint = to;
    // Bursts are written to the same place again and again.
    if (bytes.buffer !== this.#bytes || bytes.byteOffset !== this.#bytesAt) {
      this.#bytes = bytes.buffer;
      this.#bytesAt = bytes.byteOffset;
      this.#view.setBigUint64(IOV, addressOf(bytes), true);
    }
    // A size_t of which a datagram needs no more than the low half.
    this.#view.setUint32(IOV + 8, bytes.length, true);
    if (askedAt === this.#askedAt) return;
    this.#askedAt = askedAt;
    this.header.set(ipv4Bytes(askedAt), CONTROL.at + CMSG.value + PKTINFO.ourAddress);
  }
}
