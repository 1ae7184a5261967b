/**
 * Why nobody answers a search: the most likely cause, from what was seen of this machine's network and of the hosts that
 * were named. Pure.
 */
import { type Endpoint, endpointText, isLoopback, type Subnet } from "../../address.ts";
import { MASTER_PORT } from "../../limits.ts";
import { udpPortsText } from "../../port_texts.ts";
import type { ConnectProblem } from "../../io/net/connect_outcome.ts";
import type { SendRefusal } from "../../protocol/base/send_refusals.ts";

/** What became of a connection to a host that was named: "open" if somebody took it, "unknown" if it is not over. */
export type HostOutcome = ConnectProblem | "open" | "unknown";

/** What was seen while nobody answered. */
export interface Seen {
  /** The port at which everybody is asked. */
  readonly port: number;
  /** Masters that were to be asked as well, and cannot be had. */
  readonly lostMasters: readonly string[];
  /** What this machine's interfaces are on; none where that may not be looked at. */
  readonly subnets: readonly Subnet[];
  /** The hosts that were named, which alone were asked; none where everybody was. */
  readonly hosts: readonly { readonly endpoint: Endpoint; readonly outcome: HostOutcome }[];
  /** Where everybody was asked; those that lead to other machines. */
  readonly broadcasts: readonly string[];
  /** Whether the user said which of these, or which interfaces, are to be used. */
  readonly isLimited: boolean;
  /** What the system refused to send, and to which addresses. */
  readonly refused: readonly { readonly refusal: SendRefusal; readonly address: string }[];
  /** Of those broadcast addresses to which something was sent that should come back to us too, which it did from. */
  readonly echoes?: { readonly sent: number; readonly heard: number };
}

export interface Silence {
  /** Ends a sentence: "nobody answered: …". */
  readonly why: string;
  /** What to do about it. */
  readonly hint: string;
}

export function silenceOf(seen: Seen): Silence {
  return seen.hosts.length > 0 ? silenceOfHosts(seen) : silenceOfAll(seen);
}

/** Whether nobody can answer, so that it is not worth waiting: nothing listens at any of the hosts, or leads there. */
export function isVain({ hosts }: Pick<Seen, "hosts">): boolean {
  return hosts.length > 0 &&
    hosts.every(({ outcome }) => outcome === "refused" || outcome === "no route");
}

function silenceOfHosts({ hosts, refused }: Seen): Silence {
  const blocked = hosts.filter(({ endpoint, outcome }) =>
    outcome === "blocked" ||
    refused.some(({ refusal, address }) => refusal === "blocked" && address === endpoint.address)
  );
  if (blocked.length === hosts.length) return ownFirewall(placesOf(blocked));
  const those = (outcome: HostOutcome) => hosts.filter((each) => each.outcome === outcome);
  const open = those("open");
  if (open.length > 0) {
    return {
      why: `${placesOf(open)} takes TCP connections there, and answers no search`,
      hint:
        "Is that a server of Shoal, and is it not suspended? Check the port, which `server` prints. One that has a secret answers nobody without it.",
    };
  }
  const silent = hosts.filter(({ outcome }) => outcome === "silent" || outcome === "unknown");
  if (silent.length > 0) {
    const { port } = silent[0]!.endpoint;
    return {
      why: `${placesOf(silent)} answers neither over UDP nor over TCP`,
      hint:
        `Check the address, start \`server\` there, and open ${
          udpPortsText(port)
        }, or TCP ${port}, in its ` +
        "firewall; a server that has a secret answers nobody without it. `doctor --server HOST` looks closer.",
    };
  }
  const present = those("refused");
  if (present.length > 0) {
    return {
      why: `no server listens at ${placesOf(present)}: TCP is refused there, and UDP not answered`,
      hint: "Start `server` there, or name its port, as in --server HOST:PORT.",
    };
  }
  return {
    why: `nothing leads to ${placesOf(hosts, ({ address }) => address)}, or it is off`,
    hint: "Check the address, and the cable, Wi-Fi or VPN of this machine.",
  };
}

function silenceOfAll(seen: Seen): Silence {
  const { port, lostMasters, subnets, broadcasts, isLimited, refused, echoes } = seen;
  const others = subnets.filter(({ address }) => !isLoopback(address));
  if (subnets.length > 0 && others.length === 0) {
    return {
      why: "no network interface of this machine is up and has an address",
      hint: "Connect a cable or join a Wi-Fi, then run it again.",
    };
  }
  if (broadcasts.length === 0) {
    return isLimited
      ? {
        why: "by --broadcast or --interface, the search was kept to this machine",
        hint: "Leave that out, or name the server with --server HOST.",
      }
      : {
        why: "no interface of this machine knows broadcasts, as on a link between two machines",
        hint: "Name the server with --server HOST.",
      };
  }
  const isRefused = (address: string): boolean =>
    refused.some((each) => each.refusal === "blocked" && each.address === address);
  if (broadcasts.every(isRefused)) return ownFirewall(broadcasts.join(", "));
  if (echoes !== undefined && echoes.sent > 0 && echoes.heard === 0) {
    return {
      why: "a firewall on this machine seems to drop what comes in, so answers as well",
      hint:
        "Name the server with --server HOST, whose answers a firewall knows to be wanted, or let UDP in from your network.",
    };
  }
  const sent = echoes !== undefined && echoes.heard > 0
    ? "broadcasts leave this machine and come back to it, and no server of its network answers"
    : "no server of this network answers broadcasts";
  const [master, ...otherMasters] = lostMasters;
  if (master !== undefined) {
    const also = otherMasters.length === 0 ? "" : ` and ${otherMasters.length} more`;
    return {
      why: `${sent}, and the master ${master}${also} cannot be asked`,
      hint:
        `Check the address of the master, that \`master\` runs there, and that its firewall lets in TCP ${MASTER_PORT}, or its ` +
        "port if it has another. Until then a server in another subnet has to be named, with --server HOST.",
    };
  }
  return {
    why: sent,
    hint:
      `Start \`server\` on the machine that has the file, and open ${
        udpPortsText(port)
      } in its firewall. In another ` +
      "subnet it has to be named, with --server HOST, or known to a --master. Servers that have a secret answer nobody without it.",
  };
}

function ownFirewall(where: string): Silence {
  return {
    why: `this machine's own firewall lets nothing out to ${where}`,
    hint: "Allow outgoing UDP in the firewall of this machine.",
  };
}

function placesOf(hosts: Seen["hosts"], text = endpointText): string {
  const [first = "", ...others] = new Set(hosts.map(({ endpoint }) => text(endpoint)));
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}
