/**
 * What a `get` asks for and whom, by UDP or over TCP alone: what the user typed as queries, the hosts resolved, and the
 * run that is made of them.
 */
import { UNSPECIFIED_ADDRESS } from "../../address.ts";
import type { SafeFileName } from "../../ids.ts";
import { hashHex } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { Runtime } from "../../io/runtime.ts";
import type { ResolvedGetOptions, ResolvedTcpGetOptions } from "../option_defaults.ts";
import type { DatagramsConfig } from "../../messages/chunk_source.ts";
import { transportConfig } from "../../messages/transport_config.ts";
import { isMarked, unmarked } from "../../marked_name.ts";
import { parseFileName } from "../../names.ts";
import type { Query } from "../../wire/frames.ts";
import type { GetResult } from "../options.ts";
import { type NameSearch, openSearch, peerIdsOn } from "../discovery/search.ts";
import { reachableEndpoint } from "../../io/net/tcp_client.ts";
import type { JsonObject } from "../../wire/session_json.ts";
import type { GetExtension } from "./get_extension.ts";
import { GetRun } from "./get_run.ts";
import type { RunOutset } from "./run_totals.ts";
import { questionFor, questionOf, StreamSearch } from "./stream_search.ts";

/**
 * Fetches every name; resolves to what became of each when all are done or have failed, and rejects with a ShoalError only
 * when the run could not begin or broke as a whole.
 */
export async function getOverDatagrams(
  options: ResolvedGetOptions,
  runtime: Runtime,
  extension: GetExtension,
  outset?: RunOutset,
): Promise<readonly GetResult[]> {
  const queries = options.names.map(queryOf);
  const search = await openSearch(options, runtime);
  const hosts = options.servers.length > 0 ? search.classicTargets : [];
  const datagrams = datagramsConfig(options);
  const run = new GetRun(
    ...[
      search.watched(runtime),
      options,
      queries,
      () => search,
      datagrams,
      hosts,
      extension,
      outset,
    ] as const,
  );
  return await ended(run);
}

/** The same from one server over TCP alone. */
export async function getOverStream(
  options: ResolvedTcpGetOptions,
  runtime: Runtime,
  outset?: RunOutset,
): Promise<readonly GetResult[]> {
  const { timeoutMs, retries: attempts } = options;
  const endpoint = await reachableEndpoint(runtime, options);
  const questions = new Map<Query, JsonObject>();
  const queries = options.names.map((name) => {
    const question = questionOf(name);
    const query = queryFor(question);
    questions.set(query, question);
    return query;
  });
  const search = (run: GetRun): NameSearch =>
    new StreamSearch({
      clock: runtime.clock,
      endpoint,
      providers: run.streams,
      peerIds: peerIdsOn(runtime),
      // A part of a folder is searched for by its content.
      questionOf: (query) => questions.get(query) ?? questionFor(query),
      ...{ timeoutMs, attempts },
      onFailure: (query, error) => run.fail(query, error),
    });
  const run = new GetRun(
    ...[runtime, { ...options, ...UDP_ONLY }, queries, search, undefined, [], {}, outset] as const,
  );
  return await ended(run);
}

/** What no session knows of. */
const UDP_ONLY = { masters: [], share: false, shareRateBytesPerS: 0 };

/** How a get over UDP receives what it fetches. */
function datagramsConfig(options: ResolvedGetOptions): DatagramsConfig {
  const { tune, layers, mtuBytes, pack } = options;
  const transport = transportConfig({ host: UNSPECIFIED_ADDRESS, tune, layers });
  return { transport, mtuBytes, packs: pack };
}

async function ended(run: GetRun): Promise<readonly GetResult[]> {
  try {
    return await run.ended();
  } finally {
    await run.close();
  }
}

/** Only a question by name is one for the name that the file will have here. */
function queryFor({ name, tree, sha256 }: JsonObject): Query {
  if (typeof tree === "string") return { by: "tree", name: tree as SafeFileName };
  if (typeof name === "string") return { by: "name", name: name as SafeFileName };
  return typeof sha256 === "string" ? { by: "sha256", sha256: hashHex(sha256) } : { by: "any" };
}

/** `sha256:HEX` asks by content, anything else by name. Throws ShoalError `bad_name` or `usage`. */
function queryOf(typed: string): Query {
  const text = unmarked(typed);
  const match = isMarked(typed) ? null : /^sha256:(.*)$/s.exec(text);
  if (match !== null) {
    const hex = match[1]!.toLowerCase();
    if (!/^[0-9a-f]{64}$/.test(hex)) {
      throw new ShoalError("usage", "sha256: takes 64 hex digits");
    }
    return { by: "sha256", sha256: hashHex(hex) };
  }
  const isFolder = text.endsWith("/");
  const parsed = parseFileName(isFolder ? text.slice(0, -1) : text);
  if (!parsed.ok) throw new ShoalError("bad_name", `not a valid file name: ${parsed.problem}`);
  return { by: isFolder ? "tree" : "name", name: parsed.name };
}
