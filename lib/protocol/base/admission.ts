/**
 * Who of those who connect is served: a bounded number at once, and of one address no more than its share.
 * An address is proved, as TCP does it; how many of them somebody has is not. So when the places are taken, the
 * address with the most of them gives one up, and whoever has been silent for long enough makes room.
 */
import { partyOf } from "../../address.ts";

export interface AdmissionLimits {
  /** Connections served at once. */
  readonly connectionsMax: number;
  /** … of one address. */
  readonly perAddressMax: number;
  /** One that has been silent for this long makes room for others. */
  readonly silentMs: number;
}

export interface Admittable {
  readonly peerAddress: string;
  /** When something last came or went. */
  readonly activeMs: number;
}

/** `evicted` has to be closed. */
export type Admitted<C> =
  | { readonly kind: "admitted"; readonly evicted: C | undefined }
  | { readonly kind: "refused" };

export class Admission<C extends Admittable> {
  readonly #limits: AdmissionLimits;
  readonly #byParty = new Map<string, Set<C>>();
  #count = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes up `connection` if there is room, or if room can be made. */
  admit(nowMs: number, connection: C): Admitted<C> {
    const own = this.#byParty.get(partyOf(connection.peerAddress));
    const isShareTaken = (own?.size ?? 0) >= this.#limits.perAddressMax;
    const isFull = this.#count >= this.#limits.connectionsMax;
    let evicted: C | undefined;
    if (isShareTaken) evicted = this.#silent(nowMs, own!);
    else if (isFull) {
      evicted = this.#fromBusiest(own?.size ?? 0) ?? this.#silent(nowMs, this.#all());
    }
    if ((isShareTaken || isFull) && evicted === undefined) return { kind: "refused" };
    if (evicted !== undefined) this.release(evicted);
    this.#take(connection);
    return { kind: "admitted", evicted };
  }

  /** It has ended; nothing happens to one that was evicted. */
  release(connection: C): void {
    const party = partyOf(connection.peerAddress);
    const own = this.#byParty.get(party);
    if (own === undefined || !own.delete(connection)) return;
    this.#count -= 1;
    if (own.size === 0) this.#byParty.delete(party);
  }

  #take(connection: C): void {
    const party = partyOf(connection.peerAddress);
    let own = this.#byParty.get(party);
    if (own === undefined) this.#byParty.set(party, own = new Set());
    own.add(connection);
    this.#count += 1;
  }

  /** One of the address that has most of the places, if it would still have no fewer than the newcomer. */
  #fromBusiest(ownCount: number): C | undefined {
    let busiest: ReadonlySet<C> | undefined;
    for (const each of this.#byParty.values()) {
      if (each.size > (busiest?.size ?? 0)) busiest = each;
    }
    if (busiest === undefined || busiest.size <= ownCount + 1) return undefined;
    return longestSilent(busiest);
  }

  #silent(nowMs: number, connections: Iterable<C>): C | undefined {
    const silent = longestSilent(connections);
    const isSilent = silent !== undefined && nowMs - silent.activeMs >= this.#limits.silentMs;
    return isSilent ? silent : undefined;
  }

  *#all(): Generator<C> {
    for (const each of this.#byParty.values()) yield* each;
  }
}

function longestSilent<C extends Admittable>(connections: Iterable<C>): C | undefined {
  let silent: C | undefined;
  for (const each of connections) {
    if (silent === undefined || each.activeMs < silent.activeMs) silent = each;
  }
  return silent;
}
