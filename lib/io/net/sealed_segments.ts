/** Datagrams as they are sealed for the wire, one or a burst of them, in memory that is used again. */
import type { Bytes } from "../../ids.ts";
import type { Answering } from "../../protocol/seal/seal_askers.ts";
import type { SealedPeers } from "../../protocol/seal/sealed_peers.ts";
import type { SealSession } from "../../protocol/seal/session.ts";
import {
  CONTROL_BYTES_MAX,
  SEAL_HANDSHAKE_HEAD_BYTES,
  SEAL_HANDSHAKE_OVERHEAD_BYTES,
  SEAL_HEAD_BYTES,
  SEAL_OVERHEAD_BYTES,
  SEAL_TAG_BYTES,
} from "../../wire/limits.ts";
import {
  endOf,
  paddedBytes,
  SEAL_KIND,
  type SealSlot,
  sealSlot,
  writeHead,
} from "../../wire/seal.ts";
import { SEND_BYTES_MAX } from "./limits.ts";
import { SlotViews } from "./slot_views.ts";

/** What ends a segment of a burst, which is not padded. */
const ONE = 1;

export class SealedSegments {
  readonly #peers: SealedPeers;
  readonly #sealed: Bytes = new Uint8Array(SEND_BYTES_MAX + CONTROL_BYTES_MAX);
  readonly #texts = new SlotViews((bytes, at, size) => bytes.subarray(at, at + size));
  readonly #slots = new SlotViews((bytes, at, size) =>
    sealSlot(bytes, at, size, SEAL_HEAD_BYTES, ONE)
  );

  constructor(peers: SealedPeers) {
    this.#peers = peers;
  }

  /** Segments of `segmentBytes`, the last may be shorter; the result is overwritten by the next call. */
  burst({ sending }: SealSession, bytes: Bytes, segmentBytes: number): Bytes {
    const sizeBytes = segmentBytes + SEAL_OVERHEAD_BYTES;
    this.#texts.over(bytes, segmentBytes);
    this.#slots.over(this.#sealed, sizeBytes);
    const whole = Math.floor(bytes.length / segmentBytes);
    for (let i = 0; i < whole; i++) {
      seal(sending, this.#slots.at(this.#sealed, i), this.#texts.at(bytes, i), endOf(ONE));
    }
    const restBytes = bytes.length - whole * segmentBytes;
    const end = whole * sizeBytes;
    if (restBytes === 0) return this.#sealed.subarray(0, end);
    const lastBytes = restBytes + SEAL_OVERHEAD_BYTES;
    const slot = sealSlot(this.#sealed, end, lastBytes, SEAL_HEAD_BYTES, ONE);
    seal(sending, slot, bytes.subarray(whole * segmentBytes), endOf(ONE));
    return this.#sealed.subarray(0, end + lastBytes);
  }

  /** A datagram of a session, padded; overwritten by the next call. */
  control({ sending }: SealSession, text: Bytes): Bytes {
    const paddedTo = paddedBytes(text.length);
    const sealed = this.#sealed.subarray(0, SEAL_HEAD_BYTES + paddedTo + SEAL_TAG_BYTES);
    const end = endOf(paddedTo - text.length);
    seal(sending, sealSlot(sealed, 0, sealed.length, SEAL_HEAD_BYTES, end.length), text, end);
    return sealed;
  }

  /** A second message, padded. */
  second(answering: Answering, text: Bytes): Bytes {
    const { slot, bytes, end } = handshakeSlot(text);
    this.#peers.sealSecond(answering, slot, text, end);
    return bytes;
  }

  /** The first messages that say this, padded. */
  firsts(text: Bytes): readonly Bytes[] {
    const made = Array.from(
      { length: this.#peers.firstsPerQuestion },
      () => handshakeSlot(text),
    );
    this.#peers.sealFirsts(made.map(({ slot }) => slot), text, made[0]!.end);
    return made.map(({ bytes }) => bytes);
  }
}

function seal(sending: SealSession["sending"], slot: SealSlot, text: Bytes, end: Bytes): void {
  const counter = sending.nextCounter();
  writeHead(slot.head, SEAL_KIND.sealed, counter, sending.id);
  sending.seal(counter, slot, text, end);
}

function handshakeSlot(text: Bytes) {
  const paddedTo = paddedBytes(text.length);
  const bytes = new Uint8Array(paddedTo - ONE + SEAL_HANDSHAKE_OVERHEAD_BYTES);
  const end = endOf(paddedTo - text.length);
  const slot = sealSlot(bytes, 0, bytes.length, SEAL_HANDSHAKE_HEAD_BYTES, end.length);
  return { bytes, slot, end };
}
