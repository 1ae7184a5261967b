/** Listens for servers, of everybody or of one host, and tries the ways to that one. */
import type { Endpoint } from "../../address.ts";
import type { DoctorRuntime } from "../../io/doctor_runtime.ts";
import { connectProblem } from "../../io/net/connect_outcome.ts";
import type { Offer } from "../../protocol/discovery/finder.ts";
import type { ServerPath } from "../../protocol/base/server_path.ts";
import type { HashHex, PeerId } from "../../ids.ts";
import { openSearch, type Search, type ToldRefusal } from "../discovery/search.ts";
import type { Layers } from "../../messages/transport_config.ts";
import type { HostOutcome } from "../discovery/silence.ts";
import { LIST_SCHEDULE_MS } from "../list/limits.ts";
import type { ResolvedListOptions } from "../option_defaults.ts";
import { probeData } from "./data_probe.ts";
import type { DataSeen, HostSeen } from "./judge_server.ts";
import { DATA_PROBE_MS, DOCTOR_CONNECT_MS, DOCTOR_LISTEN_MS } from "./limits.ts";

export interface Heard {
  /** Of each server, where it answered. */
  readonly servers: ReadonlyMap<PeerId, readonly ServerPath[]>;
  /** What the system did not send. */
  readonly refusals: readonly ToldRefusal[];
  /** Those of the hosts that were named. */
  readonly hosts: readonly HostSeen[];
}

/** Throws ShoalError where no socket can be opened, or for a host that cannot be asked. */
export async function lookForServers(
  runtime: DoctorRuntime,
  options: ResolvedListOptions,
  signal: AbortSignal,
): Promise<Heard> {
  const { clock } = runtime;
  const search = await openSearch(options, runtime);
  try {
    const servers = new Map<PeerId, ServerPath[]>();
    const claims: Endpoint[] = [];
    search.find(
      [{ by: "any" }],
      (news) => {
        if (news.kind !== "server") return;
        if (!news.isProved) return void claims.push(news.path.endpoint);
        servers.set(news.server, [...servers.get(news.server) ?? [], news.path]);
      },
      undefined,
      LIST_SCHEDULE_MS,
    );
    const named = options.servers.length > 0 ? search.classicTargets : [];
    const outcomes = Promise.all(named.map((each) => connectTo(runtime, options, each, signal)));
    await clock.sleep(DOCTOR_LISTEN_MS, signal);
    const tcp = await outcomes;
    const hosts: HostSeen[] = [];
    for (const [i, endpoint] of named.entries()) {
      const heard = [...servers].map(([server, paths]) => ({
        server,
        paths: paths.filter((path) => path.endpoint.address === endpoint.address)
          // The port that was asked first: its own one may be out of reach.
          .sort((a, b) => Number(isElsewhere(a, endpoint)) - Number(isElsewhere(b, endpoint))),
      })).find(({ paths }) => paths.length > 0);
      const data = heard === undefined
        ? undefined
        : await lookAtData(runtime, search, heard.server, heard.paths, options.layers, signal);
      const isHeard = heard !== undefined;
      const claim = claims.find(({ address }) => address === endpoint.address);
      hosts.push({
        ...{ endpoint, isHeard, tcp: tcp[i]! },
        ...(!isHeard && claim !== undefined && { deafPort: claim.port }),
        ...(data !== undefined && { data }),
      });
    }
    return { servers, refusals: search.refusals, hosts };
  } finally {
    await search.close();
  }
}

function isElsewhere({ endpoint }: ServerPath, { port }: Endpoint): boolean {
  return endpoint.port !== port;
}

async function connectTo(
  { clock, net }: DoctorRuntime,
  { layers }: Pick<ResolvedListOptions, "layers">,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<HostOutcome> {
  const [late, over] = [new AbortController(), new AbortController()];
  clock.sleep(DOCTOR_CONNECT_MS, over.signal).then(() => late.abort());
  try {
    const stream = await net.connect(endpoint, layers, AbortSignal.any([late.signal, signal]));
    stream.close();
    return "open";
  } catch (cause) {
    return late.signal.aborted || signal.aborted ? "silent" : connectProblem(cause);
  } finally {
    over.abort();
  }
}

/** `undefined` where it offers nothing that could be asked for. */
async function lookAtData(
  runtime: DoctorRuntime,
  search: Search,
  server: PeerId,
  paths: readonly ServerPath[],
  layers: Layers,
  signal: AbortSignal,
): Promise<DataSeen | undefined> {
  const sha256 = await someContent(runtime, search, server, paths, signal);
  if (sha256 === undefined) return undefined;
  const offer = await offerOf(runtime, search, sha256, paths[0]!, signal);
  if (offer === undefined) return undefined;
  // Where it says that its data comes from, which may be another port than the one that answers.
  const { content, path: { endpoint, token } } = offer;
  return await probeData(runtime, { content, endpoint, token, layers }, signal);
}

/** The longest file of the first page of its listing, so that there is something to send. */
async function someContent(
  { clock }: DoctorRuntime,
  search: Search,
  server: PeerId,
  paths: readonly ServerPath[],
  signal: AbortSignal,
): Promise<HashHex | undefined> {
  const ended = new AbortController();
  let longest: { readonly sizeBytes: number; readonly sha256: HashHex } | undefined;
  const handle = search.fetchList(server, {
    onEntries: (entries) => {
      for (const entry of entries) {
        if (entry.state !== "ready" || entry.sizeBytes <= (longest?.sizeBytes ?? 0)) continue;
        longest = entry;
      }
      ended.abort();
    },
    onRest: () => ended.abort(),
    onEnded: () => ended.abort(),
  });
  for (const path of paths) handle.addPath(path);
  await clock.sleep(3 * DATA_PROBE_MS, AbortSignal.any([ended.signal, signal]));
  handle.close();
  return longest?.sha256;
}

async function offerOf(
  { clock }: DoctorRuntime,
  search: Search,
  sha256: HashHex,
  { endpoint: { address } }: ServerPath,
  signal: AbortSignal,
): Promise<Offer | undefined> {
  const found = new AbortController();
  let offer: Offer | undefined;
  const find = search.find(
    [{ by: "sha256", sha256 }],
    (news) => {
      if (news.kind !== "offer" || news.offer.path.endpoint.address !== address) return;
      offer = news.offer;
      if (news.offer.isProved) found.abort();
    },
    undefined,
    LIST_SCHEDULE_MS,
  );
  await clock.sleep(3 * DATA_PROBE_MS, AbortSignal.any([found.signal, signal]));
  find.finish(0);
  return offer;
}
