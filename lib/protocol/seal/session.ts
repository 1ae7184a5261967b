/**
 * A session between two sockets, or the two ends of a stream: one key for each direction, and a counter that is used once.
 *
 * No nonce can come twice under a key. The keys follow from a fresh key of each side, which a socket draws when it first
 * speaks, and a server for each session: so no other socket, thread, process, or earlier run has them. Within one direction
 * one object counts, in one thread; and the counter goes on over epochs.
 */
import type { Bytes } from "../../ids.ts";
import { type SealSlot, sessionNumber, writeCounter } from "../../wire/seal.ts";
import { type DirectionKeys, epochKeysOf, type SessionKeys } from "./key_schedule.ts";
import { SEAL_COUNTERS, SEAL_EPOCH_COUNT } from "./limits.ts";
import { ReplayWindow } from "./replay_window.ts";
import type { AeadKey, SealSuite } from "./suite.ts";

/** Where the counter meets the IV: its last six bytes. */
const COUNTER_IN_NONCE = 6;

export class SealSession {
  readonly sending: SendingKeys;
  readonly receiving: ReceivingKeys;
  /** Names it in what the other side says. */
  readonly receivingNumber: number;
  /** Whether the other side has shown that it has the keys. */
  isConfirmed = false;

  constructor(suite: SealSuite, keys: SessionKeys, side: "asking" | "answering") {
    const [own, theirs] = side === "asking"
      ? [keys.asking, keys.answering]
      : [keys.answering, keys.asking];
    this.sending = new SendingKeys(suite, own);
    this.receiving = new ReceivingKeys(suite, theirs);
    this.receivingNumber = sessionNumber(theirs.id, 0);
  }

  close(): void {
    this.sending.close();
    this.receiving.close();
  }
}

/** The key of an epoch, and where nonces are made. */
class EpochKey {
  readonly aead: AeadKey;
  readonly nextSecret: Bytes;
  readonly #iv: Bytes;
  readonly #nonce: Bytes;

  constructor(suite: SealSuite, secret: Bytes) {
    const { key, iv, secret: nextSecret } = epochKeysOf(secret);
    this.aead = suite.newAeadKey(key);
    this.#iv = iv;
    this.#nonce = iv.slice();
    this.nextSecret = nextSecret;
  }

  /** It is used again by the next call. */
  nonce(counter: number): Bytes {
    writeCounter(this.#nonce, COUNTER_IN_NONCE, counter);
    for (let i = COUNTER_IN_NONCE; i < this.#nonce.length; i++) this.#nonce[i]! ^= this.#iv[i]!;
    return this.#nonce;
  }
}

class SendingKeys {
  /** Names the session in what we say. */
  readonly id: Bytes;
  readonly #suite: SealSuite;
  #key: EpochKey;
  #counter = 0;

  constructor(suite: SealSuite, { secret, id }: DirectionKeys) {
    this.#suite = suite;
    this.#key = new EpochKey(suite, secret);
    this.id = id;
  }

  /**
   * A number that was not used, for the next {@linkcode seal}.
   *
   * @throws RangeError when there are no more
   */
  nextCounter(): number {
    const counter = this.#counter++;
    if (counter >= SEAL_COUNTERS) throw new RangeError("a session's counter is used up");
    if (counter > 0 && counter % SEAL_EPOCH_COUNT === 0) {
      const { nextSecret, aead } = this.#key;
      aead.close();
      this.#key = new EpochKey(this.#suite, nextSecret);
    }
    return counter;
  }

  /** @param counter from {@linkcode nextCounter}, just now */
  seal(counter: number, slot: SealSlot, text: Bytes, end: Bytes): void {
    this.#key.aead.seal(this.#key.nonce(counter), slot, text, end);
  }

  close(): void {
    this.#key.aead.close();
  }
}

class ReceivingKeys {
  readonly #suite: SealSuite;
  readonly #window = new ReplayWindow();
  #epoch = 0;
  #current: EpochKey;
  #previous: EpochKey | undefined;
  /** Made when something claims to be of it. */
  #next: EpochKey | undefined;

  constructor(suite: SealSuite, { secret }: DirectionKeys) {
    this.#suite = suite;
    this.#current = new EpochKey(suite, secret);
  }

  /** Whether this is of the other side, and has not come before; then its text is in `target`. */
  open(counter: number, slot: SealSlot, target: Bytes): boolean {
    const epoch = Math.floor(counter / SEAL_EPOCH_COUNT);
    const key = this.#keyOf(epoch);
    if (key === undefined || !this.#window.isFresh(counter)) return false;
    if (!key.aead.open(key.nonce(counter), slot, target)) return false;
    this.#window.take(counter);
    if (key === this.#next) this.#enter(epoch, key);
    return true;
  }

  close(): void {
    for (const key of [this.#previous, this.#current, this.#next]) key?.aead.close();
  }

  #keyOf(epoch: number): EpochKey | undefined {
    if (epoch === this.#epoch) return this.#current;
    if (epoch === this.#epoch - 1) return this.#previous;
    if (epoch !== this.#epoch + 1) return undefined;
    return this.#next ??= new EpochKey(this.#suite, this.#current.nextSecret);
  }

  #enter(epoch: number, key: EpochKey): void {
    this.#previous?.aead.close();
    this.#previous = this.#current;
    this.#current = key;
    this.#next = undefined;
    this.#epoch = epoch;
  }
}
