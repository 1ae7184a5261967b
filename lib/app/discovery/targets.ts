/** Where a client sends its queries: broadcast addresses, or the hosts that the user named. */
import { type Endpoint, endpointKey } from "../../address.ts";
import {
  discoveryAddresses,
  endpointsOf,
  type HostAddresses,
  resolveHost,
  type ResolvingRuntime,
} from "../../io/net/network.ts";
import { DATA_PORT_FIRST, DATA_PORT_LAST } from "../../limits.ts";
import type { ResolvedFindOptions } from "../option_defaults.ts";

export interface Targets {
  /** Where each FIND goes, now: interfaces come and go. */
  find(): readonly Endpoint[];
  /** Where classic requests go. */
  classic(): readonly Endpoint[];
}

/** Throws ShoalError `usage` for a host that cannot be asked, `no_server` for one whose address is not found out. */
export async function resolveTargets(
  options: ResolvedFindOptions,
  runtime: ResolvingRuntime,
): Promise<Targets> {
  const { port, servers, broadcast } = options;
  if (servers.length > 0) {
    const hosts = await Promise.all(servers.map((text) => resolveHost(runtime, text, options)));
    const find = distinct(hosts.flatMap((host) => portsOf(host, port)));
    const classic = distinct(hosts.flatMap((host) => endpointsOf(host, port)));
    return { find: () => find, classic: () => classic };
  }
  const endpoints = () =>
    (broadcast ?? discoveryAddresses(runtime.net.subnets())).map((address) => ({ address, port }));
  return { find: endpoints, classic: endpoints };
}

/** A broadcast reaches every server of a host, but only one of them is reached by its discovery port. */
function portsOf({ addresses, port }: HostAddresses, discoveryPort: number): Endpoint[] {
  const ports = [port ?? discoveryPort];
  if (port === undefined) {
    for (let each = DATA_PORT_FIRST; each <= DATA_PORT_LAST; each++) ports.push(each);
  }
  return addresses.flatMap((address) => ports.map((each) => ({ address, port: each })));
}

function distinct(endpoints: readonly Endpoint[]): Endpoint[] {
  return [...new Map(endpoints.map((each) => [endpointKey(each), each])).values()];
}
