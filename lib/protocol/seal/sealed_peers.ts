/**
 * With whom a socket has sessions, on either side (docs/PROTOCOL.md, "Seal"): `seal_askers.ts` has those who asked here, `seal_answerers.ts`
 * those whom we asked.
 */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import { SEAL_KIND, type SealSlot, sessionIn } from "../../wire/seal.ts";
import { SealAnswerers } from "./seal_answerers.ts";
import { type Answering, SealAskers } from "./seal_askers.ts";
import type { GroupKey } from "./key_schedule.ts";
import { Secret } from "./secrets.ts";
import type { SealSession } from "./session.ts";
import type { SealSuite } from "./suite.ts";

/** How something has to be said to an endpoint. */
export type Towards =
  /** In a session that both have. */
  | { readonly kind: "sealed"; readonly session: SealSession }
  /** By second messages: whoever asked does not know yet that there is a session. */
  | { readonly kind: "answer"; readonly session: SealSession; readonly answering: Answering }
  /** By first messages, one under each secret. */
  | { readonly kind: "ask" }
  /** Not at all: the key that an answer would be for leads to nothing secret. */
  | { readonly kind: "nobody" };

export class SealedPeers {
  readonly #secrets: readonly Secret[];
  readonly #askers: SealAskers;
  readonly #answerers: SealAnswerers;

  /** @param groups the first is the one that is asked under first */
  constructor(suite: SealSuite, groups: readonly GroupKey[]) {
    this.#secrets = groups.map((group) => new Secret(suite, group));
    this.#askers = new SealAskers(suite, this.#secrets);
    this.#answerers = new SealAnswerers(suite, this.#secrets);
  }

  towards(nowMs: number, to: Endpoint): Towards {
    if (to.sealedFor === undefined) {
      const session = this.#answerers.sessionTowards(nowMs, to);
      return session === undefined ? { kind: "ask" } : { kind: "sealed", session };
    }
    const answering = this.#askers.answeringOf(nowMs, to.sealedFor);
    if (answering === undefined) return { kind: "nobody" };
    const { session } = answering;
    return session.isConfirmed
      ? { kind: "sealed", session }
      : { kind: "answer", session, answering };
  }

  /** Makes first messages that say the same: one for each of `slots`, of which there are as many as secrets. */
  sealFirsts(slots: readonly SealSlot[], text: Bytes, end: Bytes): void {
    const counter = this.#answerers.nextFirstCounter();
    for (const [i, secret] of this.#secrets.entries()) {
      this.#answerers.sealFirst(counter, secret, slots[i]!, text, end);
    }
  }

  /** How many first messages it takes to ask once. */
  get firstsPerQuestion(): number {
    return this.#secrets.length;
  }

  /** Makes a second message. */
  sealSecond({ session, secret, publicKey }: Answering, slot: SealSlot, text: Bytes, end: Bytes) {
    const counter = session.sending.nextCounter();
    secret.writeHead(slot.head, SEAL_KIND.second, counter, publicKey);
    session.sending.seal(counter, slot, text, end);
  }

  /**
   * Who has said this, as they are to be answered; `undefined` for what nobody has said who has the secret, and for what has
   * come before. Otherwise its text is in `target`, with what ends it.
   */
  open(nowMs: number, from: Endpoint, slot: SealSlot, target: Bytes): Endpoint | undefined {
    switch (slot.head[0]) {
      case SEAL_KIND.sealed: {
        const number = sessionIn(slot.head);
        if (this.#answerers.openSealed(from, number, slot, target)) return from;
        return sealedFor(from, this.#askers.openSealed(nowMs, number, slot, target));
      }
      case SEAL_KIND.first:
        return sealedFor(from, this.#askers.openFirst(nowMs, slot, target));
      case SEAL_KIND.second:
        return this.#answerers.openSecond(from, slot, target) ? from : undefined;
      default:
        return undefined;
    }
  }

  close(): void {
    this.#askers.close();
    this.#answerers.close();
    for (const secret of this.#secrets) secret.close();
  }
}

function sealedFor(from: Endpoint, name: string | undefined): Endpoint | undefined {
  return name === undefined ? undefined : { ...from, sealedFor: name };
}
