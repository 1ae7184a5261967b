/**
 * The offers for one name, and which content they are taken to mean. Offers are gathered for a moment
 * after the first that may be chosen; those that are proved decide (docs/PROTOCOL.md, "Choosing a content").
 */
import { type Content, type HashHex, sameContent, type ServerId } from "../../ids.ts";
import type { Random } from "../base/random.ts";
import { type Choice, ContentChoice } from "../discovery/content_choice.ts";
import type { Offer, PendingNotice } from "../discovery/finder.ts";
import { OfferBook } from "../discovery/offer_book.ts";
import {
  CLAIM_PATIENCE_MS,
  GATHER_MS,
  GATHER_PROVED_MS,
  HASHING_VOTE_BYTES_PER_S,
  HASHING_VOTE_MS_MAX,
  HASHING_VOTE_PATIENCE_MS,
} from "./limits.ts";

export class Gathering {
  readonly #pinned: HashHex | undefined;
  readonly #offers: OfferBook;
  #choice: ContentChoice;
  /** When the first offer came that may be chosen, by whomever; and the first that was proved. */
  #openedMs = Infinity;
  #provedMs = Infinity;
  /** When somebody last claimed what may be chosen. */
  #claimedMs = -Infinity;
  /** Until when each of those who are still hashing has earned to be waited for, and the size of its file. */
  readonly #hashing = new Map<ServerId, { readonly sizeBytes: number; readonly untilMs: number }>();
  #isClosed = false;

  constructor(pinned: HashHex | undefined, random: Random) {
    this.#pinned = pinned;
    this.#offers = new OfferBook(random);
    this.#choice = new ContentChoice(pinned);
  }

  /** Whether anybody has proved to offer what may be chosen. */
  get hasProved(): boolean {
    return this.#offers.hasProved((content) => this.mayChoose(content));
  }

  /** When the first offer came that may be chosen. */
  get openedMs(): number {
    return this.#openedMs;
  }

  /** When the time for offers ends; Infinity while none is running, or nothing is proved. */
  get endMs(): number {
    if (this.#isClosed || this.#provedMs === Infinity) return Infinity;
    const endMs = Math.max(this.#openedMs + GATHER_MS, this.#provedMs + GATHER_PROVED_MS);
    return Math.max(
      endMs,
      Math.min(this.claimsEndMs(CLAIM_PATIENCE_MS), endMs + CLAIM_PATIENCE_MS),
      this.#hashingEndMs(endMs),
    );
  }

  /**
   * Until when those who are still hashing are waited for: longest for what has the size of the leading content, in which
   * their vote would count for it.
   */
  #hashingEndMs(endMs: number): number {
    const { openSizeBytes } = this.#choice;
    if (openSizeBytes === undefined) return -Infinity;
    const sameSizeMsMax = HASHING_VOTE_MS_MAX + 1_000 * openSizeBytes / HASHING_VOTE_BYTES_PER_S;
    let untilMs = this.#openedMs + HASHING_VOTE_PATIENCE_MS;
    for (const hashing of this.#hashing.values()) {
      const isSameSize = hashing.sizeBytes === openSizeBytes;
      const msMax = isSameSize ? sameSizeMsMax : HASHING_VOTE_MS_MAX;
      untilMs = Math.max(untilMs, Math.min(hashing.untilMs, endMs + msMax));
    }
    return untilMs;
  }

  /**
   * Until when somebody may yet prove what is only claimed, if it is waited for this long.
   *
   * @param but claims of this content do not matter
   */
  claimsEndMs(patienceMs: number, but?: Content): number {
    const isOpen = this.#offers.hasClaim((content) =>
      this.mayChoose(content) && (but === undefined || !sameContent(content, but))
    );
    return isOpen ? this.#claimedMs + patienceMs : -Infinity;
  }

  /** Whether any server was caught lying. */
  get hasDropped(): boolean {
    return this.#offers.hasDropped;
  }

  isDropped(server: ServerId): boolean {
    return this.#offers.isDropped(server);
  }

  /** Whether this content is one that may be chosen at all. */
  mayChoose(content: Content): boolean {
    return this.#choice.mayChoose(content);
  }

  /**
   * Whether it is news.
   *
   * @param fetched the content that is being transferred, which stays known beside another
   */
  add(nowMs: number, offer: Offer, fetched: Content | undefined): boolean {
    const isNew = this.#offers.add(offer, fetched);
    if (offer.isProved) {
      this.#choice.add(offer);
      this.#hashing.delete(offer.server);
    }
    if (!this.mayChoose(offer.content)) return isNew;
    this.#openedMs = Math.min(this.#openedMs, nowMs);
    if (offer.isProved) this.#provedMs = Math.min(this.#provedMs, nowMs);
    else if (isNew) this.#claimedMs = nowMs;
    return isNew;
  }

  /** A server that is proved has the name, and not hashed what it has. Whether it is news. */
  addHashing(nowMs: number, pending: PendingNotice): boolean {
    if (this.isDropped(pending.server)) return false;
    const { server, sizeBytes, earnedMs } = pending;
    // What was earned for another file is not earned for this one.
    const known = this.#hashing.get(server);
    const sinceMs = known?.sizeBytes === sizeBytes ? known.untilMs : -Infinity;
    // However much was hashed at once: who shows nothing more is not waited for much longer.
    const untilMs = Math.max(sinceMs, nowMs + Math.min(earnedMs, HASHING_VOTE_MS_MAX));
    this.#hashing.set(server, { sizeBytes, untilMs });
    return this.#choice.addHashing(pending);
  }

  /** Those who offer this content, by proof or not; those who proved it first. */
  of(content: Content): readonly Offer[] {
    return this.#offers.of(content);
  }

  /** Other contents than this one that may be chosen and that somebody has proved to offer. */
  rivalsOf(content: Content): readonly Content[] {
    return this.#choice.contents.filter((each) => !sameContent(each, content));
  }

  isProved(content: Content): boolean {
    return this.of(content)[0]?.isProved === true;
  }

  ofServer(server: ServerId): Offer | undefined {
    return this.#offers.ofServer(server);
  }

  /** What is gathered from now on comes too late for the choice. */
  close(): void {
    this.#isClosed = true;
  }

  decide(): Choice {
    return this.#choice.decide();
  }

  /** The server does not hold this content any more; it may offer it again. */
  forget(server: ServerId, content: Content): void {
    this.#offers.forget(server, content);
    this.#choice.forget(server, content);
  }

  /** The server lied: nothing that it offers counts, now or later. */
  drop(server: ServerId): void {
    this.#offers.drop(server);
    this.#hashing.delete(server);
    this.#choice.drop(server);
  }

  /** The content is not what it was said to be: neither it nor those who proved to say so are trusted again. */
  distrust(content: Content): void {
    for (const { server, isProved } of this.#offers.of(content)) {
      if (isProved) this.drop(server);
      else this.#offers.forget(server, content);
    }
    this.#choice.distrust(content);
  }

  /** As at the beginning, but that liars stay known. */
  restart(): void {
    this.#openedMs = this.#provedMs = Infinity;
    this.#hashing.clear();
    this.#isClosed = false;
    this.#offers.clear();
    this.#choice = new ContentChoice(this.#pinned);
  }
}
