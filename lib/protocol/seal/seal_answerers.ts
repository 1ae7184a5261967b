/**
 * Whom a socket has asked, and who has answered. It asks with one key of its own, drawn when it first does, so that one datagram is for all
 * servers; each of them answers with a key of its own.
 */
import { type Endpoint, endpointKey } from "../../address.ts";
import { type Bytes, toHex } from "../../ids.ts";
import { counterIn, keyIn, SEAL_KIND, type SealSlot } from "../../wire/seal.ts";
import { sessionKeysOf } from "./key_schedule.ts";
import { SEAL_SESSIONS_MAX, SEAL_SILENCE_MS } from "./limits.ts";
import type { Secret } from "./secrets.ts";
import { SealSession } from "./session.ts";
import type { KeyPair, SealSuite } from "./suite.ts";

interface Answerer {
  readonly session: SealSession;
  /** Where it was last heard. */
  at: Endpoint | undefined;
  /** Since when we have said something that nothing has come after. */
  unansweredMs: number | undefined;
}

export class SealAnswerers {
  readonly #suite: SealSuite;
  readonly #secrets: readonly Secret[];
  #own: KeyPair | undefined;
  #firstCounter = 0;
  /** By the keys that they answered with, the oldest first. */
  readonly #byKey = new Map<string, Answerer>();
  readonly #byNumber = new Map<number, Answerer>();
  /** Who is spoken to there. */
  readonly #byEndpoint = new Map<string, Answerer>();

  constructor(suite: SealSuite, secrets: readonly Secret[]) {
    this.#suite = suite;
    this.#secrets = secrets;
  }

  /**
   * The session with whoever is at `to`; `undefined` where there is none, or nothing has come for {@linkcode SEAL_SILENCE_MS}
   * of what was said: then whoever is there now may not know it.
   */
  sessionTowards(nowMs: number, to: Endpoint): SealSession | undefined {
    const answerer = this.#byEndpoint.get(endpointKey(to));
    if (answerer === undefined) return undefined;
    const sinceMs = answerer.unansweredMs ??= nowMs;
    return nowMs - sinceMs >= SEAL_SILENCE_MS ? undefined : answerer.session;
  }

  /** For the first messages of one datagram, one for each secret. */
  nextFirstCounter(): number {
    return this.#firstCounter++;
  }

  sealFirst(counter: number, secret: Secret, slot: SealSlot, text: Bytes, end: Bytes): void {
    this.#own ??= this.#suite.newKeyPair();
    secret.sealFirst(SEAL_KIND.first, counter, this.#own.publicKey, slot, text, end);
  }

  /** Whether somebody whom we asked has answered this, for the first time. */
  openSecond(from: Endpoint, slot: SealSlot, target: Bytes): boolean {
    const own = this.#own;
    const secret = own && this.#secrets.find((each) => each.judge(slot.head) !== undefined);
    if (own === undefined || secret === undefined) return false;
    const key = keyIn(slot.head);
    const hex = toHex(key);
    const known = this.#byKey.get(hex);
    const answerer = known ?? this.#agree(own, secret, key);
    if (answerer === undefined) return false;
    if (!answerer.session.receiving.open(counterIn(slot.head), slot, target)) {
      if (known === undefined) answerer.session.close();
      return false;
    }
    if (known === undefined) this.#keep(hex, answerer, from);
    this.#heard(answerer, from);
    return true;
  }

  /** The same of what is said in a session, by the number that it is said under. */
  openSealed(from: Endpoint, number: number, slot: SealSlot, target: Bytes): boolean {
    const answerer = this.#byNumber.get(number);
    if (answerer?.session.receiving.open(counterIn(slot.head), slot, target) !== true) {
      return false;
    }
    this.#heard(answerer, from);
    return true;
  }

  close(): void {
    for (const [hex, answerer] of this.#byKey) this.#forget(hex, answerer);
  }

  #agree(own: KeyPair, { group }: Secret, key: Bytes): Answerer | undefined {
    const shared = own.agree(key);
    if (shared === undefined) return undefined;
    const keys = sessionKeysOf(group, shared, "datagrams", own.publicKey, key);
    const session = new SealSession(this.#suite, keys, "asking");
    return { session, at: undefined, unansweredMs: undefined };
  }

  /** Whoever answers with a new key is who is there now. */
  #keep(hex: string, answerer: Answerer, from: Endpoint): void {
    const [oldest] = this.#byKey;
    if (oldest !== undefined && this.#byKey.size >= SEAL_SESSIONS_MAX) this.#forget(...oldest);
    this.#byKey.set(hex, answerer);
    this.#byNumber.set(answerer.session.receivingNumber, answerer);
    this.#byEndpoint.set(endpointKey(from), answerer);
  }

  #heard(answerer: Answerer, from: Endpoint): void {
    answerer.unansweredMs = undefined;
    const { at } = answerer;
    if (at?.port === from.port && at.address === from.address) return;
    answerer.at = from;
    // One that is asked at several addresses answers from each.
    const key = endpointKey(from);
    if (!this.#byEndpoint.has(key)) this.#byEndpoint.set(key, answerer);
  }

  #forget(hex: string, answerer: Answerer): void {
    this.#byKey.delete(hex);
    this.#byNumber.delete(answerer.session.receivingNumber);
    for (const [key, each] of this.#byEndpoint) {
      if (each === answerer) this.#byEndpoint.delete(key);
    }
    answerer.session.close();
  }
}
