/** `list --tcp`: what one server has, over TCP; and the rest of a listing that began over UDP. */
import { type Endpoint, endpointText } from "../../address.ts";
import type { SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { withConnection } from "../../io/net/tcp_client.ts";
import { CATALOGUE_ENTRIES_MAX } from "../../limits.ts";
import { LIST_TCP_PATIENCE_MS } from "./limits.ts";
import { resolveTcpList } from "../option_defaults.ts";
import { AsciiClient } from "../session/ascii_client.ts";
import type { FileEvent } from "../events.ts";
import type { ListResult, TcpListOptions } from "../options.ts";
import { type DescribedFile, describedFile, SessionClient } from "../session/session_client.ts";

/**
 * Lists what one server offers, over TCP.
 *
 * @param options which server, and how to speak to it
 * @returns one event per file, in the order of the names
 * @throws {ShoalError} `usage` for the JSON dialect, which has no listing; `no_server` if nobody answers,
 * `stalled` if the connection breaks, `network` for a peer that speaks something else, `interrupted` through
 * the signal
 *
 * @example List one server
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { listOverTcp, serve } from "@shoal/shoal";
 *
 * const dir = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${dir}/notes.txt`, "hello");
 * const server = await serve({ dir, cacheDir: await Deno.makeTempDir(), port: 0 });
 *
 * const files = await listOverTcp({ server: `127.0.0.1:${server.ready.tcpPort}` });
 * assertEquals(files.map(({ name }) => name), ["notes.txt"]);
 * await server.close();
 * ```
 */
export async function listOverTcp(options: TcpListOptions): Promise<ListResult> {
  const { server, port, dialect, timeoutMs, signal } = resolveTcpList(options);
  if (dialect === "json") {
    throw new ShoalError("usage", "the JSON dialect cannot list files", {
      hint: "It only knows uploads: put --dialect json.",
    });
  }
  const files = await withConnection({ server, port, timeoutMs, signal }, async (connection) => {
    if (dialect === "shoal") return await listing(new SessionClient(connection));
    const listed = await new AsciiClient(connection).list();
    return listed.map(({ id, name, sizeBytes }): FileEvent => ({
      event: "file",
      name,
      size: sizeBytes,
      md5: id,
      servers: [connection.peer],
    }));
  });
  for (const file of files) options.onEvent?.(file);
  return files;
}

/**
 * What the server at `from` lists after a name, page by page, to `onFiles`. Throws ShoalError like
 * {@linkcode listOverTcp}, and soon when there is nobody: the caller has another way.
 */
export async function restOfListing(
  from: Endpoint,
  after: SafeFileName,
  onFiles: (files: readonly DescribedFile[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const target = {
    server: endpointText(from),
    port: from.port,
    timeoutMs: LIST_TCP_PATIENCE_MS,
    signal,
  };
  await withConnection(target, async (connection) => {
    const client = new SessionClient(connection);
    for await (const files of pages(client, after, LIST_TCP_PATIENCE_MS)) onFiles(files);
  });
}

async function listing(client: SessionClient): Promise<FileEvent[]> {
  const events: FileEvent[] = [];
  for await (const files of pages(client)) {
    for (const { name, sizeBytes: size, sha256, md5 } of files) {
      events.push({
        event: "file",
        name,
        size,
        ...(sha256 !== undefined && { sha256 }),
        ...(md5 !== undefined && { md5 }),
        servers: [client.connection.peer],
      });
    }
  }
  return events;
}

/** @param idleMs how long each page may take */
async function* pages(
  client: SessionClient,
  after?: unknown,
  idleMs?: number,
): AsyncGenerator<readonly DescribedFile[]> {
  for (let fileCount = 0; fileCount <= CATALOGUE_ENTRIES_MAX;) {
    const request = { command: "list", ...(after !== undefined && { after }) };
    const page = await client.ask(request, idleMs);
    if (page["status"] !== "files" || !Array.isArray(page["files"])) throw client.nonsense();
    const files = page["files"].map(describedFile).filter((file) => file !== undefined);
    if (files.length < page["files"].length) throw client.nonsense();
    yield files;
    after = page["next"];
    if (after === undefined) return;
    // A server that says that more follows, and tells nothing, would be asked for ever.
    fileCount += Math.max(1, files.length);
  }
  throw client.nonsense();
}
