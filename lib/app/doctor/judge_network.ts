/** What is to be said of this machine's network: interfaces, ports, broadcasts, who is heard. Pure. */
import { isIpv4, isLoopback, type Subnet } from "../../address.ts";
import type { PortState } from "../../io/system/host_facts.ts";
import { DATA_PORT_FIRST, DATA_PORT_LAST, DISCOVERY_PORT, MASTER_PORT } from "../../limits.ts";
import { MTU_BYTES_DEFAULT } from "../../wire/limits.ts";
import type { BroadcastEchoes } from "../discovery/broadcast_echoes.ts";
import { type Finding, note, ok, problem, warning } from "./finding.ts";
import { SERVERS_TOLD_MAX } from "./limits.ts";

/** What IPv4 and UDP take of a datagram. */
const HEADERS_BYTES = 28;

export interface LinkSeen {
  readonly name: string;
  readonly addresses: readonly string[];
  /** The longest packet that it takes; absent where that is not known. */
  readonly mtuBytes?: number;
  /** Whether something is connected; absent where that is not known. */
  readonly isUp?: boolean;
}

/** Interfaces with addresses, but for loopback. */
export function linksOf(
  subnets: readonly Subnet[],
  about: (name: string) => Pick<LinkSeen, "mtuBytes" | "isUp">,
): readonly LinkSeen[] {
  const byName = new Map<string, string[]>();
  for (const { interface: name = "", address } of subnets) {
    if (!isLoopback(address)) byName.set(name, [...byName.get(name) ?? [], address]);
  }
  return [...byName].map(([name, addresses]) => ({ name, addresses, ...about(name) }));
}

/** @param isKnown whether interfaces may be looked at */
export function judgeLinks(links: readonly LinkSeen[], isKnown: boolean): Finding[] {
  if (!isKnown) return [note("interfaces", "Deno may not look at the interfaces (--allow-sys)")];
  if (links.length === 0) {
    return [problem(
      "interfaces",
      "no network interface is up and has an address",
      "Connect a cable or join a Wi-Fi.",
    )];
  }
  const findings = links.flatMap(judgeLink);
  if (!links.some(({ addresses }) => addresses.some(isIpv4))) {
    findings.push(note("interfaces", "there is no IPv4: only servers with IPv6 are found"));
  }
  return findings;
}

function judgeLink({ name, addresses, mtuBytes, isUp }: LinkSeen): Finding[] {
  const text = `${name}: ${addresses.join(", ")}`;
  if (isUp === false) {
    const advice = "Connect its cable, or join its Wi-Fi; --no-interface leaves it out.";
    return [warning("interfaces", `${text}, but nothing is connected to it`, advice)];
  }
  const ipv4 = addresses.filter(isIpv4);
  if (ipv4.length > 0 && ipv4.every((address) => address.startsWith("169.254."))) {
    return [warning(
      "interfaces",
      `${text}: an address that it gave itself, as nobody on the network gave it one`,
      "Check the router or the DHCP server; machines with such addresses find each other only.",
    )];
  }
  if (mtuBytes !== undefined && mtuBytes < MTU_BYTES_DEFAULT + HEADERS_BYTES) {
    const message = `${text}: it takes packets of ${mtuBytes} bytes, less than usual`;
    return [note("interfaces", message, "Nothing has to be done: datagrams are made shorter.")];
  }
  return [ok("interfaces", mtuBytes === undefined ? text : `${text}, MTU ${mtuBytes}`)];
}

export interface PortsSeen {
  /** The port of discovery and of TCP that was asked about. */
  readonly port: number;
  readonly discovery: PortState;
  /** Of those from `DATA_PORT_FIRST` on. */
  readonly data: readonly PortState[];
  readonly tcp: PortState;
  readonly master: PortState;
  /** Whether a server of this machine has answered. */
  readonly hasOwnServer: boolean;
}

export function judgePorts(seen: PortsSeen): Finding[] {
  const { port, discovery, data, tcp, master, hasOwnServer } = seen;
  if (discovery === "not allowed") return [];
  const findings: Finding[] = [];
  const used = data.filter((state) => state === "in use").length;
  if (discovery === "in use" && !hasOwnServer) {
    findings.push(warning(
      "ports",
      `UDP port ${port} is in use, and no server of this machine answers there`,
      `See which program has it (\`ss -ulpn sport = :${port}\`) and end it, or give all sides another --port. A server that has a secret answers nobody without it.`,
    ));
  }
  if (tcp === "in use" && !hasOwnServer) {
    findings.push(warning(
      "ports",
      `TCP port ${port} is in use by another program: a server would take another one`,
      `See which program has it (\`ss -tlpn sport = :${port}\`) and end it, or name one with --tcp-port.`,
    ));
  }
  if (used === data.length) {
    findings.push(warning(
      "ports",
      `all UDP ports from ${DATA_PORT_FIRST} to ${DATA_PORT_LAST} are in use: a server would take a random one, ` +
        "which firewalls do not know",
      "End what has them, or give a server a --data-port that is open.",
    ));
  }
  if (findings.length > 0) return findings;
  const taken = [
    ...(discovery === "in use" ? [`UDP ${port}`] : []),
    ...(used > 0 ? [`${used} of UDP ${DATA_PORT_FIRST}-${DATA_PORT_LAST}`] : []),
    ...(tcp === "in use" ? [`TCP ${port}`] : []),
    ...(master === "in use" ? [`TCP ${MASTER_PORT} (a master?)`] : []),
  ];
  const message = taken.length === 0
    ? "all ports of a server are free"
    : `in use: ${taken.join(", ")}` + (hasOwnServer ? "; a server runs on this machine" : "");
  return [ok("ports", message)];
}

/** What came back of what was broadcast to ports of this machine. */
export interface EchoesSeen {
  /** To a port like that of a client; and like those of a server, of discovery and of data. */
  readonly client?: BroadcastEchoes | undefined;
  readonly discovery?: BroadcastEchoes | undefined;
  readonly data?: BroadcastEchoes | undefined;
  /** The same by the group of IPv6, of all links that have it. */
  readonly group?: BroadcastEchoes | undefined;
}

export function judgeEchoes({ client, discovery, data, group }: EchoesSeen): Finding[] {
  const isDropped = (echoes: BroadcastEchoes | undefined): boolean =>
    echoes !== undefined && echoes.sent > 0 && echoes.heard === 0;
  const findings: Finding[] = [];
  if (isDropped(client)) {
    findings.push(warning(
      "broadcast",
      "what is broadcast does not come back: a firewall on this machine seems to drop what comes in, so answers as well",
      "Name servers with --server HOST, whose answers a firewall knows to be wanted, or let UDP in from your network.",
    ));
  }
  const closed = [
    ...(isDropped(discovery) ? [`UDP ${DISCOVERY_PORT}`] : []),
    ...(isDropped(data) ? [`UDP ${DATA_PORT_FIRST}-${DATA_PORT_LAST}`] : []),
  ];
  if (closed.length > 0) {
    findings.push(warning(
      "broadcast",
      `what comes in at ${
        closed.join(" and ")
      } is dropped: others don't find a server on this machine, or get nothing from it`,
      "Let it in through the firewall of this machine, if it is to be a server.",
    ));
  }
  if (isDropped(group)) {
    const message = "IPv6 multicasts that this machine sends do not come back";
    findings.push(
      note(
        "broadcast",
        message,
        "Nothing has to be done where there is IPv4, which is used as well.",
      ),
    );
  }
  if (findings.length > 0) return findings;
  const heard = [
    ...((client?.heard ?? 0) > 0 ? ["broadcasts"] : []),
    ...((group?.heard ?? 0) > 0 ? ["IPv6 multicasts"] : []),
  ];
  return heard.length === 0 ? [] : [
    ok(
      "broadcast",
      `${
        heard.join(" and ")
      } that this machine sends come back to it, at the ports of clients and servers`,
    ),
  ];
}

/** @param refusals what the system said of what it did not send */
export function judgeRefusals(refusals: readonly string[]): Finding[] {
  const advice = "Allow outgoing UDP in this machine's firewall, or mend the route.";
  return refusals.map((message) => problem("firewall", message, advice));
}

/** @param places where each server that has answered is asked, one place each */
export function judgeServers(places: readonly string[]): Finding[] {
  const told = places.slice(0, SERVERS_TOLD_MAX);
  const rest = places.length - told.length;
  if (places.length > 0) {
    const more = rest > 0 ? ` and ${rest} more` : "";
    return [ok("servers", `found: ${told.join(", ")}${more}`)];
  }
  return [note(
    "servers",
    "no server of this network answers",
    "Start one, or look at one that should be there with --server HOST; in another subnet it has to be named.",
  )];
}
