/**
 * What this machine's network looks like: where a broadcast has to go, which addresses are
 * neighbours, and what a host's name stands for. IPv4 only.
 */
import { lookup } from "node:dns/promises";
import {
  broadcastAddress,
  isGroupAddress,
  isIpv4,
  isIpv6,
  LIMITED_BROADCAST,
  LOOPBACK_BROADCAST,
  parseHostPort,
  type Subnet,
} from "../../address.ts";
import { ShoalError } from "../../errors.ts";

/** A host that the user named. */
export interface HostAddress {
  readonly address: string;
  /** Absent when the user gave none. */
  readonly port?: number;
}

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

/** The address of `HOST` or `HOST:PORT`. Throws ShoalError `usage`. */
export async function resolveHost(text: string): Promise<HostAddress> {
  const named = parseHostPort(text);
  if (isIpv6(named?.host ?? "") || text.includes("[")) {
    throw usage(`'${text}' is not an IPv4 address`, "IPv6 is not supported yet.");
  }
  if (named === undefined) {
    throw usage(`'${text}' is no host, with a port or without`, "Give HOST or HOST:PORT.");
  }
  const { host, port } = named;
  const address = isIpv4(host) ? host : await lookUp(host);
  if (isGroupAddress(address, ownSubnets())) {
    throw usage(
      `'${host}' is not the address of one machine`,
      "Name a single host here; --broadcast takes broadcast addresses.",
    );
  }
  return { address, ...(port !== undefined && { port }) };
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
