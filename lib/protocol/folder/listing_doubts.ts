/**
 * Why what servers list of a folder may not be all that there is of it. As long as there is a reason, a name that is
 * not listed may exist all the same. Pure.
 *
 * Only who has proved that he has the folder is a reason. A claim is one no longer than it takes to prove it: it may be
 * anybody's, or that of a server whose listing was read, by another of its addresses.
 */
import { type Endpoint, endpointKey } from "../../address.ts";
import type { ServerId } from "../../ids.ts";
import { FOLDER_CLAIMS_MAX } from "./limits.ts";

export class ListingDoubts {
  readonly #claimPatienceMs: number;
  /** Whoever has proved to have the folder. */
  readonly #offering = new Set<ServerId>();
  /** When each endpoint was first said to have it, while nobody has proved that there. */
  readonly #claims = new Map<string, number>();
  #read: ReadonlySet<ServerId> = new Set();
  #isComplete = false;

  /** @param claimPatienceMs how long a claim has to be proved */
  constructor(claimPatienceMs: number) {
    this.#claimPatienceMs = claimPatienceMs;
  }

  /** Somebody says that a server there has the folder. What is said again earns no time. */
  onClaimed(nowMs: number, endpoint: Endpoint): void {
    const key = endpointKey(endpoint);
    if (this.#claims.has(key)) return;
    // The first has had most of its time.
    const [first] = this.#claims.keys();
    if (first !== undefined && this.#claims.size >= FOLDER_CLAIMS_MAX) this.#claims.delete(first);
    this.#claims.set(key, nowMs);
  }

  /** A server has proved that it has the folder, or that it is still hashing what is in it. */
  onOffered(server: ServerId, endpoint: Endpoint): void {
    this.#offering.add(server);
    this.#claims.delete(endpointKey(endpoint));
  }

  /**
   * The listings of these servers were read, in the place of any before.
   *
   * @param isComplete whether all of them name the same, and each of them everything
   */
  onRead(servers: ReadonlySet<ServerId>, isComplete: boolean): void {
    this.#read = servers;
    this.#isComplete = isComplete;
  }

  /** Until when some claim may yet be proved; -Infinity where there is none. */
  get claimsEndMs(): number {
    let endMs = -Infinity;
    for (const claimedMs of this.#claims.values()) {
      endMs = Math.max(endMs, claimedMs + this.#claimPatienceMs);
    }
    return endMs;
  }

  /** One line for people; `undefined` where there is no doubt. */
  get reason(): string | undefined {
    if (this.#read.size === 0) return "no listing was read";
    const unread = [...this.#offering].filter((server) => !this.#read.has(server));
    if (unread.length > 0) return "a server offers it whose listing was not read";
    return this.#isComplete ? undefined : "servers list different things, or not everything";
  }
}
