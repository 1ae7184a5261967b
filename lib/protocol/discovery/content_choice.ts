/**
 * Which content is meant by a name (docs/PROTOCOL.md, "Choosing a content"): offers are grouped by
 * content, and the group offered by most hosts is chosen; a tie is left to the user. Several servers at
 * one address count once, and so does a server with many addresses.
 *
 * How long offers are gathered before the decision is the caller's business.
 */
import { isLoopback } from "../../address.ts";
import { CONTENTS_LISTED_MAX } from "./limits.ts";
import { type Content, contentKey, type HashHex, type ServerId } from "../../ids.ts";
import type { Offer } from "./finder.ts";

export type Choice =
  | { readonly kind: "chosen"; readonly content: Content }
  /** Nothing was offered that may be taken. */
  | { readonly kind: "none" }
  /** As many hosts hold one as the other: what they hold, and the commands that choose. */
  | { readonly kind: "ambiguous"; readonly message: string; readonly hint: string };

interface Group {
  readonly content: Content;
  readonly name: string;
  /** The address that stands for each server. */
  readonly hosts: Map<ServerId, string>;
}

export class ContentChoice {
  readonly #pinned: HashHex | undefined;
  readonly #groups = new Map<string, Group>();
  readonly #distrusted = new Set<string>();

  /** @param pinned the only SHA-256 that may be chosen, if the user named one */
  constructor(pinned?: HashHex) {
    this.#pinned = pinned;
  }

  /** A server holds one content under a name: what it offered before is gone. */
  add(offer: Offer): void {
    const key = contentKey(offer.content);
    for (const [otherKey, other] of this.#groups) {
      if (otherKey === key || !other.hosts.delete(offer.server)) continue;
      if (other.hosts.size === 0) this.#groups.delete(otherKey);
    }
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { content: offer.content, name: offer.name, hosts: new Map() };
      this.#groups.set(key, group);
    }
    const { address } = offer.path.endpoint;
    if (!group.hosts.has(offer.server) || isLoopback(address)) {
      group.hosts.set(offer.server, address);
    }
  }

  /** It was fetched and is not what it was said to be: never choose it again. */
  distrust(content: Content): void {
    this.#distrusted.add(contentKey(content));
  }

  decide(): Choice {
    const groups = [...this.#groups.values()].filter((group) => this.#isEligible(group.content));
    const hostsMax = Math.max(...groups.map(hostCount));
    const leading = groups.filter((group) => hostCount(group) === hostsMax);
    const [first] = leading;
    if (first === undefined) return { kind: "none" };
    // Contents that share the pinned SHA-256 cannot all be true: the caller tries one after the other.
    if (leading.length === 1 || this.#pinned !== undefined) {
      return { kind: "chosen", content: first.content };
    }
    const listed = leading.slice(0, CONTENTS_LISTED_MAX);
    return {
      kind: "ambiguous",
      message: listed.map(description).join("; "),
      hint: `Choose one: ${listed.map(command).join("   or   ")}`,
    };
  }

  #isEligible(content: Content): boolean {
    if (this.#distrusted.has(contentKey(content))) return false;
    return (this.#pinned ?? content.sha256) === content.sha256;
  }
}

function hostCount(group: Group): number {
  return new Set(group.hosts.values()).size;
}

function description({ content, hosts }: Group): string {
  const held = [...new Set(hosts.values())].slice(0, CONTENTS_LISTED_MAX).join(", ");
  return `${content.sizeBytes} bytes, sha256 ${content.sha256}, at ${held}`;
}

function command({ content, name }: Group): string {
  return `deno task get ${shellWord(name)} --sha256 ${content.sha256}`;
}

function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
