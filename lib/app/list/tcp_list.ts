/** `list --tcp`: what one server has, over TCP; and the rest of a listing that began over UDP. */
import { type Endpoint, endpointText } from "../../address.ts";
import type { SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { TcpRuntime } from "../../io/net/tcp_client.ts";
import { denoRuntime } from "../../io/runtime.ts";
import { LIST_TCP_PATIENCE_MS } from "./limits.ts";
import { resolveTcpList } from "../option_defaults.ts";
import type { Layers } from "../../messages/transport_config.ts";
import { ServerListing } from "../../protocol/session/ask_server.ts";
import { AsciiManners, AsciiSession } from "../../protocol/session/ascii_session.ts";
import type { DescribedFile } from "../../protocol/session/described_file.ts";
import { JsonSession } from "../../protocol/session/json_session.ts";
import type { FileEvent } from "../events.ts";
import type { ListResult, TcpListOptions } from "../options.ts";
import { requireOwnDialect, tellingOfSeal } from "../sealed_events.ts";
import { converse, type SessionTarget } from "../session/session_retries.ts";

/**
 * Lists what one server offers, over TCP.
 *
 * @param options which server, and how to speak to it
 * @returns one event per file, in the order of the names
 * @throws {ShoalError} `usage` for the JSON dialect, which has no listing, and for a layer that does not reach TCP; `no_server` if nobody answers,
 * `stalled` if the answer breaks off, `network` for a peer that speaks something else, `interrupted` through
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
  return await listOverTcpIn(denoRuntime(), options);
}

/** The same on a platform that is handed in. */
export async function listOverTcpIn(
  runtime: TcpRuntime,
  options: TcpListOptions,
): Promise<ListResult> {
  const resolved = resolveTcpList(options);
  const { server, port, layers, timeoutMs, retries, signal, dialect } = resolved;
  requireOwnDialect(resolved);
  if (dialect === "json") {
    throw new ShoalError("usage", "the JSON dialect cannot list files", {
      hint: "It only knows uploads: `put --dialect json`.",
    });
  }
  const target: SessionTarget = {
    server,
    port,
    layers,
    timeoutMs,
    retries,
    signal,
    onWaiting: (attempt, attempts, message) =>
      resolved.onEvent?.({ event: "waiting", name: "", attempt, attempts, message }),
  };
  return await tellingOfSeal(resolved, async ({ onEvent }) => {
    const files = await (dialect === "shoal" ? listing : asciiListing)(runtime, target);
    for (const file of files) onEvent?.(file);
    return files;
  });
}

/**
 * What the server at `from` lists after a name, page by page, to `onFiles`. Throws ShoalError like
 * {@linkcode listOverTcp}, and soon when there is nobody: the caller has another way.
 */
export async function restOfListing(
  runtime: TcpRuntime,
  { from, layers }: { readonly from: Endpoint; readonly layers: Layers },
  after: SafeFileName,
  onFiles: (files: readonly DescribedFile[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const target: SessionTarget = {
    server: endpointText(from),
    port: from.port,
    layers,
    timeoutMs: LIST_TCP_PATIENCE_MS,
    // Datagrams bring what a connection that breaks leaves over.
    retries: 0,
    signal,
  };
  await readPages(runtime, target, new ServerListing(after), (files) => onFiles(files));
}

/**
 * What the server that the user named lists over TCP, page by page, to `onFiles`, with its address. Throws ShoalError
 * like {@linkcode listOverTcp}.
 */
export async function listingOverTcp(
  runtime: TcpRuntime,
  target: SessionTarget,
  onFiles: (files: readonly DescribedFile[], peer: string) => void,
): Promise<void> {
  await readPages(runtime, target, new ServerListing(), onFiles);
}

async function listing(runtime: TcpRuntime, target: SessionTarget): Promise<FileEvent[]> {
  const events: FileEvent[] = [];
  await listingOverTcp(runtime, target, (files, peer) => {
    for (const { name, sizeBytes: size, sha256, md5 } of files) {
      events.push({
        event: "file",
        name,
        size,
        ...(sha256 !== undefined && { sha256 }),
        ...(md5 !== undefined && { md5 }),
        servers: [peer],
      });
    }
  });
  return events;
}

async function asciiListing(runtime: TcpRuntime, target: SessionTarget): Promise<FileEvent[]> {
  const manners = new AsciiManners();
  let at = target.server;
  const listed = await converse(
    runtime,
    target,
    (peer) => new AsciiSession(at = peer, manners).list(),
  );
  return listed.map(({ id, name, sizeBytes: size }): FileEvent => ({
    event: "file",
    name,
    size,
    md5: id,
    servers: [at],
  }));
}

async function readPages(
  runtime: TcpRuntime,
  target: SessionTarget,
  pages: ServerListing,
  onFiles: (files: readonly DescribedFile[], peer: string) => void,
): Promise<void> {
  let at = target.server;
  await converse(runtime, target, (peer) => pages.read(new JsonSession({ peer: at = peer })), {
    tell: (news) => {
      if (news.kind === "listed") onFiles(news.files, at);
    },
  });
}
