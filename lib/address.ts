/**
 * What an address is, an endpoint, a host with a port; which addresses are this machine's own, private, or
 * one party. The only place that looks into the text of an address, with the help of two small packages
 * that parse and mask.
 *
 * An address is text in its shortest form, as sockets give it: `192.168.1.7`, `fe80::1%eth0`. Discovery
 * speaks IPv4 only so far; no type here does.
 */
import { parseIP, parseIPv4, parseIPv6 } from "@chainsafe/is-ip/parse";
import { PORT_MAX } from "./limits.ts";
import { IpNet, ipToString, iPv4FromIPv6, isIPv4mappedIPv6 } from "@chainsafe/netmask";

/** An address and a port. */
export interface Endpoint {
  /** IPv4, or IPv6 with the scope that a link-local one needs. */
  readonly address: string;
  readonly port: number;
  /**
   * Of one that a datagram came from: the address of ours that it was sent to, where the socket tells. What is sent
   * to this endpoint leaves from there; no part of who it is.
   */
  readonly askedAt?: string;
}

/** A host as a user names it: a name or an address. */
export interface HostPort {
  readonly host: string;
  /** Absent when none was given. */
  readonly port?: number;
}

/** The addresses that one interface reaches without a router. */
export interface Subnet {
  readonly address: string;
  readonly netmask: string;
}

/** A socket bound to it listens on every address of this machine. */
export const UNSPECIFIED_ADDRESS = "0.0.0.0";
export const LOOPBACK_ADDRESS = "127.0.0.1";
/** Reaches every socket of this machine that listens for broadcasts. */
export const LOOPBACK_BROADCAST = "127.255.255.255";
/** Reaches the default route's network only, but needs no knowledge of the interfaces. */
export const LIMITED_BROADCAST = "255.255.255.255";

const NETS = {
  loopback: nets("127.0.0.0/8", "::1/128"),
  private: nets(
    ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"],
    ...["fc00::/7", "fe80::/10"],
  ),
  /** Of many machines, or of none in particular. */
  group: nets("0.0.0.0/8", "224.0.0.0/3", "::/128", "ff00::/8"),
} as const;

/** Bits of an IPv6 address that one party is given to use as it likes (RFC 6177). */
const PARTY_PREFIX_BITS = 64;
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;

/** Equal for the same endpoint and for no other; for maps, and not for people. */
export function endpointKey({ address, port }: Endpoint): string {
  return `${address} ${port}`;
}

/** For people, and for {@linkcode parseHostPort}: `192.168.1.7:10526`, `[fe80::1%eth0]:10526`. */
export function endpointText({ address, port }: Endpoint): string {
  // An endpoint's address is one: nothing needs parsing, thousands of times, to tell the two kinds apart.
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The four bytes of an IPv4 address, in their order; none of anything else. */
export function ipv4Bytes(address: string): Uint8Array {
  return parseIPv4(address) ?? new Uint8Array(0);
}

/** What {@linkcode ipv4Bytes} reads. */
export function ipv4Text(bytes: Uint8Array): string {
  return bytes.join(".");
}

/** Cheap enough for every datagram: nothing is parsed. */
export function isSameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && a.address === b.address;
}

/** Four decimal bytes, and nothing else that other tools take for an address. */
export function isIpv4(text: string): boolean {
  return parseIPv4(text) !== undefined;
}

/** With a scope or without one. */
export function isIpv6(text: string): boolean {
  return parseIPv6(text) !== undefined;
}

/** Whether traffic to `address` stays on this machine. */
export function isLoopback(address: string): boolean {
  return isIn(NETS.loopback, address);
}

/** Whether `address` is of a network that the internet does not route to: private, or of one link. */
export function isPrivate(address: string): boolean {
  return isIn(NETS.private, address);
}

/**
 * Who counts as one where everybody has a share: an IPv4 address, or a /64 of IPv6, of which one host may
 * use any number of addresses. Equal for the same party and for no other.
 */
export function partyOf(address: string): string {
  const bytes = bytesOf(address);
  if (bytes === undefined || bytes.length === IPV4_BYTES) return address;
  return new IpNet(ipToString(bytes), PARTY_PREFIX_BITS).toString();
}

/** `undefined` for what is no subnet of IPv4, and for point-to-point links, which have no broadcast. */
export function broadcastAddress(subnet: Subnet): string | undefined {
  const address = parseIPv4(subnet.address);
  const mask = parseIPv4(subnet.netmask);
  if (address === undefined || mask === undefined) return undefined;
  const isPointToPoint = mask.every((byte, i) => byte >= (i < IPV4_BYTES - 1 ? 255 : 254));
  return isPointToPoint ? undefined : ipToString(address.map((byte, i) => byte | ~mask[i]! & 255));
}

export function isOnSubnet(address: string, subnet: Subnet): boolean {
  if (!isIpv4(address) || !isIpv4(subnet.address) || !isIpv4(subnet.netmask)) return false;
  return new IpNet(subnet.address, subnet.netmask).contains(address);
}

/** Whether a datagram to `address` would reach more than one machine, or none in particular. */
export function isGroupAddress(address: string, subnets: readonly Subnet[]): boolean {
  if (address === LOOPBACK_BROADCAST || isIn(NETS.group, address)) return true;
  return subnets.some((subnet) => broadcastAddress(subnet) === address);
}

/**
 * `HOST`, `HOST:PORT`, `ADDRESS`, `[ADDRESS]:PORT`; `undefined` for anything else. Names are only looked at
 * as far as it takes to tell them from the rest.
 */
export function parseHostPort(text: string): HostPort | undefined {
  if (isIpv6(text)) return { host: text };
  const match = /^(?:\[(?<address>[^\]]*)\]|(?<name>[^[\]:]*))(?::(?<port>\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const { address, name, port: digits } = match.groups!;
  if (address !== undefined && !isIpv6(address)) return undefined;
  const host = address ?? name ?? "";
  const port = digits === undefined ? undefined : Number(digits);
  if (host === "" || port === 0 || (port ?? 1) > PORT_MAX) return undefined;
  return { host, ...(port !== undefined && { port }) };
}

function nets(...cidrs: readonly string[]): readonly IpNet[] {
  return cidrs.map((cidr) => new IpNet(cidr));
}

function isIn(nets: readonly IpNet[], address: string): boolean {
  const bytes = bytesOf(address);
  return bytes !== undefined &&
    nets.some((net) => net.network.length === bytes.length && net.contains(bytes));
}

/** Without its scope; an IPv4 address that was mapped to IPv6 is one of IPv4. */
function bytesOf(address: string): Uint8Array | undefined {
  const bytes = parseIP(address);
  if (bytes?.length !== IPV6_BYTES || !isIPv4mappedIPv6(bytes)) return bytes;
  return Uint8Array.from(iPv4FromIPv6(bytes));
}
