/**
 * Servers whose listings datagrams do not bring, although others answer at their addresses: of the servers of one host a
 * datagram to the port that they share reaches but one, so that the others prove nothing where a firewall closes
 * their own ports. Where they listen over TCP they have not said; the ports that servers take are few. Pure.
 */
import { type Endpoint, preferenceOf } from "../../address.ts";
import { claimedIdOf, type PeerId, type ServerId } from "../../ids.ts";
import { DATA_PORT_FIRST } from "../../limits.ts";
import { STREAM_TRIES_MAX } from "../../protocol/download/limits.ts";

export class HiddenServers {
  /** The TCP port of a server that has a host to itself. */
  readonly #usualPort: number;
  readonly #named: readonly Endpoint[];
  /** Who is proved, and at which addresses. */
  readonly #proved = new Map<PeerId, Set<string>>();
  /** Those whose listings have come, by whichever family, and their TCP ports. */
  readonly #tcpPorts = new Map<ServerId, number>();
  readonly #claimed = new Map<ServerId, Set<string>>();

  /**
   * @param usualPort the TCP port of a server that has a host to itself
   * @param named those that the user named
   */
  constructor(usualPort: number, named: readonly Endpoint[]) {
    this.#usualPort = usualPort;
    this.#named = named;
  }

  /** A server is there, or is said to be: how many of the latter are told is for the caller to bound. */
  onServer(server: PeerId, { address }: Endpoint, isProved: boolean): void {
    if (isProved) add(this.#proved, server, address);
    else add(this.#claimed, claimedIdOf(server), address);
  }

  /** Its listing has come by datagrams, and says at which TCP port the same can be had. */
  onListed(server: PeerId, tcpPort: number): void {
    this.#tcpPorts.set(claimedIdOf(server), tcpPort);
  }

  /** Where they may be asked over TCP; nowhere where nobody is proved whom the user did not name. */
  get endpoints(): readonly Endpoint[] {
    const ids = new Set([...this.#proved.keys()].map(claimedIdOf));
    const addresses = new Set<string>();
    for (const [id, claimed] of this.#claimed) {
      if (ids.has(id)) continue;
      const [best] = [...claimed].filter((address) => this.#isProvedAt(address))
        .sort((a, b) => preferenceOf(a) - preferenceOf(b));
      if (best !== undefined) addresses.add(best);
    }
    const named = this.#named.filter(({ address, port }) => {
      const listed = this.#listedPorts(address);
      return !this.#isProvedAt(address) || (listed.size > 0 && !listed.has(port));
    });
    return [...named, ...[...addresses].flatMap((address) => this.#portsOf(address))];
  }

  #isProvedAt(address: string): boolean {
    return this.#proved.values().some((addresses) => addresses.has(address));
  }

  /** The TCP ports of those who are proved there, as far as they have said them. */
  #listedPorts(address: string): ReadonlySet<number | undefined> {
    const those = [...this.#proved].filter(([, addresses]) => addresses.has(address));
    return new Set(those.flatMap(([server]) => this.#tcpPorts.get(claimedIdOf(server)) ?? []));
  }

  #portsOf(address: string): readonly Endpoint[] {
    const others = Array.from({ length: STREAM_TRIES_MAX - 1 }, (_, i) => DATA_PORT_FIRST + i);
    const listed = this.#listedPorts(address);
    return [this.#usualPort, ...others].filter((port) => !listed.has(port))
      .map((port) => ({ address, port }));
  }
}

function add<Key>(to: Map<Key, Set<string>>, key: Key, address: string): void {
  to.set(key, (to.get(key) ?? new Set()).add(address));
}
