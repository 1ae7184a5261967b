/**
 * Servers that are reached at several of their addresses and see several of ours, whose tokens for us differ
 * (docs/PROTOCOL.md, "Who is counted"). One that calls itself by the id of a server that has proved itself elsewhere is asked
 * whether it has issued the tokens of that one, and heard only when it has shown that, or has had the time to.
 */
import { type Endpoint, endpointKey, isIpv4, isLoopback, withoutScope } from "../../address.ts";
import type { ServerId } from "../../ids.ts";
import { ALIAS_ADDRESSES_MAX } from "../../wire/limits.ts";
import { ALIAS_PATIENCE_MS, ALIAS_TRIES_MAX, CANDIDATES_MAX } from "./limits.ts";
import type { Claim } from "./candidates.ts";

interface Asked {
  readonly endpoint: Endpoint;
  readonly claim: Claim;
  tries: number;
  dueMs: number;
  /** Whether it has shown what it can, and whether it has answered what it was asked beside that. */
  hasShown: boolean;
  hasAnswered: boolean;
}

export class Aliases {
  /** Ours, those of IPv4 first: servers are asked what they have issued to them. */
  readonly addresses: readonly string[];
  readonly #own: ReadonlySet<string>;
  /** Endpoints that were asked, by the id that was used there. */
  readonly #asked = new Set<string>();
  readonly #waiting = new Map<string, Asked>();

  /** @param own all addresses of this machine */
  constructor(own: readonly string[]) {
    const plain = [...new Set(own.filter((each) => !isLoopback(each)).map(withoutScope))];
    this.#own = new Set([...plain, ...own.map(withoutScope)]);
    this.addresses = [...plain.filter(isIpv4), ...plain.filter((each) => !isIpv4(each))]
      .slice(0, ALIAS_ADDRESSES_MAX);
  }

  /** Whether it is to be asked first, who has just proved itself there; each is once. */
  asks(nowMs: number, server: ServerId, endpoint: Endpoint, claim: Claim): boolean {
    // With one address there is one token.
    if (this.addresses.length < 2 || this.#asked.size >= CANDIDATES_MAX) return false;
    const key = `${server} ${endpointKey(endpoint)}`;
    if (this.#asked.has(key)) return false;
    this.#asked.add(key);
    const dueMs = nowMs + ALIAS_PATIENCE_MS;
    const state = { tries: 1, hasShown: false, hasAnswered: false };
    this.#waiting.set(endpointKey(endpoint), { endpoint, claim, dueMs, ...state });
    return true;
  }

  /** It has answered ALIAS_WANT, whatever that shows; returns its claim if it is to be asked the rest once more. */
  shown(endpoint: Endpoint): Claim | undefined {
    const asked = this.#waiting.get(endpointKey(endpoint));
    if (asked === undefined) return undefined;
    asked.hasShown = true;
    if (!asked.hasAnswered) return undefined;
    this.heard(endpoint);
    return asked.claim;
  }

  /**
   * It has answered what it was asked beside ALIAS_WANT: whether that counts now. Where the network has changed the
   * order it would be taken for another server.
   */
  mayAnswer(endpoint: Endpoint): boolean {
    const asked = this.#waiting.get(endpointKey(endpoint));
    if (asked === undefined) return true;
    asked.hasAnswered = true;
    return asked.hasShown;
  }

  /** Those that are to be asked again: what they were sent, or have sent, may be lost, or not have been read yet. */
  takeDue(nowMs: number): readonly { readonly endpoint: Endpoint; readonly claim: Claim }[] {
    const due = [...this.#waiting.values()].filter(({ dueMs, tries }) =>
      dueMs <= nowMs && tries < ALIAS_TRIES_MAX
    );
    for (const asked of due) {
      asked.tries += 1;
      asked.dueMs = nowMs + ALIAS_PATIENCE_MS;
    }
    return due;
  }

  /** Whether it was asked, and may answer yet: nothing else that it says counts until then. */
  isWaitedFor(endpoint: Endpoint): boolean {
    return this.#waiting.has(endpointKey(endpoint));
  }

  isOwn(address: string): boolean {
    return this.#own.has(address);
  }

  /** It was heard. */
  heard(endpoint: Endpoint): void {
    this.#waiting.delete(endpointKey(endpoint));
  }

  /** Those that were not heard in time, however often they were asked: they are to be probed as others are. */
  takeSilent(nowMs: number): readonly Asked[] {
    const silent = [...this.#waiting.values()].filter(({ dueMs }) => dueMs <= nowMs);
    for (const { endpoint } of silent) this.heard(endpoint);
    return silent;
  }

  nextWakeupMs(): number {
    let nextMs = Infinity;
    for (const { dueMs } of this.#waiting.values()) nextMs = Math.min(nextMs, dueMs);
    return nextMs;
  }
}
