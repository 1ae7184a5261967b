/**
 * Which content is meant by a name (docs/PROTOCOL.md, "Choosing a content"): offers are grouped by
 * content, and the group that more than half of the parties hold is chosen; otherwise it is left to the user.
 * A party is an address that has proved what it offers. Several servers there count once, and so does a
 * server with many addresses.
 *
 * How long offers are gathered before the decision is the caller's business.
 */
import { isLoopback } from "../../address.ts";
import { CONTENTS_LISTED_MAX } from "./limits.ts";
import { type Content, contentKey, type HashHex, type ServerId } from "../../ids.ts";
import type { Offer } from "./finder.ts";

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

/** Digits of a hash that people are shown. */
const SHORT_HASH_DIGITS = 8;

export class ContentChoice {
  readonly #pinned: HashHex | undefined;
  readonly #groups = new Map<string, Group>();
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
    if (!group.hosts.has(offer.server) || isLoopback(address)) {
      group.hosts.set(offer.server, { party, address });
    }
  }

  /** The server does not hold this content. */
  forget(server: ServerId, content: Content): void {
    this.#groups.get(contentKey(content))?.hosts.delete(server);
    this.#tidy();
  }

  /** The server has no vote any more. */
  drop(server: ServerId): void {
    for (const { hosts } of this.#groups.values()) hosts.delete(server);
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

  decide(): Choice {
    const groups = [...this.#groups.values()].filter((group) => this.mayChoose(group.content));
    groups.sort((a, b) => votesOf(b) - votesOf(a));
    const [first, second] = groups;
    if (first === undefined) return { kind: "none" };
    const [votes, others] = [votesOf(first), second === undefined ? 0 : votesOf(second)];
    // Contents that share the pinned SHA-256 cannot all be true: the caller tries one after the other.
    const half = this.#pinned === undefined ? new Set(groups.flatMap(partiesOf)).size / 2 : 0;
    if (votes > half && (others <= half || this.#pinned !== undefined)) {
      const dissent = groups.length > 1 ? texts(groups, brief) : undefined;
      return {
        kind: "chosen",
        content: first.content,
        votes,
        party: partiesOf(first)[0]!,
        dissent,
      };
    }
    const choices = groups.slice(0, CONTENTS_LISTED_MAX)
      .map(({ content }) => `--sha256 ${content.sha256}`).join("   or   ");
    // The options of the command that was given stay: they say where it goes and who is asked.
    const hint = `Choose one: run the same command for this file alone, with ${choices}`;
    return { kind: "ambiguous", message: texts(groups, full), hint };
  }

  #tidy(): void {
    for (const [key, { hosts }] of this.#groups) if (hosts.size === 0) this.#groups.delete(key);
  }
}

function partiesOf({ hosts }: Group): string[] {
  return [...hosts.values()].map(({ party }) => party);
}

function votesOf(group: Group): number {
  return new Set(partiesOf(group)).size;
}

function texts(groups: readonly Group[], text: (group: Group) => string): string {
  const more = groups.length - CONTENTS_LISTED_MAX;
  const listed = groups.slice(0, CONTENTS_LISTED_MAX).map(text).join("; ");
  return more > 0 ? `${listed}; and ${more} more contents` : listed;
}

function full(group: Group): string {
  const { sizeBytes, sha256 } = group.content;
  return `${sizeBytes} bytes, sha256 ${sha256}, at ${places(group)}`;
}

function brief(group: Group): string {
  return `${group.content.sha256.slice(0, SHORT_HASH_DIGITS)} at ${places(group)}`;
}

function places({ hosts }: Group): string {
  const addresses = [...new Set([...hosts.values()].map(({ address }) => address))];
  const more = addresses.length - CONTENTS_LISTED_MAX;
  const listed = addresses.slice(0, CONTENTS_LISTED_MAX).join(", ");
  return more > 0 ? `${listed} and ${more} more` : listed;
}
