/**
 * One port in both families. IPv4 has one socket, bound to all addresses, as ever. For IPv6 there are more, each
 * bound to one address of this machine or to one link, and what is sent is given to the one it concerns:
 *
 * - who sends from a link-local address is known by its interface as well, which a socket that is bound to all
 *   addresses does not say through Deno's own API;
 * - an answer leaves from the address that was asked: with several addresses, such as temporary ones (RFC 8981), the
 *   system might choose another;
 * - who may have an IPv4 port is decided by IPv4 alone, as a socket for both would take part in that.
 *
 * Where a machine has no IPv6, nothing is opened for it.
 */
import {
  DISCOVERY_GROUP,
  type Endpoint,
  isLinkLocal,
  isLoopback,
  scopeOf,
  type Subnet,
  UNSPECIFIED_ADDRESS,
  UNSPECIFIED_IPV6_ADDRESS,
  withoutScope,
} from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { InterfaceChoice, TransportConfig } from "../../messages/transport_config.ts";
import type { Wakeup } from "../system/clock.ts";
import { denoClock, nowMs } from "../system/deno_clock.ts";
import type { DatagramTransport, OnReceived, SendOutcome } from "./datagram_transport.ts";
import { denoSubnets } from "./deno_network.ts";
import { isChosen } from "./interface_choice.ts";
import { ipv6Among } from "./interfaces.ts";
import {
  ADDRESS_SOCKETS_MAX,
  ADDRESSES_REVIEW_MS,
  ANY_PORT_TRIES_MAX,
  LINK_SOCKETS_MAX,
} from "./limits.ts";
import {
  type MayBeAskedAtSeveral,
  openFirst,
  openUdpSocket,
  type UdpTransport,
} from "./udp_transport.ts";

/**
 * Opens what the config says, on the first of its ports that is free.
 *
 * @param mayBeAskedAtSeveral as the machine's interfaces say by default
 * @throws ShoalError `port_in_use`, or `network` for whatever else keeps a socket from opening
 */
export function openDatagramSockets(
  config: TransportConfig,
  mayBeAskedAtSeveral?: MayBeAskedAtSeveral,
): DatagramTransport {
  const { host, ports, answers } = config;
  const given = { ...config, ...(mayBeAskedAtSeveral !== undefined && { mayBeAskedAtSeveral }) };
  const isEvery = host === UNSPECIFIED_ADDRESS || host === UNSPECIFIED_IPV6_ADDRESS;
  if (!isEvery) {
    return openFirst(
      ports,
      (port) => openUdpSocket({ ...given, endpoint: { address: host, port } }),
    );
  }
  if (!answers) return openFirst(ports, (port) => new AskingSockets(given, port));
  const tries = ports.flatMap((port) => port === 0 ? Array(ANY_PORT_TRIES_MAX).fill(0) : [port]);
  return openFirst(tries, (port) => new AnsweringSockets(given, port));
}

abstract class DatagramSockets implements DatagramTransport {
  readonly port: number;
  readonly overheadBytes = 0;
  protected readonly config: TransportConfig;
  protected isClosed = false;
  readonly #ipv4: UdpTransport;
  /** Those of IPv6, by what they are for. */
  readonly #others = new Map<string, UdpTransport>();
  readonly #closing = new Set<Promise<void>>();
  #onReceived: OnReceived | undefined;
  #isJoining = true;

  constructor(config: TransportConfig, port: number) {
    this.config = config;
    this.#ipv4 = openUdpSocket({ ...config, endpoint: { address: UNSPECIFIED_ADDRESS, port } });
    this.port = this.#ipv4.port;
  }

  get receiveBufferBytes(): number {
    return this.#ipv4.receiveBufferBytes;
  }

  get isTuned(): boolean {
    return this.#ipv4.isTuned;
  }

  get keepsWhole(): boolean {
    return this.#ipv4.keepsWhole && [...this.#others.values()].every((each) => each.keepsWhole);
  }

  get waitedMs(): number {
    return this.#ipv4.waitedMs;
  }

  listen(onReceived: OnReceived, onFailure: (error: ShoalError) => void): void {
    this.#onReceived = onReceived;
    this.#ipv4.listen(onReceived, onFailure);
    for (const [key, socket] of this.#others) this.#listen(key, socket, onReceived);
  }

  takeArrived(): void {
    this.#ipv4.takeArrived();
    for (const socket of this.#others.values()) socket.takeArrived();
  }

  routeBytes(to: Endpoint): number | undefined {
    return this.#ipv4.routeBytes(to);
  }

  setJoining(isJoining: boolean): void {
    this.#isJoining = isJoining;
    this.#ipv4.setJoining(isJoining);
    for (const socket of this.#others.values()) socket.setJoining(isJoining);
  }

  send(bytes: Bytes, to: Endpoint, segmentBytes?: number): SendOutcome | Promise<SendOutcome> {
    if (!to.address.includes(":")) return this.#ipv4.send(bytes, to, segmentBytes);
    return this.socketTowards(to)?.send(bytes, to, segmentBytes) ?? "lost";
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const key of [...this.#others.keys()]) this.drop(key);
    await Promise.all([this.#ipv4.close(), ...this.#closing]);
  }

  /** What leads to an IPv6 address; `undefined` where nothing does. */
  protected abstract socketTowards(to: Endpoint): UdpTransport | undefined;

  protected get keys(): readonly string[] {
    return [...this.#others.keys()];
  }

  protected get(key: string): UdpTransport | undefined {
    return this.#others.get(key);
  }

  protected add(key: string, socket: UdpTransport): UdpTransport {
    this.#others.set(key, socket);
    if (!this.#isJoining) socket.setJoining(false);
    if (this.#onReceived !== undefined) this.#listen(key, socket, this.#onReceived);
    return socket;
  }

  protected drop(key: string): void {
    const socket = this.#others.get(key);
    if (socket === undefined) return;
    this.#others.delete(key);
    const closing = socket.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  /** One that fails is opened again when it is needed: its address is probably gone. */
  #listen(key: string, socket: UdpTransport, onReceived: OnReceived): void {
    socket.listen(onReceived, () => {
      if (this.#others.get(key) === socket) this.drop(key);
    });
  }
}

/** Of who asks: one for all of IPv6 but links, and one for each link, when they are needed. */
class AskingSockets extends DatagramSockets {
  protected override socketTowards({ address }: Endpoint): UdpTransport | undefined {
    if (this.isClosed) return undefined;
    const key = isLinkLocal(address) ? scopeOf(address) ?? "" : "";
    const known = this.get(key);
    if (known !== undefined) return known;
    if (this.keys.length > LINK_SOCKETS_MAX) return undefined;
    const own = key === "" ? UNSPECIFIED_IPV6_ADDRESS : ownAddressOn(key);
    if (own === undefined) return undefined;
    try {
      return this.add(
        key,
        openUdpSocket({ ...this.config, endpoint: { address: own, port: 0 } }),
      );
    } catch (error) {
      // An address that is still being checked for being the only one, or has just gone.
      if (error instanceof ShoalError) return undefined;
      throw error;
    }
  }
}

/** Of who is asked: one at each IPv6 address of this machine, and one for the group of each link, as they come and go. */
class AnsweringSockets extends DatagramSockets {
  readonly #timer: Wakeup = denoClock.timer(() => this.#review());

  constructor(config: TransportConfig, port: number) {
    super(config, port);
    try {
      this.#openMissing(denoSubnets(), "asked for");
    } catch (error) {
      void this.close();
      throw error;
    }
    this.#timer.set(nowMs() + ADDRESSES_REVIEW_MS);
  }

  override async close(): Promise<void> {
    this.#timer.clear();
    await super.close();
  }

  protected override socketTowards({ address, askedAt }: Endpoint): UdpTransport | undefined {
    const asked = askedAt === undefined ? undefined : this.get(askedAt);
    if (asked !== undefined) return asked;
    const scope = scopeOf(address);
    const fits = scope === undefined
      ? (own: string) => !isLinkLocal(own) && isLoopback(own) === isLoopback(address)
      : (own: string) => scopeOf(own) === scope && !isGroupKey(own);
    const key = this.keys.find(fits);
    return key === undefined ? undefined : this.get(key);
  }

  #review(): void {
    const present = denoSubnets();
    const wanted = new Set(socketsWanted(present, this.config.group).map(({ key }) => key));
    for (const key of this.keys) if (!wanted.has(key)) this.drop(key);
    this.#openMissing(present, "as far as possible");
    this.#timer.set(nowMs() + ADDRESSES_REVIEW_MS);
  }

  /**
   * @throws ShoalError `port_in_use` where the port is "asked for" and taken at one of the addresses: then another
   * port may be free at all of them
   */
  #openMissing(
    present: readonly Subnet[],
    how: "asked for" | "as far as possible",
  ): void {
    for (const { key, group, index } of socketsWanted(present, this.config.group)) {
      if (this.get(key) !== undefined || this.keys.length >= ADDRESS_SOCKETS_MAX) continue;
      try {
        const endpoint = { address: key, port: this.port, ...(!group && { askedAt: key }) };
        const share = this.config.share || group;
        const socket = this.add(key, openUdpSocket({ ...this.config, share, endpoint }));
        if (group) this.#join(key, socket, index);
      } catch (error) {
        if (!(error instanceof ShoalError)) throw error;
        if (how === "asked for" && error.code === "port_in_use") throw error;
      }
    }
  }

  #join(key: string, socket: UdpTransport, index: number | undefined): void {
    const joined = index === undefined
      ? Promise.reject(new Error("no number"))
      : socket.joinGroup(withoutScope(key), index);
    joined.catch(() => {
      if (this.get(key) === socket) this.drop(key);
    });
  }
}

interface WantedSocket {
  /** The address that it is bound to. */
  readonly key: string;
  readonly group: boolean;
  readonly index: number | undefined;
}

function socketsWanted(
  present: readonly Subnet[],
  group: InterfaceChoice | undefined,
): readonly WantedSocket[] {
  const wanted = new Map<string, WantedSocket>();
  for (const { address, interfaceIndex: index, interface: name = "" } of ipv6Among(present)) {
    wanted.set(address, { key: address, group: false, index });
    if (group === undefined || !isLinkLocal(address) || !isChosen(name, group)) continue;
    const key = `${DISCOVERY_GROUP}%${name}`;
    wanted.set(key, { key, group: true, index });
  }
  return [...wanted.values()];
}

function isGroupKey(key: string): boolean {
  return key.startsWith("ff");
}

/** The address of this machine by which it speaks on one link. */
function ownAddressOn(scope: string): string | undefined {
  return denoSubnets().find(({ address }) => isLinkLocal(address) && scopeOf(address) === scope)
    ?.address;
}
