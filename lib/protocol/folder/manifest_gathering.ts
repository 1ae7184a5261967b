/**
 * How long manifests of a folder are gathered: for a moment after the first that is proved, and for longer where somebody else
 * has claimed to have the folder, or is hashing what is in it. The same patience as for files
 * (docs/PROTOCOL.md, "Choosing a content"). Pure.
 */
import { type Endpoint, endpointKey } from "../../address.ts";
import type { ServerId } from "../../ids.ts";
import { FOLDER_CLAIMS_MAX } from "./limits.ts";

interface GatheringPatience {
  /** After the first manifest that is proved. */
  readonly gatherMs: number;
  /** Beyond that, for those who have only claimed to have one. */
  readonly claimMs: number;
  /** Beyond that, for those who are hashing, as long as hashed bytes earn it. */
  readonly hashingMsMax: number;
}

export class ManifestGathering {
  readonly #patience: GatheringPatience;
  readonly #claims = new Set<string>();
  /** Until when each server has earned to be waited for. */
  readonly #hashing = new Map<ServerId, number>();
  #provedMs = Infinity;

  constructor(patience: GatheringPatience) {
    this.#patience = patience;
  }

  /** Somebody says that he has the folder. */
  onClaim(endpoint: Endpoint): void {
    const key = endpointKey(endpoint);
    const [first] = this.#claims;
    const isFull = this.#claims.size >= FOLDER_CLAIMS_MAX && !this.#claims.has(key);
    if (first !== undefined && isFull) this.#claims.delete(first);
    this.#claims.add(key);
  }

  /** Somebody has proved to have it. */
  onProved(nowMs: number, server: ServerId, endpoint: Endpoint): void {
    this.#provedMs = Math.min(this.#provedMs, nowMs);
    this.#claims.delete(endpointKey(endpoint));
    this.#hashing.delete(server);
  }

  /** A server that is proved has it, and has not hashed all of it. */
  onHashing(nowMs: number, server: ServerId, earnedMs: number): void {
    this.#hashing.set(server, nowMs + earnedMs);
  }

  /** When to make do with what there is; Infinity while there is nothing. */
  get endMs(): number {
    const { gatherMs, claimMs, hashingMsMax } = this.#patience;
    const endMs = this.#provedMs + gatherMs;
    const hashingMs = Math.max(-Infinity, ...this.#hashing.values());
    return Math.max(
      endMs,
      this.#claims.size > 0 ? endMs + claimMs : -Infinity,
      Math.min(hashingMs, endMs + hashingMsMax),
    );
  }
}
