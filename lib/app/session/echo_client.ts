/** The client of the existing round-trip tool: keeps what came back as `received_NAME`. */
import { basename } from "@std/path/basename";
import { writeWholeFile } from "../../io/files/whole_file.ts";
import { RETRIES_DEFAULT, TIMEOUT_MS_DEFAULT } from "../limits.ts";
import type { LogLevel } from "../../protocol/session/dialogue.ts";
import { logNotice } from "../log_notice.ts";
import { resolveEchoClient } from "../option_defaults.ts";
import type { EchoClientOptions, EchoResult } from "../options.ts";
import { denoRuntime } from "../../io/runtime.ts";
import { type PutRuntime, readWhole } from "./put_dialects.ts";
import { roundTrip } from "./round_trip_run.ts";

/**
 * Sends a file to a server of the older round-trip tool, compares what comes back, and keeps it as
 * `received_NAME` in the current folder. Chunks that were lost or damaged are requested again.
 *
 * @param options which file, and to whom
 * @returns what came back, and in how many uploads
 * @throws {ShoalError} `usage` if the file cannot be read or is too large for one message, `unverified` if it does
 * not come back as it was, `no_server`, `stalled` or `network` if the server cannot be reached or understood,
 * `disk` if the copy cannot be written, `interrupted` through the signal
 *
 * @example Make the round trip
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { echo, serveEcho } from "@shoal/shoal";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "hello");
 * const server = serveEcho({ host: "127.0.0.1", port: 0 });
 *
 * const result = await echo({ server: "127.0.0.1", port: server.port, file: path, retriesMax: 3 });
 * assertEquals(await Deno.readTextFile(result.path), "hello");
 * await Deno.remove(result.path);
 * await server.close();
 * ```
 */
export async function echo(options: EchoClientOptions): Promise<EchoResult> {
  return await echoIn(denoRuntime(), options);
}

/** The same on a platform that is handed in. */
export async function echoIn(
  runtime: PutRuntime,
  given: EchoClientOptions,
): Promise<EchoResult> {
  const options = resolveEchoClient(given);
  const { server, port, layers, retriesMax, signal } = options;
  const file = readWhole(runtime.disk, options.file);
  const name = basename(options.file);
  const log = (level: LogLevel, message: string): void =>
    options.onEvent?.(logNotice(level, message));
  const result = await roundTrip(runtime, {
    server,
    port,
    layers,
    timeoutMs: TIMEOUT_MS_DEFAULT,
    retries: RETRIES_DEFAULT,
    signal,
    file,
    path: name,
    retriesMax,
    log,
  });
  const path = `received_${name}`;
  await writeWholeFile(path, result.file);
  log("DEBUG", `File received and saved as ${path}`);
  const { sha256, chunkCount, rounds } = result;
  return { path, sizeBytes: file.length, sha256, chunkCount, rounds };
}
