/**
 * Who has asked at a socket, and the sessions in which they are answered. Each has a fresh key of ours, so that a session that was
 * forgotten is never taken up again: who asks on gets another one.
 *
 * A stranger costs a hash for each secret. Only what the mark and the tag of a holder of the secret vouch for takes a
 * place in the table, and only what is answered a step on the curve.
 */
import { type Bytes, fromHex, toHex } from "../../ids.ts";
import { counterIn, keyIn, type SealSlot } from "../../wire/seal.ts";
import { sessionKeysOf } from "./key_schedule.ts";
import { SEAL_ASKERS_MAX, SEAL_IDLE_MS } from "./limits.ts";
import { ReplayWindow } from "./replay_window.ts";
import type { Secret } from "./secrets.ts";
import { SealSession } from "./session.ts";
import type { SealSuite } from "./suite.ts";

/** Who is answered, and how. */
export interface Answering {
  readonly session: SealSession;
  readonly secret: Secret;
  /** Ours for this session. */
  readonly publicKey: Bytes;
}

interface Asker {
  /** What is passed between threads of whom an answer is for: the key, and which secret it came under. */
  readonly name: string;
  readonly key: Bytes;
  readonly secret: Secret;
  readonly window: ReplayWindow;
  usedMs: number;
  answering: Answering | undefined;
}

export class SealAskers {
  readonly #suite: SealSuite;
  readonly #secrets: readonly Secret[];
  /** By their keys; who was used longest ago is first. */
  readonly #byKey = new Map<string, Asker>();
  readonly #byNumber = new Map<number, Asker>();

  constructor(suite: SealSuite, secrets: readonly Secret[]) {
    this.#suite = suite;
    this.#secrets = secrets;
  }

  /** By what name whoever has said this is answered; `undefined` for what is no first message, or has come before. */
  openFirst(nowMs: number, slot: SealSlot, target: Bytes): string | undefined {
    for (const [i, secret] of this.#secrets.entries()) {
      const digest = secret.judge(slot.head);
      if (digest === undefined) continue;
      const key = keyIn(slot.head);
      const hex = toHex(key);
      const counter = counterIn(slot.head);
      const known = this.#byKey.get(hex);
      if (known !== undefined && !known.window.isFresh(counter)) return undefined;
      if (!secret.openFirst(digest, slot, target)) continue;
      const asker = known ?? this.#newAsker(hex, key, i);
      asker.window.take(counter);
      this.#use(nowMs, hex, asker);
      return asker.name;
    }
    return undefined;
  }

  /** The same of what is said in a session, by the number that it is said under. */
  openSealed(nowMs: number, number: number, slot: SealSlot, target: Bytes): string | undefined {
    const asker = this.#byNumber.get(number);
    const session = asker?.answering?.session;
    if (session?.receiving.open(counterIn(slot.head), slot, target) !== true) return undefined;
    session.isConfirmed = true;
    this.#use(nowMs, asker!.name.slice(0, -1), asker!);
    return asker!.name;
  }

  /**
   * How whoever has this name is answered, who may have asked at another socket; `undefined` for whoever sent a key that leads to
   * nothing secret.
   */
  answeringOf(nowMs: number, name: string): Answering | undefined {
    const hex = name.slice(0, -1);
    const asker = this.#byKey.get(hex) ??
      this.#newAsker(hex, fromHex(hex)!, Number(name.slice(-1)));
    this.#use(nowMs, hex, asker);
    return asker.answering ??= this.#agree(asker);
  }

  close(): void {
    for (const [hex, asker] of this.#byKey) this.#forget(hex, asker);
  }

  #newAsker(hex: string, key: Bytes, secret: number): Asker {
    return {
      name: `${hex}${secret}`,
      key,
      secret: this.#secrets[secret]!,
      window: new ReplayWindow(),
      usedMs: 0,
      answering: undefined,
    };
  }

  #agree(asker: Asker): Answering | undefined {
    const pair = this.#suite.newKeyPair();
    const shared = pair.agree(asker.key);
    if (shared === undefined) return undefined;
    const { secret, key } = asker;
    const keys = sessionKeysOf(secret.group, shared, "datagrams", key, pair.publicKey);
    const session = new SealSession(this.#suite, keys, "answering");
    this.#byNumber.set(session.receivingNumber, asker);
    return { session, secret, publicKey: pair.publicKey };
  }

  #use(nowMs: number, hex: string, asker: Asker): void {
    asker.usedMs = nowMs;
    const isNew = !this.#byKey.delete(hex);
    this.#byKey.set(hex, asker);
    if (!isNew) return;
    for (const [oldestHex, oldest] of this.#byKey) {
      const isCrowded = this.#byKey.size > SEAL_ASKERS_MAX;
      if (!isCrowded && nowMs - oldest.usedMs < SEAL_IDLE_MS) break;
      this.#forget(oldestHex, oldest);
    }
  }

  #forget(hex: string, asker: Asker): void {
    this.#byKey.delete(hex);
    const session = asker.answering?.session;
    if (session === undefined) return;
    if (this.#byNumber.get(session.receivingNumber) === asker) {
      this.#byNumber.delete(session.receivingNumber);
    }
    session.close();
  }
}
