/**
 * What this machine's network looks like: where a broadcast has to go, which addresses are
 * neighbours, and what a host's name stands for. IPv4 only.
 */
import { lookup } from "node:dns/promises";
import { ShoalError } from "../../errors.ts";

/** The addresses that one interface reaches without a router. */
export interface Subnet {
  readonly address: string;
  readonly netmask: string;
}

/** A host that the user named. */
export interface HostAddress {
  readonly address: string;
  /** Absent when the user gave none. */
  readonly port?: number;
}

const LOOPBACK_BROADCAST = "127.255.255.255";
/** Reaches the default route's network only, but needs no knowledge of the interfaces. */
const LIMITED_BROADCAST = "255.255.255.255";

/** The subnets of this machine's interfaces; none where Deno may not look (`--allow-sys`). */
export function ownSubnets(): readonly Subnet[] {
  const permission = Deno.permissions.querySync({ name: "sys", kind: "networkInterfaces" });
  if (permission.state !== "granted") return [];
  return Deno.networkInterfaces()
    .filter((each) => each.family === "IPv4")
    .map(({ address, netmask }) => ({ address, netmask }));
}

/** Where a search goes by default: each interface's directed broadcast address, loopback's included. */
export function discoveryAddresses(subnets: readonly Subnet[] = ownSubnets()): readonly string[] {
  if (subnets.length === 0) return [LOOPBACK_BROADCAST, LIMITED_BROADCAST];
  const found = subnets.map(broadcastAddress).filter((address) => address !== undefined);
  return [...new Set([LOOPBACK_BROADCAST, ...found])];
}

/** `undefined` for point-to-point subnets, which have none. */
export function broadcastAddress(subnet: Subnet): string | undefined {
  const mask = addressNumber(subnet.netmask);
  const address = addressNumber(subnet.address);
  if (mask === undefined || address === undefined) return undefined;
  const hostBits = ~mask >>> 0;
  return hostBits <= 1 ? undefined : addressText((address | hostBits) >>> 0);
}

export function isOnSubnet(address: string, subnet: Subnet): boolean {
  const mask = addressNumber(subnet.netmask);
  const own = addressNumber(subnet.address);
  const other = addressNumber(address);
  if (mask === undefined || own === undefined || other === undefined) return false;
  return ((own ^ other) & mask) === 0;
}

export function isLoopback(address: string): boolean {
  return address.startsWith("127.") && isIpv4(address);
}

export function isIpv4(text: string): boolean {
  return addressNumber(text) !== undefined;
}

/** Whether a datagram to `address` would reach more than one machine, or none in particular. */
export function isGroupAddress(
  address: string,
  subnets: readonly Subnet[] = ownSubnets(),
): boolean {
  const first = (addressNumber(address) ?? 0) >>> 24;
  if (first === 0 || first >= 224 || address === LOOPBACK_BROADCAST) return true;
  return subnets.some((subnet) => broadcastAddress(subnet) === address);
}

/** The address of `HOST` or `HOST:PORT`. Throws ShoalError `usage`. */
export async function resolveHost(text: string): Promise<HostAddress> {
  if (text.includes("[") || text.split(":").length > 2) {
    throw usage(`'${text}' is not an IPv4 address`, "IPv6 is not supported yet.");
  }
  const [host = "", portText] = text.split(":");
  if (host === "") throw usage(`'${text}' names no host`, "Give a name or an IPv4 address.");
  const port = portText === undefined ? undefined : parsePort(portText, text);
  const address = isIpv4(host) ? host : await lookUp(host);
  if (isGroupAddress(address)) {
    throw usage(
      `'${host}' is not the address of one machine`,
      "Name a single host here; --broadcast takes broadcast addresses.",
    );
  }
  return { address, ...(port !== undefined && { port }) };
}

function parsePort(portText: string, text: string): number {
  const port = Number(portText);
  if (/^\d{1,5}$/.test(portText) && port >= 1 && port <= 65_535) return port;
  throw usage(`'${text}' does not end in a port`, "Ports are numbers from 1 to 65535.");
}

async function lookUp(host: string): Promise<string> {
  try {
    return (await lookup(host, { family: 4 })).address;
  } catch (cause) {
    const hint = "Check the spelling, or give its IPv4 address.";
    throw new ShoalError("usage", `unknown host '${host}'`, { hint, cause });
  }
}

function usage(message: string, hint: string): ShoalError {
  return new ShoalError("usage", message, { hint });
}

function addressNumber(text: string): number | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  let value = 0;
  for (const part of text.split(".").map(Number)) {
    if (part > 255) return undefined;
    value = value * 256 + part;
  }
  return value;
}

function addressText(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join(".");
}
