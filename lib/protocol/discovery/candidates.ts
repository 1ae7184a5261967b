/**
 * Endpoints where a server is said to be and none has been proved (docs/PROTOCOL.md, "Who is counted"). Each is
 * probed by a FIND of its own until it answers, a few times. Anybody can make us probe anything, so
 * both memory and probes are bounded, and who comes first is left to chance.
 */
import { type Endpoint, endpointKey, isSameEndpoint, partyOf } from "../../address.ts";
import type { Token } from "../../ids.ts";
import type { Random } from "../base/random.ts";
import { RecentMap } from "../base/recent_map.ts";
import {
  CANDIDATES_MAX,
  CANDIDATES_PER_PARTY_MAX,
  PROBE_BYTES_MIN,
  PROBE_TIMEOUT_MS,
  PROBE_TRIES_MAX,
  PROBES_MAX,
  SHARED_PORT_PROBE_MS,
  UNPROVED_BYTES_FACTOR,
} from "./limits.ts";

interface Candidate {
  readonly endpoint: Endpoint;
  /** What came with the claim: of use only if it is true. */
  readonly token: Token;
  /** Of the probe that is due now: an odd one where the port is shared with other servers of the host. */
  readonly round: number;
  /** How long that probe may be: Infinity where somebody at that address has answered. */
  readonly bytesMax: number;
}

/** An answer that proves nothing. */
export interface Claim {
  readonly token: Token;
  readonly bytes: number;
  /**
   * Where he who claims said that the server is, if that is elsewhere: the endpoint may be shared with other servers,
   * and is of interest only if nobody answers there.
   */
  readonly named?: Endpoint;
}

interface Entry {
  readonly endpoint: Endpoint;
  readonly party: string;
  readonly token: Token;
  /** Where the server is said to be, if not here. */
  readonly named: Endpoint | undefined;
  readonly claimBytes: number;
  tries: number;
  /** Infinity while its address has no probe left: then it waits for the next claim. */
  dueMs: number;
}

export class Candidates {
  readonly #random: Random;
  readonly #entries = new Map<string, Entry>();
  /**
   * Bytes that may yet go to an address, whatever the port: claims pay for them, so that forged ones make us send a
   * stranger little more than was sent in his name, and many keep nobody who is truly there from being probed.
   */
  readonly #budgets = new RecentMap<number>(CANDIDATES_MAX, Infinity);
  /** Nobody is due before this. */
  #dueMs = Infinity;
  /** When the latest probes left, oldest first: those of the last `PROBE_TIMEOUT_MS`. */
  #sentMs: number[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** Somebody claims that a server is there; once is enough. */
  add(nowMs: number, endpoint: Endpoint, { token, bytes, named }: Claim): void {
    const key = endpointKey(endpoint);
    const before = this.#bytesLeft(nowMs, endpoint);
    const paid = named === undefined ? UNPROVED_BYTES_FACTOR * bytes : 0;
    this.#budgets.set(nowMs, endpoint.address, before + paid);
    if (paid > 0) this.#awaken(nowMs, endpoint.address);
    if (this.#entries.has(key)) return;
    const party = partyOf(endpoint.address);
    if (this.#entries.size >= CANDIDATES_MAX) this.#evictOneOf([...this.#entries.keys()]);
    const neighbours = [...this.#entries].filter(([, each]) => each.party === party);
    if (neighbours.length >= CANDIDATES_PER_PARTY_MAX) {
      this.#evictOneOf(neighbours.map(([each]) => each));
    }
    const dueMs = named === undefined ? nowMs : nowMs + SHARED_PORT_PROBE_MS;
    const claimBytes = bytes;
    this.#entries.set(key, { endpoint, party, token, named, claimBytes, tries: 0, dueMs });
    this.#dueMs = Math.min(this.#dueMs, dueMs);
  }

  /** It has answered: neither it nor the port that it shares with others needs to be probed. */
  remove(nowMs: number, endpoint: Endpoint): void {
    this.#budgets.set(nowMs, endpoint.address, Infinity);
    this.#entries.delete(endpointKey(endpoint));
    for (const [key, { named }] of this.#entries) {
      if (named !== undefined && isSameEndpoint(named, endpoint)) this.#entries.delete(key);
    }
  }

  /**
   * Those to be probed now; they count as probed. Who was probed too often is forgotten.
   *
   * @param probeBytes how long the probe will be that may be this long
   */
  take(nowMs: number, probeBytes: (bytesMax: number) => number): Candidate[] {
    if (nowMs < this.nextWakeupMs()) return [];
    const waiting: Entry[] = [];
    for (const [key, entry] of this.#entries) {
      if (entry.dueMs > nowMs) continue;
      if (entry.tries < PROBE_TRIES_MAX) waiting.push(entry);
      else this.#entries.delete(key);
    }
    // Who was never asked comes first, in an order that no flood can foretell.
    this.#random.shuffle(waiting).sort((a, b) => a.tries - b.tries);
    this.#sentMs = this.#sentMs.filter((sentMs) => sentMs + PROBE_TIMEOUT_MS > nowMs);
    const countMax = PROBES_MAX - this.#sentMs.length;
    const taken = this.#affordable(nowMs, waiting, countMax, probeBytes);
    const candidates = taken.map(({ entry, bytesMax }) => {
      const round = 2 * entry.tries + (entry.named === undefined ? 0 : 1);
      entry.dueMs = nowMs + PROBE_TIMEOUT_MS * 2 ** entry.tries;
      entry.tries += 1;
      this.#sentMs.push(nowMs);
      return { endpoint: entry.endpoint, token: entry.token, round, bytesMax };
    });
    this.#dueMs = Infinity;
    for (const { dueMs } of this.#entries.values()) this.#dueMs = Math.min(this.#dueMs, dueMs);
    return candidates;
  }

  /**
   * Those of `waiting` that their addresses have bytes left for, which are spent. The others wait for the next claim,
   * so that it pays for the port that was tried least: the one that is named may be closed, and the shared one open.
   */
  #affordable(
    nowMs: number,
    waiting: readonly Entry[],
    countMax: number,
    probeBytes: (bytesMax: number) => number,
  ): { readonly entry: Entry; readonly bytesMax: number }[] {
    const taken: { readonly entry: Entry; readonly bytesMax: number }[] = [];
    const besideShared = this.#besideShared();
    for (const entry of waiting) {
      if (taken.length >= countMax) break;
      const { endpoint } = entry;
      const left = this.#bytesLeft(nowMs, endpoint);
      const bytesMax = left === Infinity ? Infinity : Math.min(entry.claimBytes, left);
      const bytes = probeBytes(bytesMax);
      // What only one port can answer is kept for it: the other one may be out of reach.
      const kept = besideShared.has(endpointKey(endpoint)) ? PROBE_BYTES_MIN : 0;
      if (bytes + kept > left) entry.dueMs = Infinity;
      else {
        this.#budgets.set(nowMs, endpoint.address, left - bytes);
        taken.push({ entry, bytesMax });
      }
    }
    return taken;
  }

  #awaken(nowMs: number, address: string): void {
    for (const entry of this.#entries.values()) {
      if (entry.dueMs !== Infinity || entry.endpoint.address !== address) continue;
      entry.dueMs = nowMs;
      this.#dueMs = Math.min(this.#dueMs, nowMs);
    }
  }

  /** Endpoints beside a port that servers share, which is to be probed if nobody answers there. */
  #besideShared(): ReadonlySet<string> {
    const keys = new Set<string>();
    for (const { named } of this.#entries.values()) {
      if (named !== undefined) keys.add(endpointKey(named));
    }
    return keys;
  }

  #bytesLeft(nowMs: number, { address }: Endpoint): number {
    return this.#budgets.get(nowMs, address) ?? 0;
  }

  nextWakeupMs(): number {
    const roomMs = this.#sentMs.length < PROBES_MAX ? 0 : this.#sentMs[0]! + PROBE_TIMEOUT_MS;
    return Math.max(this.#dueMs, roomMs);
  }

  #evictOneOf(keys: readonly string[]): void {
    this.#entries.delete(keys[this.#random.below(keys.length)]!);
  }
}
