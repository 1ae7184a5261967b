/**
 * Which endpoints are one server (docs/PROTOCOL.md, "Who is counted"), for all that a run asks, over UDP and TCP.
 *
 * Over UDP those are one that issue the same token under the same id: a token is shown to us and to nobody else, so only
 * its issuer can show it at another endpoint. A session has no token; it is of the server that has proved itself at its
 * address under its id, whichever of the two came first. What is only claimed joins nobody: anybody may claim anything.
 */
import {
  type Endpoint,
  endpointKey,
  endpointText,
  LOOPBACK_ADDRESS,
  partyOf,
} from "../../address.ts";
import {
  claimedIdOf,
  fromHex,
  type PeerId,
  peerId,
  type ServerId,
  toHex,
  type Token,
} from "../../ids.ts";
import { CANDIDATES_MAX } from "./limits.ts";
import { Random } from "../base/random.ts";

/** Where a server has proved itself, by datagrams or on a connection. */
interface Proof {
  readonly peer: PeerId;
  /** All of our own addresses are one. */
  readonly address: string;
}

export class PeerIds {
  readonly #isOwn: (address: string) => boolean;
  readonly #seed: () => number;
  #random: Random | undefined;
  readonly #byToken = new Map<string, PeerId>();
  readonly #datagrams = new Map<string, Proof>();
  readonly #sessions = new Map<string, Proof>();

  /**
   * @param isOwn whether an address is this machine's, all of which count as one
   * @param seed of the chances that decide what is forgotten; asked for when that is needed
   */
  constructor(isOwn: (address: string) => boolean, seed: () => number) {
    this.#isOwn = isOwn;
    this.#seed = seed;
  }

  /** Whose vote and share a server at `address` has. */
  partyAt(address: string): string {
    return this.#isOwn(address) ? LOOPBACK_ADDRESS : partyOf(address);
  }

  /** The server that is said to call itself `id` at `endpoint`, a UDP port. */
  at(id: ServerId, endpoint: Endpoint): PeerId {
    const place = this.#placeOf(endpoint);
    return this.#datagrams.get(keyOf(id, place))?.peer ?? peerId(id, endpointText(place));
  }

  /** The same, of one that is said to issue `token` there. */
  of(id: ServerId, endpoint: Endpoint, token: Token): PeerId {
    const key = `${id} ${toHex(token)}`;
    const known = this.#byToken.get(key);
    if (known !== undefined) return known;
    const peer = this.at(id, endpoint);
    this.#remember(this.#byToken, key, peer);
    return peer;
  }

  /** The same, of one that has just proved it at `endpoint`, or at a port beside it. */
  ofProved(id: ServerId, endpoint: Endpoint, token: Token): PeerId {
    const place = this.#placeOf(endpoint);
    const isKnown = this.#byToken.has(`${id} ${toHex(token)}`) ||
      this.#datagrams.has(keyOf(id, place));
    const session = isKnown ? undefined : this.#sessionAt(id, endpoint.address);
    if (session === undefined) return this.of(id, endpoint, token);
    this.#remember(this.#byToken, `${id} ${toHex(token)}`, session);
    return session;
  }

  /**
   * Who calls itself `id` and issues `token` has shown that it has issued others as well, those that are `isShown`: they
   * are one server from then on, the one of them that has proved itself already if one has.
   */
  join(id: ServerId, token: Token, isShown: (known: Token) => boolean): void {
    const prefix = `${id} `;
    const key = `${prefix}${toHex(token)}`;
    const shown = [...this.#byToken].filter(([each]) => {
      const known = each.startsWith(prefix) ? fromHex(each.slice(prefix.length)) : undefined;
      return each !== key && known !== undefined && isShown(known);
    });
    const [first] = shown;
    if (first === undefined) return;
    const [, peer] = shown.find(([, each]) => this.#hasProved(each)) ?? first;
    this.#remember(this.#byToken, key, peer);
    for (const [each, other] of shown) if (!this.#hasProved(other)) this.#byToken.set(each, peer);
  }

  #hasProved(peer: PeerId): boolean {
    return this.#datagrams.values().some((proof) => proof.peer === peer);
  }

  /** `peer` has answered at `endpoint` what was sent there and nowhere else. */
  prove(peer: PeerId, endpoint: Endpoint): void {
    const place = this.#placeOf(endpoint);
    const { address } = place;
    this.#remember(this.#datagrams, keyOf(claimedIdOf(peer), place), { peer, address });
  }

  /** The server that calls itself `id` on a connection to `endpoint`. */
  ofSession(id: ServerId, endpoint: Endpoint): PeerId {
    const place = this.#placeOf(endpoint);
    const key = keyOf(id, place);
    const known = this.#sessions.get(key);
    if (known !== undefined) return known.peer;
    const { address } = place;
    const proved = peersAt(this.#datagrams, id, address);
    // Where several have proved themselves there, nobody knows whose it is.
    const peer = proved.length === 1 ? proved[0]! : peerId(id, endpointText(place));
    this.#remember(this.#sessions, key, { peer, address });
    return peer;
  }

  /**
   * Whether who is said to be at `address` may be one that is known by a session alone, so that only a proof says
   * who it is.
   */
  awaitsProof(id: ServerId, address: string): boolean {
    return this.#sessionAt(id, address) !== undefined;
  }

  /** The one server of this id that is known by sessions to `address`, and has proved itself nowhere else. */
  #sessionAt(id: ServerId, address: string): PeerId | undefined {
    if (this.#sessions.size === 0) return undefined;
    const place = this.#placeOf({ address, port: 0 });
    const [peer, ...others] = peersAt(this.#sessions, id, place.address);
    if (peer === undefined || others.length > 0) return undefined;
    return this.#hasProved(peer) ? undefined : peer;
  }

  #placeOf({ address, port }: Endpoint): Endpoint {
    return { address: this.#isOwn(address) ? LOOPBACK_ADDRESS : address, port };
  }

  /** What makes room is known by its endpoint again. */
  #remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
    if (map.size >= CANDIDATES_MAX && !map.has(key)) {
      this.#random ??= new Random(this.#seed());
      const keys = [...map.keys()];
      map.delete(keys[this.#random.below(keys.length)]!);
    }
    map.set(key, value);
  }
}

function keyOf(id: ServerId, place: Endpoint): string {
  return `${id} ${endpointKey(place)}`;
}

/** The servers of this id that have proved themselves at `address`. */
function peersAt(proofs: Map<string, Proof>, id: ServerId, address: string): readonly PeerId[] {
  const peers = new Set<PeerId>();
  for (const proof of proofs.values()) {
    if (proof.address === address && claimedIdOf(proof.peer) === id) peers.add(proof.peer);
  }
  return [...peers];
}
