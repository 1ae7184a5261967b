/** A client's queries to a master: who has this, what is there? */
import type { SafeFileName } from "../../ids.ts";
import type { SessionConnection } from "../../io/net/session_connection.ts";
import { type TcpTarget, withConnection } from "../../io/net/tcp_client.ts";
import { CATALOGUE_ENTRIES_MAX, MASTER_PORT } from "../../limits.ts";
import { LOCATE_QUERIES_MAX } from "../../protocol/master/limits.ts";
import { MASTER_MESSAGE_BYTES_MAX, MASTER_PATIENCE_MS } from "./limits.ts";
import { locatedIn } from "../../protocol/master/master_messages.ts";
import type { LocatedFile, LocateQuery } from "../../protocol/master/registry_store.ts";
import type { JsonObject } from "../../wire/session_json.ts";
import { SessionClient } from "../session/session_client.ts";

/**
 * Who has the files that are looked for, query by query.
 *
 * Throws ShoalError `no_server`, `stalled`, `refused`, `interrupted`, or `network` for nonsense.
 */
export async function locateAt(
  master: string,
  queries: readonly LocateQuery[],
  signal: AbortSignal,
): Promise<LocatedFile[][]> {
  return await withMaster(master, signal, async (client) => {
    const found: LocatedFile[][] = [];
    for (let at = 0; at < queries.length; at += LOCATE_QUERIES_MAX) {
      found.push(...await located(client, queries.slice(at, at + LOCATE_QUERIES_MAX)));
    }
    return found;
  });
}

/** Everything that the master knows of, page by page. Throws like {@linkcode locateAt}. */
export async function listAt(
  master: string,
  onFiles: (files: readonly LocatedFile[]) => void,
  signal: AbortSignal,
): Promise<void> {
  await withMaster(master, signal, async (client) => {
    let after: SafeFileName | undefined;
    for (let count = 0; count <= CATALOGUE_ENTRIES_MAX;) {
      const request = { command: "list", ...(after !== undefined && { after }) };
      const page = await client.ask(request, MASTER_PATIENCE_MS);
      const files = filesIn(page["files"]);
      if (page["status"] !== "files" || files === undefined) throw client.nonsense();
      onFiles(files);
      after = page["next"] as SafeFileName | undefined;
      if (after === undefined) return;
      // One that says that more follows, and tells nothing, would be asked for ever.
      count += Math.max(1, files.length);
    }
  });
}

async function withMaster<T>(
  master: string,
  signal: AbortSignal,
  talk: (client: SessionClient) => Promise<T>,
): Promise<T> {
  const target: TcpTarget = {
    server: master,
    port: MASTER_PORT,
    timeoutMs: MASTER_PATIENCE_MS,
    signal,
  };
  return await withConnection(
    target,
    (connection: SessionConnection) =>
      talk(new SessionClient(connection, MASTER_MESSAGE_BYTES_MAX)),
  );
}

async function located(
  client: SessionClient,
  queries: readonly LocateQuery[],
): Promise<LocatedFile[][]> {
  // The answer is in the order of the names, then of the contents.
  const names = queries.filter((query) => query.by === "name");
  const contents = queries.filter((query) => query.by === "sha256");
  const request: JsonObject = {
    command: "locate",
    names: names.map(({ name }) => name),
    sha256: contents.map(({ sha256 }) => sha256),
  };
  const said = await client.ask(request, MASTER_PATIENCE_MS);
  const { status, found } = said;
  const isWhole = status === "located" && Array.isArray(found) && found.length === queries.length;
  if (!isWhole) throw client.nonsense();
  const answers = new Map<LocateQuery, LocatedFile[]>();
  [...names, ...contents].forEach((query, i) => answers.set(query, filesIn(found[i]) ?? []));
  return queries.map((query) => answers.get(query)!);
}

function filesIn(value: unknown): LocatedFile[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const files = value.map(locatedIn).filter((file) => file !== undefined);
  return files.length === value.length ? files : undefined;
}
