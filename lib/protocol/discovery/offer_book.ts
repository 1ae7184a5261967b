/** What servers offer under one name, and which servers are no longer trusted. */
import { isSameEndpoint } from "../../address.ts";
import { type Content, contentKey, sameContent, type ServerId } from "../../ids.ts";
import { Random } from "../base/random.ts";
import type { Offer } from "./finder.ts";
import { OFFERS_KEPT_MAX } from "./limits.ts";

export class OfferBook {
  #offers: Offer[] = [];
  readonly #random = new Random(OFFERS_KEPT_MAX);
  readonly #dropped = new Set<ServerId>();

  get isEmpty(): boolean {
    return this.#offers.length === 0;
  }

  /** Whether any server was caught lying. */
  get hasDropped(): boolean {
    return this.#dropped.size > 0;
  }

  isDropped(server: ServerId): boolean {
    return this.#dropped.has(server);
  }

  /**
   * Takes an offer down, one a path; returns whether this server has not offered this content before.
   * A server holds one content under a name; only `fetched`, if given, stays known beside it.
   */
  add(offer: Offer, fetched: Content | undefined): boolean {
    const key = contentKey(offer.content);
    const fetchedKey = fetched && contentKey(fetched);
    const isNew = !this.#offers.some((known) =>
      known.server === offer.server && contentKey(known.content) === key
    );
    const isReplaced = (known: Offer): boolean => {
      if (known.server !== offer.server) return false;
      const knownKey = contentKey(known.content);
      return knownKey === key
        ? isSameEndpoint(known.path.endpoint, offer.path.endpoint)
        : knownKey !== fetchedKey;
    };
    this.#offers = this.#offers.filter((known) => !isReplaced(known));
    // Offers come and go as fast as servers can be invented; one that is pushed out comes again.
    if (this.#offers.length >= OFFERS_KEPT_MAX) {
      this.#offers.splice(this.#random.below(this.#offers.length), 1);
    }
    this.#offers.push(offer);
    return isNew;
  }

  of(content: Content): Offer[] {
    return this.#offers.filter((offer) => sameContent(offer.content, content));
  }

  ofServer(server: ServerId): Offer | undefined {
    return this.#offers.find((offer) => offer.server === server);
  }

  /** The server does not hold it any more; it may offer it again. */
  forget(server: ServerId): void {
    this.#offers = this.#offers.filter((offer) => offer.server !== server);
  }

  /** The server lied: nothing that it offers counts, now or later. */
  drop(server: ServerId): void {
    this.#dropped.add(server);
    this.forget(server);
  }

  clear(): void {
    this.#offers = [];
  }
}
