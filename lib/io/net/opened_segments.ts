/**
 * What one receive brought, opened: segments of one peer that are as long as each other stay joined, as they came, and are
 * handed on together; what is nothing to us is left out.
 */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import type { SealedPeers } from "../../protocol/seal/sealed_peers.ts";
import {
  RECEIVE_BUFFER_BYTES,
  SEAL_HEAD_BYTES,
  SEAL_OVERHEAD_BYTES,
  SEAL_TAG_BYTES,
} from "../../wire/limits.ts";
import { headBytesOf, sealSlot, textBytesOf } from "../../wire/seal.ts";
import type { OnReceived, Received } from "./datagram_transport.ts";
import { SlotViews } from "./slot_views.ts";

export class OpenedSegments {
  readonly #peers: SealedPeers;
  readonly #opened: Bytes = new Uint8Array(RECEIVE_BUFFER_BYTES);
  readonly #slots = new SlotViews((bytes, at, size) => sealSlot(bytes, at, size, SEAL_HEAD_BYTES));
  /** Where texts go: one behind another, each over what ended the one before. */
  readonly #targets = new SlotViews((bytes, at) => bytes.subarray(at));
  // What is to be handed on together.
  #from: Endpoint | undefined;
  #startAt = 0;
  #endAt = 0;
  #segmentBytes = 0;

  constructor(peers: SealedPeers) {
    this.#peers = peers;
  }

  /** Hands on what there is in it; settles when the listener has taken all of that. */
  open(nowMs: number, received: Received, onReceived: OnReceived): void | Promise<void> {
    const { bytes, segmentBytes } = received;
    const pending: Promise<void>[] = [];
    const handOn = (): void => {
      const taken = this.#handOn(onReceived);
      if (taken !== undefined) pending.push(taken);
    };
    this.#startAt = this.#endAt = 0;
    this.#slots.over(bytes, segmentBytes);
    this.#targets.over(this.#opened, Math.max(1, segmentBytes - SEAL_OVERHEAD_BYTES));
    for (let at = 0; at < bytes.length; at += segmentBytes) {
      const target = this.#target();
      const opened = this.#openSlot(nowMs, received, at, target);
      if (opened === undefined) continue;
      if (!this.#continues(opened)) handOn();
      if (this.#startAt === this.#endAt) {
        this.#from = opened.from;
        this.#segmentBytes = opened.textBytes;
      }
      this.#endAt += opened.textBytes;
    }
    handOn();
    return pending.length < 2 ? pending[0] : Promise.all(pending).then(() => {});
  }

  #openSlot(nowMs: number, { bytes, segmentBytes, from }: Received, at: number, target: Bytes) {
    const size = Math.min(segmentBytes, bytes.length - at);
    const headBytes = headBytesOf(bytes[at]);
    if (headBytes === undefined || size <= headBytes + SEAL_TAG_BYTES) return undefined;
    const isUsual = size === segmentBytes && headBytes === SEAL_HEAD_BYTES;
    const slot = isUsual
      ? this.#slots.at(bytes, at / segmentBytes)
      : sealSlot(bytes, at, size, headBytes);
    const opener = this.#peers.open(nowMs, from, slot, target);
    if (opener === undefined) return undefined;
    const textBytes = textBytesOf(target, slot.text.length);
    return textBytes === undefined || textBytes === 0 ? undefined : { from: opener, textBytes };
  }

  #target(): Bytes {
    const { stepBytes } = this.#targets;
    return this.#endAt % stepBytes === 0
      ? this.#targets.at(this.#opened, this.#endAt / stepBytes)
      : this.#opened.subarray(this.#endAt);
  }

  /** Whether it can be joined to what is to be handed on: as long as the others, and only the last one shorter. */
  #continues({ from, textBytes }: { readonly from: Endpoint; readonly textBytes: number }) {
    const heldBytes = this.#endAt - this.#startAt;
    if (heldBytes === 0) return true;
    return from.sealedFor === this.#from?.sealedFor && textBytes <= this.#segmentBytes &&
      heldBytes % this.#segmentBytes === 0;
  }

  #handOn(onReceived: OnReceived): void | Promise<void> {
    if (this.#startAt === this.#endAt) return;
    const bytes = this.#opened.subarray(this.#startAt, this.#endAt);
    const segmentBytes = Math.min(this.#segmentBytes, bytes.length);
    const from = this.#from!;
    this.#startAt = this.#endAt;
    return onReceived({ bytes, from, segmentBytes });
  }
}
