/** A client's queries to a master: who has this, what is there? */
import { isLinkLocal, parseHostPort, scopeOf } from "../../address.ts";
import { resolveHost } from "../../io/net/network.ts";
import type { TcpRuntime } from "../../io/net/tcp_client.ts";
import { MASTER_PORT } from "../../limits.ts";
import type { SafeFileName } from "../../ids.ts";
import {
  filesBelow,
  locateFiles,
  namesLike,
  RegistryListing,
} from "../../protocol/master/master_queries.ts";
import type { LocatedFile, LocateQuery } from "../../protocol/master/registry_store.ts";
import type { Layers } from "../../messages/transport_config.ts";
import type { ClientDialogue } from "../../protocol/session/client_dialogue.ts";
import { JsonSession } from "../../protocol/session/json_session.ts";
import { converse } from "../session/session_retries.ts";
import { MASTER_MESSAGE_BYTES_MAX, MASTER_PATIENCE_MS } from "./limits.ts";

export interface MasterTarget {
  /** `HOST` or `HOST:PORT`. */
  readonly master: string;
  readonly layers: Layers;
  /** A master is given this long, and at most {@linkcode MASTER_PATIENCE_MS}: that is the default. */
  readonly timeoutMs?: number | undefined;
  /** Connections in a row that may bring nothing; 1 by default. */
  readonly retries?: number | undefined;
  readonly signal: AbortSignal;
}

/**
 * Who has the files that are looked for, query by query.
 *
 * @param except addresses that the master has told of and that do not answer, `LOCATE_EXCEPT_MAX` at most
 *
 * Throws ShoalError `no_server`, `stalled`, `refused`, `interrupted`, or `network` for nonsense.
 */
export async function locateAt(
  runtime: TcpRuntime,
  target: MasterTarget,
  queries: readonly LocateQuery[],
  except: readonly string[] = [],
): Promise<LocatedFile[][]> {
  const talk = (session: JsonSession) => locateFiles(session, queries, except);
  const found = await askMaster(runtime, target, talk);
  const scope = await scopeTowards(runtime, target);
  return found.map((files) => files.map((file) => reachable(file, scope)));
}

/** Who has files below a folder, a page of them. Throws like {@linkcode locateAt}. */
export async function belowAt(
  runtime: TcpRuntime,
  target: MasterTarget,
  folder: SafeFileName | undefined,
  after: SafeFileName | undefined,
): Promise<{ readonly files: LocatedFile[]; readonly next: SafeFileName | undefined }> {
  const page = await askMaster(runtime, target, (session) => filesBelow(session, folder, after));
  const scope = await scopeTowards(runtime, target);
  return { ...page, files: page.files.map((file) => reachable(file, scope)) };
}

/** Names that the master knows and that are like this one. Throws like {@linkcode locateAt}. */
export async function similarAt(
  runtime: TcpRuntime,
  target: MasterTarget,
  wanted: SafeFileName,
): Promise<SafeFileName[]> {
  return await askMaster(runtime, target, (session) => namesLike(session, wanted));
}

/** Everything that the master knows of, page by page. Throws like {@linkcode locateAt}. */
export async function listAt(
  runtime: TcpRuntime,
  target: MasterTarget,
  onFiles: (files: readonly LocatedFile[]) => void,
): Promise<void> {
  const scope = await scopeTowards(runtime, target);
  const listing = new RegistryListing((files) =>
    onFiles(files.map((file) => reachable(file, scope)))
  );
  await askMaster(runtime, target, (session) => listing.read(session));
}

/** The link by which the master is reached, if its address is of one. */
async function scopeTowards(
  runtime: TcpRuntime,
  { master, timeoutMs = MASTER_PATIENCE_MS, signal }: MasterTarget,
): Promise<string | undefined> {
  const named = parseHostPort(master);
  if (named === undefined || !isLinkLocal(named.host)) return undefined;
  // An address, so that nobody has to be asked.
  const { addresses: [address = ""] } = await resolveHost(runtime, master, { timeoutMs, signal });
  return scopeOf(address);
}

/** A master tells addresses of a link only to who asks by that link, and knows it by another name. */
function reachable(file: LocatedFile, scope: string | undefined): LocatedFile {
  const servers = file.servers.flatMap((each) => {
    const { address, port } = each.endpoint;
    if (!isLinkLocal(address)) return [each];
    return scope === undefined
      ? []
      : [{ ...each, endpoint: { address: `${address}%${scope}`, port } }];
  });
  return { ...file, servers };
}

async function askMaster<T>(
  runtime: TcpRuntime,
  { master, layers, timeoutMs = MASTER_PATIENCE_MS, retries = 1, signal }: MasterTarget,
  talk: (session: JsonSession) => ClientDialogue<T>,
): Promise<T> {
  const target = {
    server: master,
    port: MASTER_PORT,
    layers,
    timeoutMs: Math.min(timeoutMs, MASTER_PATIENCE_MS),
    retries,
    signal,
  };
  const messageBytesMax = MASTER_MESSAGE_BYTES_MAX;
  return await converse(
    runtime,
    target,
    (peer) => talk(new JsonSession({ peer, messageBytesMax })),
  );
}
