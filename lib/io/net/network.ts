/**
 * What follows from this machine's network: where a broadcast has to go, and which endpoints a host that somebody named
 * stands for. IPv4 only.
 */
import {
  broadcastAddress,
  type Endpoint,
  isGroupAddress,
  isIpv4,
  isIpv6,
  isLoopback,
  LIMITED_BROADCAST,
  LOOPBACK_BROADCAST,
  parseHostPort,
  type Subnet,
} from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import type { Clock } from "../system/clock.ts";
import { HOST_ADDRESSES_MAX } from "./limits.ts";
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

export interface ResolvePatience {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Whether others may reach a machine of these subnets at more than one address; true where they are not known. */
export function hasSeveralAddresses(subnets: readonly Subnet[]): boolean {
  return subnets.length === 0 || subnets.filter(({ address }) => !isLoopback(address)).length > 1;
}

/** Where a search goes by default: each interface's directed broadcast address, loopback's included. */
export function discoveryAddresses(subnets: readonly Subnet[]): readonly string[] {
  if (subnets.length === 0) return [LOOPBACK_BROADCAST, LIMITED_BROADCAST];
  const found = subnets.map(broadcastAddress).filter((address) => address !== undefined);
  return [...new Set([LOOPBACK_BROADCAST, ...found])];
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
  if (isIpv6(named?.host ?? "") || text.includes("[")) {
    throw usage(`'${text}' is not an IPv4 address`, "IPv6 is not supported yet.");
  }
  if (named === undefined) {
    throw usage(`'${text}' is no host, with a port or without`, "Give HOST or HOST:PORT.");
  }
  const { host, port } = named;
  const looking = isIpv4(host) ? [host] : lookUp(net, host);
  const addresses = looking instanceof Promise
    ? await clock.within(untilAborted(looking, signal), timeoutMs)
    : looking;
  if (addresses === undefined) {
    const message = `the address of ${host} cannot be found out: no answer for ${timeoutMs} ms`;
    const hint = "Check the name server of this machine, or give the host's IPv4 address.";
    throw new ShoalError("no_server", message, { hint });
  }
  const subnets = net.subnets();
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

async function lookUp(net: ResolvingRuntime["net"], host: string): Promise<readonly string[]> {
  let found: readonly string[];
  try {
    found = await net.lookUp(host);
  } catch (cause) {
    throw unknownHost(host, cause);
  }
  if (found.length === 0) throw unknownHost(host);
  return [...new Set(found)].slice(0, HOST_ADDRESSES_MAX);
}

function unknownHost(host: string, cause?: unknown): ShoalError {
  const hint = "Check the spelling, or give its IPv4 address.";
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
