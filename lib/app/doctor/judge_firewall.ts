/** What this machine's firewall does to the ports of Shoal, by its rules. Pure. */
import { DATA_PORT_FIRST, DATA_PORT_LAST } from "../../limits.ts";
import { type Finding, note, ok, problem, warning } from "./finding.ts";
import { type Chain, type Packet, verdictOn } from "./firewall_rules.ts";

const DATA_PORTS = `UDP ${DATA_PORT_FIRST}-${DATA_PORT_LAST}`;
/** One of those that clients are given. */
const ANY_PORT = 50_000;

export interface FirewallSeen {
  readonly os: string;
  /** Whether Deno may run the programs that tell of rules. */
  readonly mayRun: boolean;
  /** Of all that could be read; absent where none could be. */
  readonly chains?: readonly Chain[];
  /** What manages them, as far as that is known. */
  readonly managers: readonly ("ufw" | "firewalld")[];
  /** Interfaces that lead to other machines, by name. */
  readonly links: readonly string[];
  readonly port: number;
}

export function judgeFirewall(seen: FirewallSeen): Finding[] {
  const { chains, managers, port } = seen;
  if (chains === undefined) return [unread(seen)];
  const to = (direction: "input" | "output"): Asked[] => [
    { packet: { direction, transport: "udp", port }, text: `UDP ${port}` },
    ...dataPorts().map((each) => ({
      packet: { direction, transport: "udp", port: each } as const,
      text: DATA_PORTS,
    })),
    { packet: { direction, transport: "tcp", port }, text: `TCP ${port}` },
  ];
  // What a server answers goes to any port.
  const from = [port, ...dataPorts()].map((fromPort): Asked => ({
    packet: { direction: "output", transport: "udp", port: ANY_PORT, fromPort },
    text: fromPort === port ? `UDP ${port}` : DATA_PORTS,
  }));
  const incoming = dropped(seen, chains, to("input"));
  const outgoing = dropped(seen, chains, to("output"));
  const answers = dropped(seen, chains, from);
  const findings: Finding[] = [];
  if (outgoing !== undefined) {
    findings.push(problem(
      "firewall",
      `the firewall of this machine drops what goes out to ${outgoing.text} (${outgoing.where})`,
      "Allow outgoing traffic to these ports, or no server can be asked.",
    ));
  }
  if (answers !== undefined && outgoing === undefined) {
    findings.push(warning(
      "firewall",
      `the firewall of this machine drops what goes out from ${answers.text} (${answers.where})`,
      "Allow it, or a server on this machine answers nobody.",
    ));
  }
  if (incoming !== undefined) {
    findings.push(warning(
      "firewall",
      `the firewall of this machine drops what comes in to ${incoming.text} (${incoming.where}): ` +
        "others can't fetch from a server here",
      opening(managers, port, incoming.where),
    ));
  }
  return findings.length > 0
    ? findings
    : [ok("firewall", "no firewall rule that could be read blocks Shoal's ports")];
}

interface Dropped {
  readonly text: string;
  readonly where: string;
}

interface Asked {
  readonly packet: Packet;
  /** Which ports it stands for. */
  readonly text: string;
}

/** By whichever interface; `undefined` where nothing is. */
function dropped(
  { links }: Pick<FirewallSeen, "links">,
  chains: readonly Chain[],
  asked: readonly Asked[],
): Dropped | undefined {
  const ways = links.length > 0 ? links.map((link) => ({ link })) : [{}];
  const bad = asked.flatMap(({ packet, text }) =>
    ways.map((way) => ({ text, verdict: verdictOn({ ...packet, ...way }, chains) }))
  ).filter(({ verdict }) => verdict.kind === "drop");
  const [first] = bad;
  if (first === undefined) return undefined;
  const text = [...new Set(bad.map((each) => each.text))].join(", ");
  return { text, where: first.verdict.where ?? "its policy" };
}

function dataPorts(): readonly number[] {
  const count = DATA_PORT_LAST - DATA_PORT_FIRST + 1;
  return Array.from({ length: count }, (_, i) => DATA_PORT_FIRST + i);
}

function opening(managers: FirewallSeen["managers"], port: number, where: string): string {
  const range = `${DATA_PORT_FIRST}-${DATA_PORT_LAST}`;
  if (managers.includes("ufw")) {
    return `sudo ufw allow ${port} && sudo ufw allow ${range.replace("-", ":")}/udp`;
  }
  if (managers.includes("firewalld")) {
    const ports = [`${port}/tcp`, `${port}/udp`, `${range}/udp`];
    const added = ports.map((each) => `--add-port=${each}`).join(" ");
    return `sudo firewall-cmd --permanent ${added} && sudo firewall-cmd --reload`;
  }
  const [, table, chain] = /^table (.+), chain (.+)$/.exec(where) ?? [];
  if (table === undefined || chain === undefined) {
    return `Allow UDP ${port}, ${range} and TCP ${port}.`;
  }
  if (table === "filter") {
    return `sudo iptables -I INPUT -p udp -m multiport --dports ${port},${
      range.replace("-", ":")
    } -j ACCEPT` +
      ` && sudo iptables -I INPUT -p tcp --dport ${port} -j ACCEPT`;
  }
  const rule = `sudo nft insert rule ${table} ${chain}`;
  return `${rule} udp dport '{ ${port}, ${range} }' accept && ${rule} tcp dport ${port} accept`;
}

function unread({ os, mayRun, managers }: FirewallSeen): Finding {
  const [manager] = managers;
  if (manager !== undefined) {
    return note(
      "firewall",
      `${manager} is on, and its rules can be read by administrators only`,
      manager === "ufw" ? "See `sudo ufw status`." : "See `sudo firewall-cmd --list-all`.",
    );
  }
  if (os === "linux" && !mayRun) {
    return note("firewall", "rules of the firewall are read with --allow-run only");
  }
  return os === "linux"
    ? note("firewall", "the rules of this machine's firewall can be read by administrators only")
    : note("firewall", "what the firewall of this system does can't be read here");
}
