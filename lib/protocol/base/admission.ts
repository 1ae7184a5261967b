/**
 * Who of those who connect is served: a bounded number at once, and of one address no more than its share.
 * An address is proved, as TCP does it; how many of them somebody has is not. So when the places are taken, the
 * address with the most of them gives one up, and room is made by those who need their place least: first who has its
 * answer already, then who has not said yet what it wants, the oldest first, whatever it dribbles meanwhile; then who has
 * been silent for long enough.
 */
import { partyOf } from "../../address.ts";

export interface AdmissionLimits {
  /** Connections served at once. */
  readonly connectionsMax: number;
  /** … of one address. */
  readonly perAddressMax: number;
  /** One that has not asked for anything this long after it connected makes room for others. */
  readonly askingMs: number;
  /** One that has been silent for this long makes room for others. */
  readonly silentMs: number;
}

interface Admittable {
  readonly peerAddress: string;
  /** When it connected. */
  readonly sinceMs: number;
  /** When something last came or went. */
  readonly activeMs: number;
  readonly stage: ConnectionStage;
}

/** Its first request is not complete; or it has been read; or nothing more will be said. */
export type ConnectionStage = "asking" | "served" | "ended";

/** `evicted` has to be closed. */
type Admitted<C> =
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
    if (isShareTaken) evicted = this.#expendable(nowMs, [...own!]);
    else if (isFull) {
      evicted = this.#fromBusiest(own?.size ?? 0) ?? this.#expendable(nowMs, [...this.#all()]);
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
    return leastNeeded([...busiest]);
  }

  #expendable(nowMs: number, connections: readonly C[]): C | undefined {
    const { askingMs, silentMs } = this.#limits;
    return leastNeeded(
      connections.filter(({ stage, sinceMs, activeMs }) =>
        stage === "ended" || (stage === "asking" && nowMs - sinceMs >= askingMs) ||
        nowMs - activeMs >= silentMs
      ),
    );
  }

  *#all(): Generator<C> {
    for (const each of this.#byParty.values()) yield* each;
  }
}

const NEEDS: Readonly<Record<ConnectionStage, number>> = { ended: 0, asking: 1, served: 2 };

function leastNeeded<C extends Admittable>(connections: readonly C[]): C | undefined {
  let least: C | undefined;
  for (const each of connections) if (least === undefined || needsLess(each, least)) least = each;
  return least;
}

function needsLess(a: Admittable, b: Admittable): boolean {
  if (a.stage !== b.stage) return NEEDS[a.stage] < NEEDS[b.stage];
  return a.stage === "served" ? a.activeMs < b.activeMs : a.sinceMs < b.sinceMs;
}
