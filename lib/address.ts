/**
 * What an address is, an endpoint, a host with a port; which addresses are this machine's own, private, or
 * one party. The only place that looks into the text of an address, with the help of two small packages
 * that parse and mask.
 *
 * An address is text in its shortest form (RFC 5952), as sockets give it: `192.168.1.7`, `fe80::1%eth0`. One of a
 * link names the interface behind the percent sign, its **scope** (RFC 4007), by the name that it has on this
 * machine. An IPv4 address that was mapped to IPv6 is written as one of IPv4.
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
  /**
   * Of one that a sealed datagram came from, at whoever is asked: for whom an answer is sealed, by whichever socket sends it. No
   * part of who it is.
   */
  readonly sealedFor?: string;
}

/** A host as a user names it: a name or an address. */
interface HostPort {
  readonly host: string;
  /** Absent when none was given. */
  readonly port?: number;
}

/** The addresses that one interface reaches without a router. */
export interface Subnet {
  /** With the scope, where it is of one link. */
  readonly address: string;
  readonly netmask: string;
  /** What the interface is called, where that is known. */
  readonly interface?: string;
  /** Its number, where the platform says it: beside addresses of one link. */
  readonly interfaceIndex?: number;
}

/** What listens on it does so on every address of this machine, of IPv4 and IPv6. */
export const UNSPECIFIED_ADDRESS = "0.0.0.0";
/** The same where only IPv6 is meant, as far as a platform can tell the two apart. */
export const UNSPECIFIED_IPV6_ADDRESS = "::";
export const LOOPBACK_ADDRESS = "127.0.0.1";
export const LOOPBACK_IPV6_ADDRESS = "::1";
/** Reaches every socket of this machine that listens for broadcasts. */
export const LOOPBACK_BROADCAST = "127.255.255.255";
/**
 * What clients of IPv6 ask on each link, and servers join there, at the discovery port. Of one link (RFC 4291); its number
 * is the magic of our frames and that port.
 */
export const DISCOVERY_GROUP = "ff02::5348:291e";
/** Reaches the default route's network only, but needs no knowledge of the interfaces. */
export const LIMITED_BROADCAST = "255.255.255.255";

const NETS = {
  loopback: nets("127.0.0.0/8", "::1/128"),
  private: nets(
    ...["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"],
    ...["fc00::/7", "fe80::/10"],
  ),
  /** Of one machine of a link, and of several. */
  linkLocal: nets("fe80::/10", "ff02::/16"),
  /** Of many machines, or of none in particular. */
  group: nets("0.0.0.0/8", "224.0.0.0/3", "::/128", "ff00::/8"),
} as const;

/** Bits of an IPv6 address that one party is given to use as it likes (RFC 6177). */
const PARTY_PREFIX_BITS = 64;
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
const IPV6_GROUPS = 8;
const MAPPED_PREFIX = "::ffff:";
/** What an interface may be called. No colon: behind one there may be a port. */
const SCOPE_PATTERN = /^[A-Za-z0-9._@+~-]{1,32}$/;

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
  return ipv6Bytes(text) !== undefined;
}

/** The sixteen bytes of an IPv6 address, without its scope; `undefined` for anything else. */
export function ipv6Bytes(text: string): Uint8Array | undefined {
  const at = text.indexOf("%");
  if (at < 0) return parseIPv6(text);
  return SCOPE_PATTERN.test(text.slice(at + 1)) ? parseIPv6(text.slice(0, at)) : undefined;
}

/** What {@linkcode ipv6Bytes} reads, in its shortest form; of a mapped address, IPv4. */
export function ipv6Text(bytes: Uint8Array): string {
  if (isIPv4mappedIPv6(bytes)) return ipv4Text(bytes.subarray(IPV6_BYTES - IPV4_BYTES));
  const groups = Array.from(
    { length: IPV6_GROUPS },
    (_, i) => (bytes[2 * i]! << 8 | bytes[2 * i + 1]!).toString(16),
  );
  const { at, count } = longestZeros(groups);
  if (count < 2) return groups.join(":");
  return `${groups.slice(0, at).join(":")}::${groups.slice(at + count).join(":")}`;
}

/** The shortest form of an address, its scope included; `undefined` for what is none. */
export function canonicalAddress(text: string): string | undefined {
  if (isIpv4(text)) return text;
  const bytes = ipv6Bytes(text);
  if (bytes === undefined) return undefined;
  const scope = scopeOf(text);
  const address = ipv6Text(bytes);
  return scope === undefined || !isLinkLocal(address) ? address : `${address}%${scope}`;
}

/**
 * The address of a peer, as a socket of ours gives it, which leaves out the scope.
 *
 * @param scope of the socket, which is bound to one interface, if it has one
 */
export function peerAddress(address: string, scope?: string): string {
  if (!address.includes(":")) return address;
  if (address.startsWith(MAPPED_PREFIX) && address.includes(".")) {
    return address.slice(MAPPED_PREFIX.length);
  }
  return scope === undefined || address.includes("%") || !isLinkLocal(address)
    ? address
    : `${address}%${scope}`;
}

/** The interface that an address names; `undefined` where it names none. */
export function scopeOf(address: string): string | undefined {
  const at = address.indexOf("%");
  return at < 0 ? undefined : address.slice(at + 1);
}

/** As other machines know it: a scope means something here alone. */
export function withoutScope(address: string): string {
  const at = address.indexOf("%");
  return at < 0 ? address : address.slice(0, at);
}

/** Whether `address` means something on one link alone, so that it needs a scope. */
export function isLinkLocal(address: string): boolean {
  return isIn(NETS.linkLocal, address);
}

/** Whether traffic to `address` stays on this machine. */
export function isLoopback(address: string): boolean {
  return isIn(NETS.loopback, address);
}

/**
 * Which of a server's addresses is asked first, the smallest: our own machine's, then IPv4, by which we count as
 * ourselves and not as a network of many.
 */
export function preferenceOf(address: string): number {
  if (isLoopback(address)) return 0;
  return isPlainIpv4(address) ? 1 : 2;
}

/** Whether `address` is of a network that the internet does not route to: private, or of one link. */
export function isPrivate(address: string): boolean {
  return isIn(NETS.private, address);
}

/**
 * Who counts as one where everybody has a share: an IPv4 address, or a /64 of IPv6, of which one host may
 * use any number of addresses. All of the addresses of one link that are of that link alone are one: each host
 * there may use as many as it likes. Equal for the same party and for no other.
 */
export function partyOf(address: string): string {
  if (isPlainIpv4(address)) return address;
  const bytes = bytesOf(address);
  if (bytes === undefined) return address;
  if (bytes.length === IPV4_BYTES) return ipv4Text(bytes);
  const net = `${ipv6Text(bytes.fill(0, PARTY_PREFIX_BITS / 8))}/${PARTY_PREFIX_BITS}`;
  const scope = scopeOf(address);
  return scope === undefined ? net : `${net}%${scope}`;
}

/** `undefined` for what is no subnet of IPv4, and for point-to-point links, which have no broadcast. */
export function broadcastAddress(subnet: Subnet): string | undefined {
  const address = parseIPv4(subnet.address);
  const mask = parseIPv4(subnet.netmask);
  if (address === undefined || mask === undefined) return undefined;
  const isPointToPoint = mask.every((byte, i) => byte >= (i < IPV4_BYTES - 1 ? 255 : 254));
  return isPointToPoint ? undefined : ipToString(address.map((byte, i) => byte | ~mask[i]! & 255));
}

/** Of both families; an address with a scope is only on subnets of the same. */
export function isOnSubnet(address: string, subnet: Subnet): boolean {
  if (scopeOf(address) !== scopeOf(subnet.address)) return false;
  const [bytes, own, mask] = [address, subnet.address, subnet.netmask].map(bytesOf);
  if (bytes === undefined || own?.length !== bytes.length || mask?.length !== bytes.length) {
    return false;
  }
  return bytes.every((byte, i) => (byte & mask[i]!) === (own[i]! & mask[i]!));
}

/** Whether a datagram to `address` would reach more than one machine, or none in particular. */
export function isGroupAddress(address: string, subnets: readonly Subnet[]): boolean {
  if (address === LOOPBACK_BROADCAST || isIn(NETS.group, address)) return true;
  return subnets.some((subnet) => broadcastAddress(subnet) === address);
}

/**
 * `HOST`, `HOST:PORT`, `ADDRESS`, `[ADDRESS]:PORT`, and `ADDRESS%SCOPE:PORT`, which cannot be misread; `undefined`
 * for anything else. Names are only looked at as far as it takes to tell them from the rest; addresses come
 * back in their shortest form.
 */
export function parseHostPort(text: string): HostPort | undefined {
  if (isIpv6(text)) return { host: canonicalAddress(text)! };
  const match =
    /^(?:\[(?<address>[^\]]*)\]|(?<scoped>[^[\]%]*%[^[\]:%]*)|(?<name>[^[\]:]*))(?::(?<port>\d{1,5}))?$/
      .exec(text);
  if (match === null) return undefined;
  const { address, scoped, name, port: digits } = match.groups!;
  const literal = address ?? scoped;
  if (literal !== undefined && !isIpv6(literal)) return undefined;
  const host = (literal === undefined ? name : canonicalAddress(literal)) ?? "";
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

/** Cheap, for what is known to be an address. */
function isPlainIpv4(address: string): boolean {
  return !address.includes(":");
}

function longestZeros(groups: readonly string[]): { readonly at: number; readonly count: number } {
  let best = { at: 0, count: 0 };
  for (let at = 0; at < groups.length; at++) {
    let count = 0;
    while (groups[at + count] === "0") count++;
    if (count > best.count) best = { at, count };
  }
  return best;
}

/** Without its scope; an IPv4 address that was mapped to IPv6 is one of IPv4. */
function bytesOf(address: string): Uint8Array | undefined {
  const bytes = parseIP(withoutScope(address));
  if (bytes?.length !== IPV6_BYTES || !isIPv4mappedIPv6(bytes)) return bytes;
  return Uint8Array.from(iPv4FromIPv6(bytes));
}
