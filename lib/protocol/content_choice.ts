/**
 * Which content is meant by a name (docs/PROTOCOL.md, "Choosing a content"): offers are gathered for a
 * moment after the first and grouped by content; the group that most hosts hold is taken, and a tie is
 * left to the user. Several servers of one host are one voice, and so is a server with many addresses.
 */
import { type Content, contentKey, type HashHex, type ServerId } from "../ids.ts";
import { GATHER_MS } from "../limits.ts";
import type { Offer } from "./finder.ts";
import { isLoopbackAddress } from "./server_path.ts";

/** Offers of one content, in the order in which they came; a server has one a path. */
export interface OfferGroup {
  readonly content: Content;
  readonly offers: readonly Offer[];
  /** Hosts that hold it. */
  readonly hostCount: number;
}

export type ChoiceEvent =
  | { readonly kind: "offer"; readonly offer: Offer }
  /** The content was taken and is not what it was said to be: take the next. */
  | { readonly kind: "distrust"; readonly content: Content }
  | { readonly kind: "wakeup" };

export type ChoiceAction =
  /** Take this content, from these servers. */
  | { readonly kind: "chosen"; readonly group: OfferGroup }
  /** One more server, or one more path to a server, with the chosen content. */
  | { readonly kind: "joined"; readonly offer: Offer }
  /** An offer of a content that is not chosen. */
  | { readonly kind: "other"; readonly offer: Offer }
  /** As many hosts hold one as the other. */
  | { readonly kind: "ambiguous"; readonly groups: readonly OfferGroup[] }
  /** Nothing is left that is not distrusted; a later offer may bring something. */
  | { readonly kind: "exhausted" };

interface Group {
  readonly content: Content;
  /** By server: its offers, one a path. */
  readonly offers: Map<ServerId, Offer[]>;
  isDistrusted: boolean;
}

export class ContentChoice {
  readonly #pinned: HashHex | undefined;
  readonly #groups = new Map<string, Group>();
  #chosen: Group | undefined;
  #decideMs = Infinity;
  #actions: ChoiceAction[] = [];

  /** @param pinned the only SHA-256 that may be chosen, if the user named one */
  constructor(pinned?: HashHex) {
    this.#pinned = pinned;
  }

  handle(nowMs: number, event: ChoiceEvent): readonly ChoiceAction[] {
    this.#actions = [];
    switch (event.kind) {
      case "offer":
        this.#onOffer(nowMs, event.offer);
        break;
      case "distrust":
        this.#distrust(event.content);
        break;
      case "wakeup":
        break;
      default:
        event satisfies never;
    }
    if (nowMs >= this.#decideMs) this.#decide();
    return this.#actions;
  }

  nextWakeupMs(): number {
    return this.#decideMs;
  }

  #onOffer(nowMs: number, offer: Offer): void {
    const group = this.#add(offer);
    if (group === this.#chosen) {
      this.#actions.push({ kind: "joined", offer });
    } else if (this.#chosen !== undefined || !this.#isEligible(group)) {
      this.#actions.push({ kind: "other", offer });
    } else {
      this.#decideMs = Math.min(this.#decideMs, nowMs + GATHER_MS);
    }
  }

  #distrust(content: Content): void {
    const group = this.#groups.get(contentKey(content));
    if (group !== undefined) group.isDistrusted = true;
    if (group !== this.#chosen) return;
    this.#chosen = undefined;
    this.#decide();
  }

  /** A server holds one content under a name: what it offered before is gone. */
  #add(offer: Offer): Group {
    const key = contentKey(offer.content);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { content: offer.content, offers: new Map(), isDistrusted: false };
      this.#groups.set(key, group);
    }
    for (const [otherKey, other] of this.#groups) {
      if (other === group || !other.offers.delete(offer.server)) continue;
      if (other.offers.size === 0 && other !== this.#chosen && !other.isDistrusted) {
        this.#groups.delete(otherKey);
      }
    }
    const { address, port } = offer.path.endpoint;
    const before = group.offers.get(offer.server) ?? [];
    const others = before.filter(({ path: { endpoint } }) =>
      endpoint.address !== address || endpoint.port !== port
    );
    group.offers.set(offer.server, [...others, offer]);
    return group;
  }

  #decide(): void {
    this.#decideMs = Infinity;
    const groups = [...this.#groups.values()].filter((group) => this.#isEligible(group));
    if (groups.length === 0) {
      this.#actions.push({ kind: "exhausted" });
      return;
    }
    const hostsMax = Math.max(...groups.map(hostCount));
    const leading = groups.filter((group) => hostCount(group) === hostsMax);
    if (leading.length > 1 && this.#pinned === undefined) {
      this.#actions.push({ kind: "ambiguous", groups: leading.map(offerGroup) });
      return;
    }
    // Contents with the pinned SHA-256 differ in what cannot be true of more than one: try them in turn.
    const [chosen] = leading;
    this.#chosen = chosen;
    for (const group of groups) {
      const { offers } = offerGroup(group);
      if (group === chosen) this.#actions.push({ kind: "chosen", group: offerGroup(group) });
      else for (const offer of offers) this.#actions.push({ kind: "other", offer });
    }
  }

  #isEligible(group: Group): boolean {
    if (group.isDistrusted || group.offers.size === 0) return false;
    return (this.#pinned ?? group.content.sha256) === group.content.sha256;
  }
}

function offerGroup(group: Group): OfferGroup {
  const offers = [...group.offers.values()].flat();
  return { content: group.content, offers, hostCount: hostCount(group) };
}

function hostCount(group: Group): number {
  return new Set([...group.offers.values()].map(hostOf)).size;
}

/** The one address that stands for a server, so that many addresses don't make it many. */
function hostOf(offers: readonly Offer[]): string | undefined {
  const addresses = offers.map((offer) => offer.path.endpoint.address);
  return addresses.find(isLoopbackAddress) ?? addresses[0];
}
