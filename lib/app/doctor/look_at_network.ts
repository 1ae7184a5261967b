/** Looks at this machine's network: interfaces, firewall, ports, and what comes back of what is broadcast. */
import { isIpv4, isLoopback } from "../../address.ts";
import type { DoctorRuntime } from "../../io/doctor_runtime.ts";
import { discoveryAddresses } from "../../io/net/network.ts";
import { DATA_PORT_FIRST, DATA_PORT_LAST, MASTER_PORT } from "../../limits.ts";
import { type BroadcastEchoes, broadcastEchoes } from "../discovery/broadcast_echoes.ts";
import type { ResolvedListOptions } from "../option_defaults.ts";
import type { Chain } from "./firewall_rules.ts";
import { iptablesRules } from "./iptables_rules.ts";
import type { FirewallSeen } from "./judge_firewall.ts";
import { type EchoesSeen, type LinkSeen, linksOf, type PortsSeen } from "./judge_network.ts";
import { DOCTOR_COMMAND_MS } from "./limits.ts";
import { nftRules } from "./nft_rules.ts";

export function lookAtLinks({ net, host }: DoctorRuntime): readonly LinkSeen[] {
  return linksOf(net.subnets(), (name) => {
    const about = (what: string) => host.readText(`/sys/class/net/${name}/${what}`)?.trim();
    const [mtu, state] = [about("mtu"), about("operstate")];
    return {
      ...(mtu !== undefined && { mtuBytes: Number(mtu) }),
      // Some kinds of interfaces are never more than "unknown".
      ...(state !== undefined && { isUp: state !== "down" && state !== "lowerlayerdown" }),
    };
  });
}

export async function lookAtFirewall(
  { host }: DoctorRuntime,
  port: number,
  links: readonly LinkSeen[],
): Promise<FirewallSeen> {
  const run = (command: string, ...args: string[]) => host.run(command, args, DOCTOR_COMMAND_MS);
  const isLinux = host.os === "linux";
  const [nft, iptables, legacy, firewalld] = isLinux
    ? await Promise.all([
      run("nft", "--json", "list", "ruleset"),
      run("iptables-save"),
      run("iptables-legacy-save"),
      run("firewall-cmd", "--state"),
    ])
    : [];
  const read: (readonly Chain[] | undefined)[] = [
    nft === undefined ? undefined : nftRules(nft),
    iptables === undefined ? undefined : iptablesRules(iptables),
    legacy === undefined ? undefined : iptablesRules(legacy),
  ];
  const known = read.filter((each) => each !== undefined);
  const isUfwOn = /^ENABLED=yes/m.test(host.readText("/etc/ufw/ufw.conf") ?? "");
  return {
    os: host.os,
    mayRun: !host.denied.includes("run"),
    port,
    links: links.map(({ name }) => name),
    managers: [
      ...(isUfwOn ? ["ufw" as const] : []),
      ...(firewalld?.startsWith("running") ? ["firewalld" as const] : []),
    ],
    ...(known.length > 0 && { chains: known.flat() }),
  };
}

export function lookAtPorts(
  { host }: DoctorRuntime,
  port: number,
): Omit<PortsSeen, "hasOwnServer"> {
  const data: number[] = [];
  for (let each = DATA_PORT_FIRST; each <= DATA_PORT_LAST; each++) data.push(each);
  return {
    port,
    discovery: host.port("udp", port),
    data: data.map((each) => host.port("udp", each)),
    tcp: host.port("tcp", port),
    master: host.port("tcp", MASTER_PORT),
  };
}

type EchoOptions =
  & Pick<PortsSeen, "port" | "data">
  & Pick<ResolvedListOptions, "broadcast" | "interfaces" | "exceptInterfaces">;

export async function lookAtEchoes(
  runtime: DoctorRuntime,
  { port, data, broadcast, interfaces, exceptInterfaces }: EchoOptions,
  signal: AbortSignal,
): Promise<EchoesSeen> {
  const choice = { only: interfaces, except: exceptInterfaces };
  const asked = broadcast ?? discoveryAddresses(runtime.net.subnets(), choice);
  const broadcasts = asked.filter((each) => isIpv4(each) && !isLoopback(each));
  const groups = asked.filter((each) => !isIpv4(each));
  const free = data.indexOf("free");
  const echoes = (
    addresses: readonly string[],
    at?: number,
  ): Promise<BroadcastEchoes | undefined> =>
    addresses.length === 0
      ? Promise.resolve(undefined)
      : broadcastEchoes(runtime, addresses, signal, at);
  const [client, discovery, ofData, group] = await Promise.all([
    echoes(broadcasts),
    echoes(broadcasts, port),
    free === -1 ? undefined : echoes(broadcasts, DATA_PORT_FIRST + free),
    echoes(groups),
  ]);
  return { client, discovery, data: ofData, group };
}
