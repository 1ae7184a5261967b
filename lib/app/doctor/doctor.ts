/** `doctor`: looks at all that may stand between this machine and files on others, and says what to do about it. */
import { endpointText } from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import { denoDoctorRuntime, type DoctorRuntime } from "../../io/doctor_runtime.ts";
import { wallMs } from "../../io/system/clock.ts";
import type { FindingEvent } from "../events.ts";
import { type ResolvedListOptions, resolveDoctor } from "../option_defaults.ts";
import type { DoctorOptions } from "../doctor_options.ts";
import { type Finding, problem } from "./finding.ts";
import { judgeFirewall } from "./judge_firewall.ts";
import { judgeClock, judgeDeno, judgeDisk, judgeSockets } from "./judge_machine.ts";
import {
  judgeEchoes,
  judgeLinks,
  judgePorts,
  judgeRefusals,
  judgeServers,
} from "./judge_network.ts";
import { judgeHosts } from "./judge_server.ts";
import { DOCTOR_MS_MAX } from "./limits.ts";
import { lookAtDisk, lookAtSockets } from "./look_at_machine.ts";
import { lookAtEchoes, lookAtFirewall, lookAtLinks, lookAtPorts } from "./look_at_network.ts";
import { type Heard, lookForServers } from "./look_at_servers.ts";

/**
 * Looks at this machine and its network, and at servers that are named, for about five seconds. Nothing is changed: to
 * see how fast a disk is, a file of its own is written into the download folder, which has lost its name by then.
 *
 * @param options what to look at
 * @returns what was found, in the order in which it was told; all is well where no `severity` is `warning` or `problem`
 * @throws {ShoalError} `usage` for a host that cannot be asked, `interrupted` through the signal
 *
 * @example Look at this machine
 * ```ts
 * import { assert } from "@std/assert";
 * import { diagnose } from "@shoal/shoal";
 *
 * const outDir = await Deno.makeTempDir();
 * // This machine alone; leave `broadcast` out to look at the whole network.
 * const findings = await diagnose({ outDir, broadcast: ["127.255.255.255"] });
 * assert(findings.some(({ check, severity }) => check === "disk" && severity !== "problem"));
 * ```
 */
export async function diagnose(options: DoctorOptions = {}): Promise<readonly FindingEvent[]> {
  return await diagnoseIn(denoDoctorRuntime(), options);
}

/** The same on a platform that is handed in. */
export async function diagnoseIn(
  runtime: DoctorRuntime,
  given: DoctorOptions,
): Promise<readonly FindingEvent[]> {
  const { outDir, onEvent, signal, machineOnly, ...options } = resolveDoctor(given);
  const { clock, net, host } = runtime;
  const ended = new AbortController();
  const ending = AbortSignal.any([ended.signal, ...(signal === undefined ? [] : [signal])]);
  clock.sleep(DOCTOR_MS_MAX, ended.signal).then(() => ended.abort());
  const told: FindingEvent[] = [];
  const tell = (findings: readonly Finding[]): void => {
    for (const finding of findings) {
      const event: FindingEvent = { event: "finding", ...finding };
      told.push(event);
      onEvent?.(event);
    }
  };
  try {
    tell(judgeDeno({ version: host.denoVersion, denied: host.denied }));
    const links = lookAtLinks(runtime);
    tell(judgeLinks(links, !host.denied.includes("sys")));
    // What is free is seen before anything here takes a port.
    const ports = lookAtPorts(runtime, options.port);
    const firewall = lookAtFirewall(runtime, options.port, links);
    const echoes = machineOnly ? {} : await lookAtEchoes(runtime, { ...options, ...ports }, ending);
    const sockets = await lookAtSockets(runtime);
    const looking = machineOnly ? Promise.resolve(NOBODY) : search(runtime, options, ending);
    // It may fail before its turn comes, which is when that is told.
    looking.catch(() => {});
    const disk = lookAtDisk(runtime, outDir);
    const rules = await firewall;
    const count = rules.chains?.reduce((sum, chain) => sum + chain.rules.length, 0);
    const message = `rules of the firewall that could be read: ${count ?? "none"}`;
    onEvent?.({ event: "notice", level: "verbose", message });
    tell(judgeFirewall(rules));
    tell(judgeEchoes(echoes));
    if (sockets !== undefined) tell(judgeSockets(sockets));
    tell(judgeClock(wallMs(clock)));
    tell(judgeDisk(await disk));
    const heard = await looking;
    const own = new Set(net.subnets().map(({ address }) => address));
    const paths = [...heard.servers.values()];
    const hasOwnServer = paths.flat().some(({ endpoint }) => own.has(endpoint.address));
    if (machineOnly) return told;
    tell(judgePorts({ ...ports, hasOwnServer }));
    tell(judgeRefusals(heard.refusals.map(({ message }) => message)));
    const blocked = heard.refusals.filter(({ refusal }) => refusal === "blocked");
    if (heard.failures.length > 0) tell(heard.failures);
    else if (options.servers.length > 0) {
      tell(judgeHosts(heard.hosts, blocked.map(({ to }) => to.address)));
    } else tell(judgeServers(paths.map(([path]) => endpointText(path!.endpoint))));
  } finally {
    ended.abort();
  }
  if (signal?.aborted) throw new ShoalError("interrupted", "interrupted");
  return told;
}

const NOBODY = { servers: new Map<never, never>(), refusals: [], hosts: [], failures: [] };

/** What keeps a search from being made is a finding as well. */
async function search(
  runtime: DoctorRuntime,
  options: ResolvedListOptions,
  signal: AbortSignal,
): Promise<Heard & { readonly failures: readonly Finding[] }> {
  try {
    return { ...await lookForServers(runtime, options, signal), failures: [] };
  } catch (thrown) {
    const { code, message, hint } = ShoalError.from(thrown);
    if (code === "usage" || code === "internal") throw thrown;
    const failures = [problem("servers", message, hint)];
    return { servers: new Map(), refusals: [], hosts: [], failures };
  }
}
