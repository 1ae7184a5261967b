/**
 * Which content is meant by a name (docs/PROTOCOL.md, "Choosing a content"): offers are grouped by
 * content, and the group that more than half of the parties hold is chosen; otherwise it is left to the user.
 * A party is an address that has proved what it offers. Several servers there count once, and so does a
 * server with many addresses.
 *
 * How long offers are gathered before the decision is the caller's business.
 */
import { isIpv4, isLoopback, isSameEndpoint } from "../../address.ts";
import { contentsText, placesText, shortHash } from "../base/held_texts.ts";
import { CONTENTS_LISTED_MAX } from "../base/limits.ts";
import { type Content, contentKey, type HashHex, type ServerId } from "../../ids.ts";
import type { Offer, PendingNotice } from "./finder.ts";
import { votersAmong } from "./voters.ts";

export type Choice =
  | {
    readonly kind: "chosen";
    readonly content: Content;
    /** How many parties hold it. */
    readonly votes: number;
    /** One of them. */
    readonly party: string;
    /** Who holds what, where others hold another content; `undefined` where all agree. */
    readonly dissent: string | undefined;
    /** Who is still hashing a file of that size and could have made it no majority. */
    readonly unfinished: string | undefined;
  }
  /** Nothing was offered that may be taken. */
  | { readonly kind: "none" }
  /** No content has a majority: what is held and where, and what to add to the command. */
  | { readonly kind: "ambiguous"; readonly message: string; readonly hint: string };

interface Host {
  readonly party: string;
  readonly address: string;
}

interface Group {
  readonly content: Content;
  /** The address that stands for each server. */
  readonly hosts: Map<ServerId, Host>;
}

export class ContentChoice {
  readonly #pinned: HashHex | undefined;
  readonly #groups = new Map<string, Group>();
  /** What servers have under the name and have not hashed yet: the votes that are still to come. */
  readonly #hashing = new Map<ServerId, PendingNotice>();
  readonly #distrusted = new Set<string>();

  /** @param pinned the only SHA-256 that may be chosen, if the user named one */
  constructor(pinned?: HashHex) {
    this.#pinned = pinned;
  }

  /**
   * A server holds one content under a name: what it offered before is gone.
   *
   * @param offer proved: what is only claimed has no vote
   */
  add(offer: Offer): void {
    for (const [server, { endpoint }] of this.#hashing) {
      const isReady = server === offer.server || isSameEndpoint(endpoint, offer.path.endpoint);
      if (isReady) this.#hashing.delete(server);
    }
    const key = contentKey(offer.content);
    for (const [otherKey, other] of this.#groups) {
      if (otherKey !== key) other.hosts.delete(offer.server);
    }
    this.#tidy();
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { content: offer.content, hosts: new Map() };
      this.#groups.set(key, group);
    }
    const { party, path: { endpoint: { address } } } = offer;
    const before = group.hosts.get(offer.server);
    // A network of IPv6 is shared with others, and so a worse vote than an address of IPv4.
    const isBetter = before === undefined || isLoopback(address) ||
      (!isIpv4(before.address) && isIpv4(address));
    if (isBetter) group.hosts.set(offer.server, { party, address });
  }

  /**
   * A server has the name and is still hashing what it has, so that its vote is known only by its size: which is
   * none of a content of another size. Returns whether it had not said so before.
   */
  addHashing(pending: PendingNotice): boolean {
    // What it has offered was whole: it is asked for that, and says itself if it is gone.
    for (const { hosts } of this.#groups.values()) if (hosts.has(pending.server)) return false;
    const isNew = this.#hashing.get(pending.server)?.sizeBytes !== pending.sizeBytes;
    this.#hashing.set(pending.server, pending);
    return isNew;
  }

  /** The server does not hold this content. */
  forget(server: ServerId, content: Content): void {
    this.#groups.get(contentKey(content))?.hosts.delete(server);
    this.#tidy();
  }

  /** The server has no vote any more. */
  drop(server: ServerId): void {
    for (const { hosts } of this.#groups.values()) hosts.delete(server);
    this.#hashing.delete(server);
    this.#tidy();
  }

  /** It was fetched and is not what it was said to be: never choose it again. */
  distrust(content: Content): void {
    this.#distrusted.add(contentKey(content));
  }

  mayChoose(content: Content): boolean {
    if (this.#distrusted.has(contentKey(content))) return false;
    return (this.#pinned ?? content.sha256) === content.sha256;
  }

  /** Those that may be chosen, the one that most parties hold first. */
  get contents(): readonly Content[] {
    return this.#ranked().map(({ content }) => content);
  }

  /**
   * The size of the leading content, the smallest of several, if those who are still hashing could turn the choice or bring
   * one about.
   */
  get openSizeBytes(): number | undefined {
    const groups = this.#ranked();
    const [first] = groups;
    if (first === undefined || !this.#isOpen(first, groups)) return undefined;
    const leading = groups.filter((group) => votesOf(group) === votesOf(first));
    return Math.min(...leading.map(({ content }) => content.sizeBytes));
  }

  decide(): Choice {
    const groups = this.#ranked();
    const [first, second] = groups;
    if (first === undefined) return { kind: "none" };
    // Who is said to have it by its size alone neither supports it nor speaks against it.
    const others = [...this.#hashing.values()].filter(({ sizeBytes }) =>
      this.#pinned === undefined && sizeBytes !== first.content.sizeBytes
    );
    const [votes, rival] = [votesOf(first), second === undefined ? 0 : votesOf(second)];
    // Contents that share the pinned SHA-256 cannot all be true: the caller tries one after the other.
    const half = this.#pinned === undefined ? votersOfAll(groups, others).size / 2 : 0;
    const isRivalled = Math.max(rival, mostOfOneSize(others)) > half;
    if (votes > half && (!isRivalled || this.#pinned !== undefined)) {
      return {
        kind: "chosen",
        content: first.content,
        votes,
        party: [...votersOf(first)][0]!,
        dissent: groups.length + others.length > 1 ? texts(groups, others, brief) : undefined,
        unfinished: this.#isOpen(first, groups) ? this.#placesOfHashing() : undefined,
      };
    }
    const choices = groups.slice(0, CONTENTS_LISTED_MAX)
      .map(({ content }) => `--sha256 ${content.sha256}`).join("   or   ");
    const later = others.length === 0 ? "" : ", or try again once all is hashed";
    // The options of the command that was given stay: they say where it goes and who is asked.
    const hint = `Choose one: run the same command for this file alone, with ${choices}${later}`;
    return { kind: "ambiguous", message: texts(groups, others, full), hint };
  }

  #ranked(): Group[] {
    return [...this.#groups.values()].filter((group) => this.mayChoose(group.content))
      .sort((a, b) => votesOf(b) - votesOf(a));
  }

  /** Whether `first` would have no majority if none of those who are still hashing had it. */
  #isOpen(first: Group, groups: readonly Group[]): boolean {
    if (this.#pinned !== undefined || this.#hashing.size === 0) return false;
    return votesOf(first) <= votersOfAll(groups, [...this.#hashing.values()]).size / 2;
  }

  #placesOfHashing(): string {
    return placesText([...this.#hashing.values()].map(({ endpoint: { address } }) => address));
  }

  #tidy(): void {
    for (const [key, { hosts }] of this.#groups) if (hosts.size === 0) this.#groups.delete(key);
  }
}

function votersOf({ hosts }: Group): Set<string> {
  return votersAmong([...hosts].map(([server, { party }]) => ({ server, party })));
}

function votesOf(group: Group): number {
  return votersOf(group).size;
}

/** Of each content by itself: who uses another's id for another content is no less a party. */
function votersOfAll(groups: readonly Group[], hashing: readonly PendingNotice[]): Set<string> {
  const voters = new Set<string>();
  for (const group of groups) for (const party of votersOf(group)) voters.add(party);
  for (const some of bySize(hashing)) for (const party of votersAmong(some)) voters.add(party);
  return voters;
}

/** How many parties may agree on something that nobody has offered yet. */
function mostOfOneSize(hashing: readonly PendingNotice[]): number {
  return Math.max(0, ...bySize(hashing).map((some) => votersAmong(some).size));
}

function bySize(hashing: readonly PendingNotice[]): readonly (readonly PendingNotice[])[] {
  return [...Map.groupBy(hashing, ({ sizeBytes }) => sizeBytes).values()];
}

function texts(
  groups: readonly Group[],
  hashing: readonly PendingNotice[],
  text: (group: Group) => string,
): string {
  return contentsText([...groups.map(text), ...hashing.map(unhashed)]);
}

function unhashed({ sizeBytes, endpoint: { address } }: PendingNotice): string {
  return `${sizeBytes} bytes, still being hashed at ${address}`;
}

function full(group: Group): string {
  const { sizeBytes, sha256 } = group.content;
  return `${sizeBytes} bytes, sha256 ${sha256}, at ${places(group)}`;
}

function brief(group: Group): string {
  return `${shortHash(group.content.sha256)} at ${places(group)}`;
}

function places({ hosts }: Group): string {
  return placesText([...hosts.values()].map(({ address }) => address));
}
