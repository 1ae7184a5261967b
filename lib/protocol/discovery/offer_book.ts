/** What servers offer under one name, proved or only claimed, and which servers are no longer trusted. */
import { isSameEndpoint } from "../../address.ts";
import { type Content, sameContent, type ServerId } from "../../ids.ts";
import type { Random } from "../base/random.ts";
import { chooseUnvalidated } from "../base/validated_first.ts";
import type { Offer } from "./finder.ts";
import { OFFERS_KEPT_MAX } from "./limits.ts";

export class OfferBook {
  #offers: Offer[] = [];
  readonly #random: Random;
  readonly #dropped = new Set<ServerId>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Whether anybody has proved to offer what `isMeant`. */
  hasProved(isMeant: (content: Content) => boolean): boolean {
    return this.#offers.some(({ isProved, content }) => isProved && isMeant(content));
  }

  /** Whether anybody only claims to offer what `isMeant`. */
  hasClaim(isMeant: (content: Content) => boolean): boolean {
    return this.#offers.some(({ isProved, content }) => !isProved && isMeant(content));
  }

  /** Whether any server was caught lying. */
  get hasDropped(): boolean {
    return this.#dropped.size > 0;
  }

  isDropped(server: ServerId): boolean {
    return this.#dropped.has(server);
  }

  /**
   * Takes an offer down, one a path; returns whether it is news: this server has not proved to offer this
   * content before, or for a claim, nobody has claimed it there. A server holds one content under a name; only
   * `fetched`, if given, stays known beside it. A claim takes nothing back, proved or claimed: anybody may make it.
   */
  add(offer: Offer, fetched: Content | undefined): boolean {
    const isOurs = (known: Offer): boolean => known.server === offer.server;
    const same = this.#offers.filter((known) =>
      isOurs(known) && sameContent(known.content, offer.content)
    );
    const isNew = !same.some(({ isProved }) => isProved || !offer.isProved);
    if (!offer.isProved && this.#offers.some((known) => isOurs(known) && known.isProved)) {
      return false;
    }
    const isReplaced = (known: Offer): boolean => {
      if (!isOurs(known)) return false;
      if (!known.isProved && offer.isProved) return true;
      if (same.includes(known)) return isSameEndpoint(known.path.endpoint, offer.path.endpoint);
      return offer.isProved && (fetched === undefined || !sameContent(known.content, fetched));
    };
    this.#offers = this.#offers.filter((known) => !isReplaced(known));
    if (this.#offers.length < OFFERS_KEPT_MAX || this.#evictClaim()) this.#offers.push(offer);
    return isNew;
  }

  /** Proved ones first. */
  of(content: Content): readonly Offer[] {
    return this.#offers.filter((offer) => sameContent(offer.content, content))
      .sort((a, b) => Number(b.isProved) - Number(a.isProved));
  }

  /** What it has proved to offer, or is said to. */
  ofServer(server: ServerId): Offer | undefined {
    const offers = this.#offers.filter((offer) => offer.server === server);
    return offers.find(({ isProved }) => isProved) ?? offers[0];
  }

  /** The server does not hold this content any more; it may offer it again. */
  forget(server: ServerId, content: Content): void {
    this.#offers = this.#offers.filter((offer) =>
      offer.server !== server || !sameContent(offer.content, content)
    );
  }

  /** The server lied: nothing that it offers counts, now or later. */
  drop(server: ServerId): void {
    this.#dropped.add(server);
    this.#offers = this.#offers.filter((offer) => offer.server !== server);
  }

  clear(): void {
    this.#offers = [];
  }

  #evictClaim(): boolean {
    const isProved = (offer: Offer): boolean => offer.isProved;
    const evicted = chooseUnvalidated(this.#offers, isProved, this.#random);
    if (evicted === undefined) return false;
    this.#offers.splice(this.#offers.indexOf(evicted), 1);
    return true;
  }
}
