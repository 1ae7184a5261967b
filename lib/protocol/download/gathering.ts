/**
 * The offers for one name, and which content they are taken to mean. Offers are gathered for a moment
 * after the first that may be chosen (docs/PROTOCOL.md, "Choosing a content").
 */
import type { Content, HashHex, ServerId } from "../../ids.ts";
import { type Choice, ContentChoice } from "../discovery/content_choice.ts";
import type { Offer } from "../discovery/finder.ts";
import { OfferBook } from "../discovery/offer_book.ts";
import { GATHER_MS } from "./limits.ts";

export class Gathering {
  readonly #pinned: HashHex | undefined;
  readonly #offers = new OfferBook();
  #choice: ContentChoice;
  #endMs = Infinity;

  constructor(pinned: HashHex | undefined) {
    this.#pinned = pinned;
    this.#choice = new ContentChoice(pinned);
  }

  get isEmpty(): boolean {
    return this.#offers.isEmpty;
  }

  /** Whether offers are still awaited, so that the content may yet turn out to be another. */
  get isOpen(): boolean {
    return this.#endMs < Infinity;
  }

  /** When the time for offers ends; Infinity while none is running. */
  get endMs(): number {
    return this.#endMs;
  }

  /** Whether any server was caught lying. */
  get hasDropped(): boolean {
    return this.#offers.hasDropped;
  }

  isDropped(server: ServerId): boolean {
    return this.#offers.isDropped(server);
  }

  /**
   * Whether this server has not offered this content before.
   *
   * @param fetched the content that is being transferred, which stays known beside another
   */
  add(offer: Offer, fetched: Content | undefined): boolean {
    const isNew = this.#offers.add(offer, fetched);
    this.#choice.add(offer);
    return isNew;
  }

  of(content: Content): readonly Offer[] {
    return this.#offers.of(content);
  }

  ofServer(server: ServerId): Offer | undefined {
    return this.#offers.ofServer(server);
  }

  /** The time for more offers begins. */
  open(nowMs: number): void {
    this.#endMs = nowMs + GATHER_MS;
  }

  close(): void {
    this.#endMs = Infinity;
  }

  decide(): Choice {
    return this.#choice.decide();
  }

  /** The server does not hold it any more; it may offer it again. */
  forget(server: ServerId): void {
    this.#offers.forget(server);
  }

  /** The server lied: nothing that it offers counts, now or later. */
  drop(server: ServerId): void {
    this.#offers.drop(server);
  }

  /** The content is not what it was said to be: neither it nor its providers are trusted again. */
  distrust(content: Content): void {
    for (const { server } of this.#offers.of(content)) this.#offers.drop(server);
    this.#choice.distrust(content);
  }

  /** As at the beginning, but that liars stay known. */
  restart(): void {
    this.close();
    this.#offers.clear();
    this.#choice = new ContentChoice(this.#pinned);
  }
}
