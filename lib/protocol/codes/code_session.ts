/** Frames between two sides that have proved a code to each other, one in each datagram, sealed as those of any session. */
import type { Bytes } from "../../ids.ts";
import { SEAL_HEAD_BYTES, SEAL_TAG_BYTES } from "../../wire/limits.ts";
import {
  counterIn,
  endOf,
  paddedBytes,
  SEAL_KIND,
  sealSlot,
  sessionIn,
  textBytesOf,
  writeHead,
} from "../../wire/seal.ts";
import { decodeFrame, encodeFrame, type Frame } from "../../wire/frames.ts";
import type { SessionKeys } from "../seal/key_schedule.ts";
import { SealSession } from "../seal/session.ts";
import type { SealSuite } from "../seal/suite.ts";

/** Whether this datagram may be one of a session. */
export function isSealed(datagram: Uint8Array): boolean {
  return datagram[0] === SEAL_KIND.sealed;
}

export class CodeSession {
  readonly #session: SealSession;

  constructor(suite: SealSuite, keys: SessionKeys, side: "receiver" | "sender") {
    this.#session = new SealSession(suite, keys, side === "receiver" ? "asking" : "answering");
  }

  seal(frame: Frame): Bytes {
    const { sending } = this.#session;
    const text = encodeFrame(frame);
    const paddedTo = paddedBytes(text.length);
    const datagram: Bytes = new Uint8Array(SEAL_HEAD_BYTES + paddedTo + SEAL_TAG_BYTES);
    const end = endOf(paddedTo - text.length);
    const slot = sealSlot(datagram, 0, datagram.length, SEAL_HEAD_BYTES, end.length);
    const counter = sending.nextCounter();
    writeHead(slot.head, SEAL_KIND.sealed, counter, sending.id);
    sending.seal(counter, slot, text, end);
    return datagram;
  }

  /** What the other side has said, and not before; `undefined` for everything else. */
  open(datagram: Bytes): Frame | undefined {
    if (!isSealed(datagram) || datagram.length <= SEAL_HEAD_BYTES + SEAL_TAG_BYTES) {
      return undefined;
    }
    const slot = sealSlot(datagram, 0, datagram.length, SEAL_HEAD_BYTES);
    if (sessionIn(slot.head) !== this.#session.receivingNumber) return undefined;
    const text: Bytes = new Uint8Array(slot.text.length);
    if (!this.#session.receiving.open(counterIn(slot.head), slot, text)) return undefined;
    const textBytes = textBytesOf(text, text.length);
    if (textBytes === undefined) return undefined;
    const frame = decodeFrame(text.subarray(0, textBytes));
    return frame.kind === "malformed" ? undefined : frame;
  }

  close(): void {
    this.#session.close();
  }
}
