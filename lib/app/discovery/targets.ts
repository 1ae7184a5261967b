/** Where a client sends its queries: broadcast addresses, or the hosts that the user named. */
import { type Endpoint, endpointKey, isIpv4 } from "../../address.ts";
import type { FindTargets } from "../../protocol/discovery/find_targets.ts";
import {
  checkInterfaces,
  discoveryAddresses,
  endpointsOf,
  type HostAddresses,
  resolveHost,
  type ResolvingRuntime,
  sweepAddresses,
} from "../../io/net/network.ts";
import { DATA_PORT_FIRST, DATA_PORT_LAST } from "../../limits.ts";
import type { ResolvedFindOptions } from "../option_defaults.ts";

export interface Targets {
  /** Where each FIND goes, now: interfaces come and go. */
  find(): FindTargets;
  /** Where classic requests go. */
  classic(): readonly Endpoint[];
  /** Who is asked one by one, where the user wants that. */
  sweep(): readonly Endpoint[];
}

/** Throws ShoalError `usage` for a host that cannot be asked, `no_server` for one whose address is not found out. */
export async function resolveTargets(
  options: ResolvedFindOptions,
  runtime: ResolvingRuntime,
): Promise<Targets> {
  const { port, servers, broadcast, sweep } = options;
  const choice = { only: options.interfaces, except: options.exceptInterfaces };
  checkInterfaces(choice, runtime.net.subnets());
  if (servers.length > 0) {
    const hosts = await Promise.all(servers.map((text) => resolveHost(runtime, text, options)));
    const likely = distinct(hosts.flatMap((host) => endpointsOf(host, port)));
    const possible = distinct(hosts.flatMap(dataPortsOf));
    return { find: () => ({ likely, possible }), classic: () => likely, sweep: () => [] };
  }
  const { net } = runtime;
  const at = (addresses: readonly string[]) => addresses.map((address) => ({ address, port }));
  const likely = () => at(broadcast ?? discoveryAddresses(net.subnets(), choice));
  return {
    find: () => ({ likely: likely(), possible: [] }),
    // The older programs know no IPv6.
    classic: () => likely().filter(({ address }) => isIpv4(address)),
    // Who names addresses to ask has named all.
    sweep: () => sweep && broadcast === undefined ? at(sweepAddresses(net.subnets(), choice)) : [],
  };
}

/** A broadcast reaches every server of a host, but only one of them is reached by its discovery port. */
function dataPortsOf({ addresses, port }: HostAddresses): Endpoint[] {
  if (port !== undefined) return [];
  const ports: number[] = [];
  for (let each = DATA_PORT_FIRST; each <= DATA_PORT_LAST; each++) ports.push(each);
  return addresses.flatMap((address) => ports.map((each) => ({ address, port: each })));
}

function distinct(endpoints: readonly Endpoint[]): Endpoint[] {
  return [...new Map(endpoints.map((each) => [endpointKey(each), each])).values()];
}
