/**
 * Whom masters have told a client of, and who of them answers: so that a host that registers many servers gets no more
 * than a few questions, and a master can be asked for others than those that are silent.
 */
import { type Endpoint, endpointKey, partyOf } from "../../address.ts";
import { INVITED_PER_PARTY_MAX, LOCATE_EXCEPT_MAX, TOLD_ADDRESSES_MAX } from "./limits.ts";

export class ToldServers {
  readonly #heard = new Set<string>();
  /** By party, the endpoints that are asked. */
  readonly #asked = new Map<string, Set<string>>();
  /** By master, the addresses that it told of, those of its last answer last. */
  readonly #addresses = new Map<string, Set<string>>();

  /** Takes what `master` has told; returns whom to ask. */
  add(master: string, endpoints: readonly Endpoint[]): Endpoint[] {
    let addresses = this.#addresses.get(master);
    if (addresses === undefined) this.#addresses.set(master, addresses = new Set());
    for (const { address } of endpoints) {
      addresses.delete(address);
      addresses.add(address);
    }
    for (const oldest of addresses) {
      if (addresses.size <= TOLD_ADDRESSES_MAX) break;
      addresses.delete(oldest);
    }
    return endpoints.filter((endpoint) => this.#isAsked(endpoint));
  }

  /** Something came from there. */
  heard(address: string): void {
    this.#heard.add(address);
  }

  /** Of what `master` has told before now, those that have not answered since; the last ones, if they are many. */
  silent(master: string): string[] {
    const told = [...this.#addresses.get(master) ?? []];
    return told.filter((address) => !this.#heard.has(address)).slice(-LOCATE_EXCEPT_MAX);
  }

  #isAsked(endpoint: Endpoint): boolean {
    const party = partyOf(endpoint.address);
    let asked = this.#asked.get(party);
    if (asked === undefined) this.#asked.set(party, asked = new Set());
    const key = endpointKey(endpoint);
    if (asked.has(key)) return true;
    if (asked.size >= INVITED_PER_PARTY_MAX) return false;
    asked.add(key);
    return true;
  }
}
