/**
 * Offers that nothing proves, from an address where a server has proved itself: of the servers of one host a datagram to the
 * port that they share reaches but one, so that the others can prove nothing where their own ports are closed. They may
 * be asked over TCP then (docs/PROTOCOL.md, "Networks that drop UDP"). Where nobody is proved, nobody is asked.
 *
 * `D` stands for a download, whatever its caller knows it by.
 */
import { type Endpoint, endpointKey, preferenceOf } from "../../address.ts";
import { claimedIdOf, type ServerId } from "../../ids.ts";
import { STREAM_ASK_AFTER_MS, STREAM_CLAIMS_MAX, STREAM_TRIES_MAX } from "./limits.ts";
import type { RouteOffer } from "./route_fallback.ts";

/** Who is to be asked over TCP for what that download looks for. */
interface DueClaim<D> {
  readonly download: D;
  readonly offer: RouteOffer;
}

export class ClaimedOffers<D> {
  /** When each download began to be searched for. */
  readonly #sinceMs = new Map<D, number>();
  /** Those that wait for their time, by the endpoint that is to be asked over TCP. */
  readonly #waiting = new Map<D, Map<string, RouteOffer>>();
  /** Who was asked for it: one who is said to be at several addresses has one vote. */
  readonly #asked = new Map<D, Set<ServerId>>();
  /** Where a server has proved itself, and the ports there that were asked: a claim may name any. */
  readonly #addresses = new Map<string, Set<number>>();
  /** Endpoints that have proved to offer something: these need no claims. */
  readonly #proved = new Set<string>();
  /** Nobody is due before this. */
  #dueMs = Infinity;

  /** It is searched for, from the beginning. */
  onSearch(nowMs: number, download: D): void {
    this.#sinceMs.set(download, nowMs);
    this.#waiting.delete(download);
    this.#asked.delete(download);
  }

  /** A server has proved itself there. */
  onHeard({ address }: Endpoint): void {
    if (this.#addresses.has(address)) return;
    this.#addresses.set(address, new Set());
    if (this.#waiting.size > 0) this.#dueMs = -Infinity;
  }

  /** … and to offer something. */
  onProved(endpoint: Endpoint): void {
    this.#proved.add(endpointKey(endpoint));
  }

  onClaimed(download: D, offer: RouteOffer): void {
    const sinceMs = this.#sinceMs.get(download);
    const { address } = offer.path.endpoint;
    if (sinceMs === undefined || offer.tcpPort === 0) return;
    const key = endpointKey({ address, port: offer.tcpPort });
    const offers = this.#waiting.get(download) ?? new Map<string, RouteOffer>();
    const isFull = offers.size >= STREAM_CLAIMS_MAX && !offers.has(key);
    if (isFull || this.#asked.get(download)?.has(claimedIdOf(offer.server)) === true) return;
    this.#waiting.set(download, offers.set(key, offer));
    this.#dueMs = Math.min(this.#dueMs, sinceMs + STREAM_ASK_AFTER_MS);
  }

  /** Those that have had their time to prove themselves; they count as asked. */
  take(nowMs: number): DueClaim<D>[] {
    if (nowMs < this.#dueMs) return [];
    this.#dueMs = Infinity;
    const due: DueClaim<D>[] = [];
    for (const [download, offers] of this.#waiting) {
      const dueMs = this.#sinceMs.get(download)! + STREAM_ASK_AFTER_MS;
      if (nowMs < dueMs) {
        this.#dueMs = Math.min(this.#dueMs, dueMs);
        continue;
      }
      const asked = this.#asked.get(download) ?? new Set();
      for (const [key, offer] of [...offers].sort(byPreference)) {
        // It is kept for the case that somebody proves to be there.
        if (!this.#addresses.has(offer.path.endpoint.address)) continue;
        offers.delete(key);
        const id = claimedIdOf(offer.server);
        if (asked.has(id) || !this.#mayAsk(offer)) continue;
        this.#asked.set(download, asked.add(id));
        due.push({ download, offer });
      }
      if (offers.size === 0) this.#waiting.delete(download);
    }
    return due;
  }

  nextWakeupMs(): number {
    return this.#dueMs;
  }

  #mayAsk({ path: { endpoint }, tcpPort }: RouteOffer): boolean {
    if (this.#proved.has(endpointKey(endpoint))) return false;
    const ports = this.#addresses.get(endpoint.address);
    if (ports === undefined || (ports.size >= STREAM_TRIES_MAX && !ports.has(tcpPort))) {
      return false;
    }
    ports.add(tcpPort);
    return true;
  }
}

type Waiting = readonly [key: string, offer: RouteOffer];

function byPreference([, a]: Waiting, [, b]: Waiting): number {
  return preferenceOf(a.path.endpoint.address) - preferenceOf(b.path.endpoint.address);
}
