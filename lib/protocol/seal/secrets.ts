/** The secrets that a socket knows, and what first and second messages are marked by. */
import {
  hasMark,
  type SEAL_KIND,
  SEAL_MARKED_BYTES,
  type SealSlot,
  writeHead,
  writeMark,
} from "../../wire/seal.ts";
import type { Bytes } from "../../ids.ts";
import {
  type FirstKeys,
  firstKeysOf,
  firstNonce,
  type GroupKey,
  markDigest,
} from "./key_schedule.ts";
import type { AeadKey, SealSuite } from "./suite.ts";

export class Secret {
  readonly #keys: FirstKeys;
  readonly #first: AeadKey;

  constructor(suite: SealSuite, group: GroupKey) {
    this.#keys = firstKeysOf(group);
    this.#first = suite.newAeadKey(this.#keys.firstKey);
  }

  get group(): GroupKey {
    return this.#keys.group;
  }

  /** Writes the head of a message of a handshake, its mark included; returns the digest of that. */
  writeHead(head: Bytes, kind: number, counter: number, publicKey: Bytes): Bytes {
    writeHead(head, kind, counter, publicKey);
    const digest = this.#digestOf(head);
    writeMark(head, digest);
    return digest;
  }

  /** Makes a first message. A counter is used once by the holder of a key. */
  sealFirst(
    kind: typeof SEAL_KIND.first | typeof SEAL_KIND.streamFirst,
    counter: number,
    publicKey: Bytes,
    slot: SealSlot,
    text: Bytes,
    end: Bytes,
  ): void {
    const digest = this.writeHead(slot.head, kind, counter, publicKey);
    this.#first.seal(firstNonce(digest), slot, text, end);
  }

  /** The digest of a head that somebody has marked who has this secret; `undefined` for any other head. */
  judge(head: Uint8Array): Bytes | undefined {
    const digest = this.#digestOf(head);
    return hasMark(head, digest) ? digest : undefined;
  }

  /** @param digest what {@linkcode judge} gave */
  openFirst(digest: Bytes, slot: SealSlot, target: Bytes): boolean {
    return this.#first.open(firstNonce(digest), slot, target);
  }

  close(): void {
    this.#first.close();
  }

  #digestOf(head: Uint8Array): Bytes {
    return markDigest(this.#keys, head.subarray(0, SEAL_MARKED_BYTES));
  }
}
