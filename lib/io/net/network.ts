/**
 * What follows from this machine's network: where a broadcast has to go, and which endpoints a host that somebody named
 * stands for.
 */
import {
  broadcastAddress,
  canonicalAddress,
  DISCOVERY_GROUP,
  type Endpoint,
  isGroupAddress,
  isIpv4,
  isLinkLocal,
  isLoopback,
  isOnSubnet,
  LIMITED_BROADCAST,
  LOOPBACK_BROADCAST,
  parseHostPort,
  scopeOf,
  type Subnet,
  withoutScope,
} from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import type { Clock } from "../system/clock.ts";
import type { InterfaceChoice } from "../../messages/transport_config.ts";
import { ALL_INTERFACES, isChosen } from "./interface_choice.ts";
import { HOST_ADDRESSES_MAX, LINK_SOCKETS_MAX, SWEEP_ADDRESSES_MAX } from "./limits.ts";
import type { Net } from "./net.ts";

/** A host that the user named. */
export interface HostAddresses {
  /** One at least, in the order of the resolver. */
  readonly addresses: readonly string[];
  /** Absent when the user gave none. */
  readonly port?: number;
}

/** What finding out the address of a host needs of the platform. */
export interface ResolvingRuntime {
  readonly clock: Pick<Clock, "within">;
  readonly net: Pick<Net, "lookUp" | "subnets">;
}

interface ResolvePatience {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Whether others may reach a machine of these subnets at more than one address of IPv4; true where they are not known. */
export function hasSeveralAddresses(subnets: readonly Subnet[]): boolean {
  const others = subnets.filter(({ address }) => isIpv4(address) && !isLoopback(address));
  return subnets.length === 0 || others.length > 1;
}

/**
 * Where a search goes by default: each interface's directed broadcast address, loopback's included, and the group of
 * discovery on each link that has IPv6.
 */
export function discoveryAddresses(
  subnets: readonly Subnet[],
  choice: InterfaceChoice = ALL_INTERFACES,
): readonly string[] {
  if (subnets.length === 0) return [LOOPBACK_BROADCAST, LIMITED_BROADCAST];
  const chosen = subnets.filter((each) => isChosen(each.interface, choice));
  const found = chosen.map(broadcastAddress).filter((address) => address !== undefined);
  const links = chosen.map(({ address }) => isLinkLocal(address) ? scopeOf(address) : undefined)
    .filter((scope) => scope !== undefined);
  const groups = [...new Set(links)].slice(0, LINK_SOCKETS_MAX).map((scope) =>
    `${DISCOVERY_GROUP}%${scope}`
  );
  return [...new Set([LOOPBACK_BROADCAST, ...found]), ...groups];
}

/** Every other address of the own IPv4 networks, no more of each than the /24 around our own address. */
export function sweepAddresses(
  subnets: readonly Subnet[],
  choice: InterfaceChoice = ALL_INTERFACES,
): readonly string[] {
  const chosen = subnets.filter((each) =>
    isIpv4(each.address) && !isLoopback(each.address) && isChosen(each.interface, choice)
  );
  const own = new Set(subnets.map(({ address }) => address));
  const found = new Set<string>();
  for (const subnet of chosen) {
    const prefix = subnet.address.slice(0, subnet.address.lastIndexOf(".") + 1);
    for (let last = 1; last < 255; last++) {
      const address = `${prefix}${last}`;
      if (own.has(address) || !isOnSubnet(address, subnet)) continue;
      if (!isGroupAddress(address, subnets)) found.add(address);
    }
  }
  return [...found].slice(0, SWEEP_ADDRESSES_MAX);
}

/**
 * Whether a search that came from `address` came by an interface that was not chosen: what is on none of our own networks
 * came by any.
 */
export function isFromExcluded(
  address: string,
  subnets: readonly Subnet[],
  choice: InterfaceChoice,
): boolean {
  const near = subnets.filter((subnet) =>
    !isLoopback(subnet.address) && isOnSubnet(address, subnet)
  );
  return near.length > 0 && !near.some((subnet) => isChosen(subnet.interface, choice));
}

/** Throws ShoalError `usage` where interfaces are named that are not there. */
export function checkInterfaces({ only }: InterfaceChoice, subnets: readonly Subnet[]): void {
  const names = [
    ...new Set(subnets.map((each) => each.interface).filter((each) => each !== undefined)),
  ];
  const missing = only.find((name) => names.length > 0 && !names.includes(name));
  if (missing === undefined) return;
  throw usage(
    `no interface with an address is called '${missing}'`,
    `There are ${names.join(", ")}.`,
  );
}

/**
 * The addresses of `HOST` or `HOST:PORT`.
 *
 * @throws ShoalError `usage` for what is no single host, `no_server` where the resolver does not answer in time,
 * `interrupted` on abort
 */
export async function resolveHost(
  { clock, net }: ResolvingRuntime,
  text: string,
  { timeoutMs, signal }: ResolvePatience,
): Promise<HostAddresses> {
  const named = parseHostPort(text);
  if (named === undefined) {
    const hint = "Give HOST, HOST:PORT or [ADDRESS]:PORT.";
    throw usage(`'${text}' is no host, with a port or without`, hint);
  }
  const { host, port } = named;
  const subnets = net.subnets();
  const literal = canonicalAddress(host);
  const looking = literal === undefined
    ? lookUp(net, host, subnets)
    : [onItsLink(literal, subnets)];
  const addresses = looking instanceof Promise
    ? await clock.within(untilAborted(looking, signal), timeoutMs)
    : looking;
  if (addresses === undefined) {
    const message = `the address of ${host} cannot be found out: no answer for ${timeoutMs} ms`;
    const hint = "Check the name server of this machine, or give the host's address.";
    throw new ShoalError("no_server", message, { hint });
  }
  if (addresses.some((address) => isGroupAddress(address, subnets))) {
    throw usage(
      `'${host}' is not the address of one machine`,
      "Name a single host here; --broadcast takes broadcast addresses.",
    );
  }
  return { addresses, ...(port !== undefined && { port }) };
}

/** Where a host can be asked, at its own port or else at this one. */
export function endpointsOf({ addresses, port: own }: HostAddresses, port: number): Endpoint[] {
  return addresses.map((address) => ({ address, port: own ?? port }));
}

/** With the interface by which an address of one link is reached, under the name that it has here. */
function onItsLink(address: string, subnets: readonly Subnet[]): string {
  if (!isLinkLocal(address)) return address;
  const links = new Map<string, number | undefined>();
  for (const { address: own, interfaceIndex } of subnets) {
    const name = isLinkLocal(own) ? scopeOf(own) : undefined;
    if (name !== undefined) links.set(name, interfaceIndex);
  }
  const names = [...links.keys()];
  const scope = scopeOf(address);
  if (scope === undefined) {
    if (names.length === 1) return `${address}%${names[0]}`;
    const choice = names.length === 0 ? "none has IPv6" : `there are ${names.join(", ")}`;
    throw usage(
      `'${address}' means something on one link only`,
      `Add the interface, as in ${address}%eth0; of this machine, ${choice}.`,
    );
  }
  // Where interfaces can't be looked at, the system knows them.
  if (links.has(scope) || subnets.length === 0) return address;
  const [numbered] = [...links].find(([, index]) => String(index) === scope) ?? [];
  if (numbered !== undefined) return `${withoutScope(address)}%${numbered}`;
  const hint = names.length === 0 ? "None has IPv6." : `There are ${names.join(", ")}.`;
  throw usage(`no interface is called '${scope}'`, hint);
}

async function lookUp(
  net: ResolvingRuntime["net"],
  host: string,
  subnets: readonly Subnet[],
): Promise<readonly string[]> {
  let found: readonly string[];
  try {
    found = await net.lookUp(host);
  } catch (cause) {
    throw unknownHost(host, cause);
  }
  if (found.length === 0) throw unknownHost(host);
  return [...new Set(inOrder(found, subnets))].slice(0, HOST_ADDRESSES_MAX);
}

/**
 * Of the addresses that a name has, those of families that this machine uses, if any are: IPv4 first, which all servers
 * have, and otherwise as the resolver has them.
 */
function inOrder(found: readonly string[], subnets: readonly Subnet[]): readonly string[] {
  const uses = (address: string): boolean =>
    isLoopback(address) ||
    subnets.some(({ address: own }) => !isLoopback(own) && isIpv4(own) === isIpv4(address));
  const usable = found.filter(uses);
  const taken = usable.length > 0 ? usable : found;
  return [...taken.filter(isIpv4), ...taken.filter((each) => !isIpv4(each))];
}

function unknownHost(host: string, cause?: unknown): ShoalError {
  const hint = "Check the spelling, or give its address.";
  return new ShoalError("usage", `unknown host '${host}'`, { hint, cause });
}

/** A look-up cannot be called off: whoever gives up leaves it behind. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new ShoalError("interrupted", "interrupted"));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function usage(message: string, hint: string): ShoalError {
  return new ShoalError("usage", message, { hint });
}
