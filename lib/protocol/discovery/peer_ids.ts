/**
 * Which endpoints are one server (docs/PROTOCOL.md, "Who is counted"): those that issue the same token under the
 * same id. A token is shown to us and to nobody else, so only its issuer can show it at another endpoint.
 */
import { type Endpoint, endpointText, LOOPBACK_ADDRESS, partyOf } from "../../address.ts";
import { type PeerId, peerId, type ServerId, toHex, type Token } from "../../ids.ts";
import { CANDIDATES_MAX } from "./limits.ts";
import type { Random } from "../base/random.ts";

export class PeerIds {
  readonly #isOwn: (address: string) => boolean;
  readonly #random: Random;
  readonly #byToken = new Map<string, PeerId>();

  /** @param isOwn whether an address is this machine's, all of which count as one */
  constructor(isOwn: (address: string) => boolean, random: Random) {
    this.#isOwn = isOwn;
    this.#random = random;
  }

  /** Whose vote and share a server at `address` has. */
  partyAt(address: string): string {
    return this.#isOwn(address) ? LOOPBACK_ADDRESS : partyOf(address);
  }

  /** The server that calls itself `id` at `endpoint`, and issues `token` there. */
  of(id: ServerId, endpoint: Endpoint, token: Token): PeerId {
    const key = `${id} ${toHex(token)}`;
    const known = this.#byToken.get(key);
    if (known !== undefined) return known;
    const { address, port } = endpoint;
    const place = { address: this.#isOwn(address) ? LOOPBACK_ADDRESS : address, port };
    const peer = peerId(id, endpointText(place));
    // Whoever makes room is known by its endpoint, and by what it has proved.
    if (this.#byToken.size >= CANDIDATES_MAX) {
      const keys = [...this.#byToken.keys()];
      this.#byToken.delete(keys[this.#random.below(keys.length)]!);
    }
    this.#byToken.set(key, peer);
    return peer;
  }
}
