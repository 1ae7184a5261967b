/** What is to be said of a server that was named, at each of its addresses. Pure. */
import { type Endpoint, endpointText, isIpv4 } from "../../address.ts";
import { DATA_PORT_FIRST, DATA_PORT_LAST } from "../../limits.ts";
import { type HostOutcome, silenceOf } from "../discovery/silence.ts";
import { type Finding, note, ok, problem, warning } from "./finding.ts";

export interface HostSeen {
  /** Where it was asked first. */
  readonly endpoint: Endpoint;
  /** Whether a search was answered. */
  readonly isHeard: boolean;
  readonly tcp: HostOutcome;
  /** The UDP port that it answers from, where it does not hear what is sent to that. */
  readonly deafPort?: number;
  /** What came of asking it for data over UDP; absent where there was no file to ask for. */
  readonly data?: DataSeen;
}

export interface DataSeen {
  /** Where it was asked. */
  readonly port: number;
  /** The longest datagram that came, 0 if none did; and the longest that was asked for. */
  readonly longestBytes: number;
  readonly askedBytes: number;
}

/** @param refused whether this machine's own firewall kept back what was sent there */
export function judgeHosts(hosts: readonly HostSeen[], refused: readonly string[]): Finding[] {
  const isSound = ({ isHeard, data }: HostSeen): boolean => isHeard && data?.longestBytes !== 0;
  const isReached = hosts.some(isSound);
  return hosts.flatMap((host) => {
    const findings = judgeHost(host, refused);
    // One family is enough: what the other lacks is only slower.
    return isReached && !isSound(host)
      ? findings.map((each) => ({ ...each, severity: "note" as const }))
      : findings;
  });
}

function judgeHost(host: HostSeen, refused: readonly string[]): Finding[] {
  const { endpoint, isHeard, tcp, deafPort, data } = host;
  const place = endpointText(endpoint);
  const family = isIpv4(endpoint.address) ? "IPv4" : "IPv6";
  const dataPorts = `${DATA_PORT_FIRST}-${DATA_PORT_LAST}`;
  if (!isHeard && deafPort !== undefined) return [deaf(host, deafPort, family)];
  if (!isHeard && tcp === "open" && refused.includes(endpoint.address)) {
    return [note("server", `${place} takes TCP connections (${family})`)];
  }
  if (!isHeard && tcp === "open") {
    return [warning(
      "server",
      `${place} takes TCP connections and does not answer over UDP (${family})`,
      `Open UDP ${endpoint.port} and ${dataPorts} in its firewall and on the path; until then it takes --server, and TCP is used. Unless it has a secret: then it answers nobody without it, over TCP neither; see \`secret --help\`.`,
    )];
  }
  if (!isHeard) {
    const { why, hint } = silenceOf({
      ...{ port: endpoint.port, lostMasters: [], subnets: [], broadcasts: [], isLimited: false },
      hosts: [{ endpoint, outcome: tcp }],
      refused: refused.map((address) => ({ refusal: "blocked", address })),
    });
    return [problem("server", `${why} (${family})`, hint)];
  }
  if (data?.longestBytes === 0) return [deaf(host, data.port, family)];
  const findings: Finding[] = [];
  if (data !== undefined && data.longestBytes < data.askedBytes) {
    findings.push(note(
      "server",
      `datagrams from ${place} arrive up to ${data.longestBytes} bytes, not of ${data.askedBytes} (${family})`,
      "Nothing has to be done: `get` finds out by itself. A VPN or a tunnel on the path takes its share.",
    ));
  }
  if (tcp !== "open") {
    findings.push(note(
      "server",
      `${place} answers over UDP, and takes no TCP connections (${family})`,
      `TCP ${endpoint.port} is for uploads, for --tcp, and where UDP is blocked.`,
    ));
  }
  if (findings.length > 0) return findings;
  const length = data === undefined ? "" : `, in datagrams of ${data.longestBytes} bytes`;
  return [ok("server", `${place} answers over UDP and TCP${length} (${family})`)];
}

/** It answers, and nothing that is sent to its data port gets there, or nothing comes from there. */
function deaf({ endpoint, tcp }: HostSeen, dataPort: number, family: string): Finding {
  const place = endpointText(endpoint);
  const isUsual = dataPort >= DATA_PORT_FIRST && dataPort <= DATA_PORT_LAST;
  const ports = isUsual ? `${DATA_PORT_FIRST}-${DATA_PORT_LAST}` : `${dataPort}`;
  const isOpen = tcp === "open";
  const fallback = isOpen
    ? "Until then TCP is used, which works."
    : `Or open TCP ${endpoint.port}, which is used then.`;
  const tell = isOpen ? warning : problem;
  return tell(
    "server",
    `${place} answers searches, and no data comes through its UDP port ${dataPort} (${family})`,
    `Open UDP ${ports} in its firewall and on the path. ${fallback}`,
  );
}
