/**
 * `put`: uploads files to one server over TCP. A file is hashed while it is sent, the server verifies it,
 * and only what is durably on the server's disk counts as done. Interrupted uploads resume.
 */
import { basename } from "@std/path/basename";
import { timeOf } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { denoRuntime } from "../../io/runtime.ts";
import { JsonSession } from "../../protocol/session/json_session.ts";
import { FilePut } from "../../protocol/session/put_file.ts";
import { uploadName } from "../../protocol/session/upload_rules.ts";
import { sizeText } from "../../sizes.ts";
import type { EchoedEvent, FailedEvent, StoredEvent } from "../events.ts";
import { requireAll } from "../files_error.ts";
import { type ResolvedPutOptions, resolvePut } from "../option_defaults.ts";
import type { PutOptions, PutResult } from "../options.ts";
import { requireOwnDialect, tellingOfSeal } from "../sealed_events.ts";
import { FileToSend, openLocalFile } from "./local_file.ts";
import { putByAscii, putByJson, type PutRuntime, targetOf } from "./put_dialects.ts";
import { SessionProgress } from "./session_progress.ts";
import { converse } from "./session_retries.ts";

/**
 * Uploads files to one server, over TCP. A file counts as stored when the server has verified it and written it to
 * disk; an upload that broke off resumes.
 *
 * @param options what to upload, and to whom
 * @returns what became of each file, in the order of the files: `stored`, or `echoed` by a server of the `json` dialect
 * @throws {FilesError} if a file failed; those that did not are stored all the same, and it has the results of both
 * @throws {ShoalError} `usage` if one of the files cannot be read, before anything is sent
 *
 * @example Upload a file
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { put, serve } from "@shoal/shoal";
 *
 * const dir = await Deno.makeTempDir();
 * const server = await serve({
 *   dir,
 *   cacheDir: await Deno.makeTempDir(),
 *   port: 0,
 *   allowUpload: true,
 * });
 *
 * const path = `${await Deno.makeTempDir()}/notes.txt`;
 * await Deno.writeTextFile(path, "hello");
 * await put({ files: [path], server: `127.0.0.1:${server.ready.tcpPort}` });
 * assertEquals(await Deno.readTextFile(`${dir}/notes.txt`), "hello");
 * await server.close();
 * ```
 */
export async function put(options: PutOptions): Promise<readonly (StoredEvent | EchoedEvent)[]> {
  return requireAll(await putSettled(options));
}

/**
 * The same, without rejecting for a file that failed.
 *
 * @param options what to upload, and to whom
 * @returns one event per file, in the order of the files: `stored`, `echoed` or `failed`
 * @throws {ShoalError} `usage` if one of the files cannot be read, before anything is sent
 *
 * @example See why an upload was refused
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { putSettled, serve } from "@shoal/shoal";
 *
 * const dir = await Deno.makeTempDir();
 * const server = await serve({ dir, cacheDir: await Deno.makeTempDir(), port: 0 });
 *
 * const path = await Deno.makeTempFile();
 * const [result] = await putSettled({ files: [path], server: `127.0.0.1:${server.ready.tcpPort}` });
 * assertEquals(result?.event === "failed" && result.code, "refused");
 * await server.close();
 * ```
 */
export async function putSettled(options: PutOptions): Promise<PutResult> {
  return await putIn(denoRuntime(), options);
}

/** The same on a platform that is handed in. */
export async function putIn(runtime: PutRuntime, given: PutOptions): Promise<PutResult> {
  const options = resolvePut(given);
  requireOwnDialect(options);
  return await tellingOfSeal(options, (telling) => putAll(runtime, telling));
}

async function putAll(runtime: PutRuntime, options: ResolvedPutOptions): Promise<PutResult> {
  // What cannot be read is told before anything is sent.
  for (const path of options.files) openLocalFile(runtime.disk, path).close();
  const results: (StoredEvent | EchoedEvent | FailedEvent)[] = [];
  for (const path of options.files) {
    const event = await putOne(runtime, options, path).catch((thrown): FailedEvent => {
      const { code, message, hint } = ShoalError.from(thrown);
      return { event: "failed", name: path, code, message, hint };
    });
    options.onEvent?.(event);
    results.push(event);
  }
  return results;
}

function putOne(
  runtime: PutRuntime,
  options: ResolvedPutOptions,
  path: string,
): Promise<StoredEvent | EchoedEvent> {
  switch (options.dialect) {
    case "shoal":
      return putFile(runtime, options, path);
    case "ascii":
      return putByAscii(runtime, options, path);
    case "json":
      return putByJson(runtime, options, path);
  }
}

/** A connection that breaks off is no reason to give up: the server keeps what it has. */
async function putFile(
  runtime: PutRuntime,
  options: ResolvedPutOptions,
  path: string,
): Promise<StoredEvent> {
  const { clock } = runtime;
  const startedMs = clock.nowMs();
  const name = uploadName(basename(path), "whole");
  if (name === undefined) {
    throw new ShoalError("bad_name", `${path} has a name that cannot be offered`, {
      hint:
        "Hidden files, unfinished downloads and names that some systems do not allow cannot be uploaded.",
    });
  }
  const { server, onEvent } = options;
  const file = new FileToSend(runtime.disk, path);
  try {
    const { signature } = file.identity;
    const { sizeBytes } = signature;
    const emit = (event: Parameters<NonNullable<typeof onEvent>>[0]): void => onEvent?.(event);
    const progress = new SessionProgress({ clock, name: path, server, sizeBytes, emit });
    const upload = new FilePut({ name, sizeBytes, ...timeOf(signature) });
    let peer = server;
    const stored = await converse(
      runtime,
      targetOf(options, path),
      (at) => upload.talk(new JsonSession({ peer: peer = at })),
      {
        read: (step) => file.read(step),
        confirm: () => file.confirm(),
        tell(news) {
          if (news.kind === "progress") progress.at(news.bytes);
          if (news.kind !== "resumes") return;
          progress.resumeAt(news.offset);
          const message = `Resuming ${path} at ${sizeText(news.offset)}`;
          emit({ event: "notice", level: "info", message });
        },
      },
    );
    return {
      event: "stored",
      name: path,
      storedAs: stored.name,
      server: peer,
      size: stored.sizeBytes,
      sha256: stored.sha256,
      md5: stored.md5,
      present: stored.isPresent,
      seconds: (clock.nowMs() - startedMs) / 1000,
    };
  } finally {
    file.close();
  }
}
